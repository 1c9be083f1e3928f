#include "patroni/local_server.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace patroni_pgbackrest::patroni {

namespace {

namespace fs = std::filesystem;
using postgres::PostmasterFile;

/// As libpq wants it: unix_socket_directories may be relative to the data directory, and `@` begins an abstract name.
std::string socket_of(const PostmasterFile& file, const fs::path& data_directory) {
    const auto& socket = file.socket_directory;
    const bool is_usable = socket.empty() || socket.front() == '/' || socket.front() == '@';
    return is_usable ? socket : (data_directory / socket).lexically_normal().string();
}

/// As Patroni chooses it (postgresql/config.py _get_tcp_local_address).
std::string tcp_host_of(const PostmasterFile& file) {
    static constexpr std::array everywhere = {"*", "0.0.0.0", "::"};
    const bool is_everywhere = std::find(everywhere.begin(), everywhere.end(), file.listen_address) != everywhere.end();
    return is_everywhere ? "localhost" : file.listen_address;
}

Way way(const PostmasterFile& file, const std::string& host, const SuperuserAccess* access,
        const std::string& database) {
    Way way{{{{"host", host}, {"port", file.port}, {"dbname", database}}, true, {}},
            fmt::format("{}through {}", access == nullptr ? "" : fmt::format("as {} ", *access->user), host)};
    if (access != nullptr) {
        auto& keywords = way.connection.keywords;
        keywords.push_back({"user", *access->user});
        keywords.insert(keywords.end(), access->keywords.begin(), access->keywords.end());
    }
    return way;
}

}  // namespace

std::vector<Way> ways_to_server(const PostmasterFile& file, const fs::path& data_directory,
                                const SuperuserAccess& access, bool pguser_is_set) {
    const auto socket = socket_of(file, data_directory);
    const auto tcp = tcp_host_of(file);
    std::vector<Way> ways;
    for (const auto& host : {socket, tcp}) {
        if (access.user && !host.empty()) {
            ways.push_back(way(file, host, &access, access.database));
        }
    }
    if (!socket.empty() || ways.empty() || pguser_is_set) {
        if (const auto& host = socket.empty() ? tcp : socket; !host.empty()) {
            ways.insert(pguser_is_set ? ways.begin() : ways.end(), way(file, host, nullptr, access.database));
        }
    }
    return ways;
}

}  // namespace patroni_pgbackrest::patroni
