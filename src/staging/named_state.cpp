#include "staging/named_state.hpp"

#include "system/listening.hpp"

#include <fmt/format.h>
#include <string_view>
#include <sys/stat.h>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

std::string state_of_path(fs::path path) {
    struct stat facts {};
    while (::stat(path.c_str(), &facts) != 0) {
        if (!path.has_relative_path()) {
            return {};
        }
        path = path.parent_path();
    }
    // A directory's time changes with what is in it, whatever that is.
    const auto written = S_ISREG(facts.st_mode) ? facts.st_mtime : 0;
    return fmt::format("{} {:o} {} {} {}", path.string(), facts.st_mode, facts.st_uid, facts.st_gid, written);
}

/// PostgreSQL looks for `name` and `name.so` in the directory that it calls $libdir.
std::string state_of_library(const std::string& name, const fs::path& libraries) {
    constexpr std::string_view place = "$libdir/";
    const auto file = libraries / (name.starts_with(place) ? name.substr(place.size()) : name);
    std::error_code error;
    return fmt::format("{} {}", name, fs::exists(file, error) || fs::exists(file.string() + ".so", error));
}

}  // namespace

std::string named_state(const std::string& words, const fs::path& libraries, std::optional<unsigned> port) {
    std::string state;
    for (auto quote = words.find('"'); quote != std::string::npos;) {
        const auto end = words.find('"', quote + 1);
        if (end == std::string::npos) {
            break;
        }
        const auto name = words.substr(quote + 1, end - quote - 1);
        state += (name.starts_with('/') ? state_of_path(name) : state_of_library(name, libraries)) + "\n";
        quote = words.find('"', end + 1);
    }
    // Its last words are of the sockets; the one that was in use is named before.
    const bool is_about_port =
        words.find("TCP/IP socket") != std::string::npos || words.find("in use") != std::string::npos;
    if (port && is_about_port) {
        state += fmt::format("port {} {}\n", *port, system::is_listening(*port));
    }
    return state;
}

}  // namespace patroni_pgbackrest
