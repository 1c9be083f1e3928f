#include "patroni/review_server_start.hpp"

#include "patroni/dcs_configuration.hpp"
#include "postgres/binaries.hpp"
#include "system/descriptor.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace patroni_pgbackrest::patroni {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> items_of(const std::string& list) {
    std::vector<std::string> items;
    for (const auto& item : system::split(list, ',')) {
        items.emplace_back(system::trim(item));
    }
    return items;
}

/// Whether this machine has no such address. False as well for a name, or when something else is wrong.
bool is_foreign_address(std::string host) {
    if (host.starts_with("[") && host.ends_with("]")) {
        host = host.substr(1, host.size() - 2);
    }
    sockaddr_in four{};
    sockaddr_in6 six{};
    four.sin_family = AF_INET;
    six.sin6_family = AF_INET6;
    const bool is_four = ::inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1;
    if (!is_four && ::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) != 1) {
        return false;
    }
    const system::Descriptor socket(::socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int bound = is_four ? ::bind(socket.number(), reinterpret_cast<const sockaddr*>(&four), sizeof four)
                              : ::bind(socket.number(), reinterpret_cast<const sockaddr*>(&six), sizeof six);
    return bound != 0 && errno == EADDRNOTAVAIL;
}

/// One address that can be bound is enough.
void review_listen(const OpenedAtStart& opened, std::vector<Finding>& findings) {
    if (!opened.listen) {
        return;
    }
    const auto& text = opened.listen->text;
    const auto hosts = items_of(text.substr(0, text.rfind(':')));
    if (std::all_of(hosts.begin(), hosts.end(), is_foreign_address)) {
        findings.push_back(
            {"listen-foreign",
             {fmt::format("postgresql.listen is '{}', and this machine has no such address: PostgreSQL would not start",
                          text),
              "write an address of this machine, or '*'", opened.listen->place}});
    }
}

bool is_below_run(const fs::path& directory) {
    const auto path = directory.lexically_normal().string();
    return path.starts_with("/run/") || path.starts_with("/var/run/");
}

/// What is relative lies there as well.
bool lies_in_data_directory(const Configuration& configuration, const fs::path& path) {
    const auto directory = configuration.data_directory ? configuration.data_directory->text : std::string();
    return path.is_relative() || system::lies_in(path, fs::path(directory).lexically_normal());
}

/// Patroni makes a directory that is absent (validate_directory in utils.py).
bool can_be_used(fs::path directory) {
    std::error_code error;
    while (!fs::exists(directory, error) && directory.has_relative_path()) {
        directory = directory.parent_path();
    }
    return fs::is_directory(directory, error) && system::is_writable(directory);
}

/// One directory that can be used is enough for PostgreSQL. What begins with @ lies in no directory.
void review_sockets(const Configuration& configuration, bool in_its_unit, std::vector<Finding>& findings) {
    const auto& opened = configuration.opened;
    if (!opened.socket_directories) {
        return;
    }
    const auto& text = opened.socket_directories->text;
    const auto directories = items_of(text);
    const auto is_unusable = [&](const std::string& directory) {
        std::error_code error;
        const bool is_made_later = !in_its_unit && is_below_run(directory) && !fs::exists(directory, error);
        return !lies_in_data_directory(configuration, directory) && !is_made_later && !can_be_used(directory);
    };
    if (std::all_of(directories.begin(), directories.end(), is_unusable)) {
        std::error_code error;
        const bool is_there = std::any_of(directories.begin(), directories.end(),
                                          [&](const auto& directory) { return fs::exists(directory, error); });
        findings.push_back({"socket-directory",
                            {fmt::format("unix_socket_directories is '{}', which {}: PostgreSQL would not start", text,
                                         is_there ? "this user cannot write to" : "this user cannot make"),
                             "make the directory for the user that runs Patroni, or name another one",
                             opened.socket_directories->place}});
    }
}

/// Why PostgreSQL would not take a file of TLS; empty if it would, as far as that can be seen.
std::string fault_of(const std::string& name, const fs::path& file) {
    constexpr mode_t others = S_IRWXG | S_IRWXO, more_than_reading = S_IWGRP | S_IXGRP | S_IRWXO;
    struct stat facts {};
    if (::stat(file.c_str(), &facts) != 0) {
        return errno == ENOENT ? "does not exist" : std::string();
    }
    if (::access(file.c_str(), R_OK) != 0) {
        return "cannot be read by this user";
    }
    const bool is_roots = facts.st_uid == 0;
    if (name != "ssl_key_file") {
        return {};
    }
    if (!is_roots && facts.st_uid != ::geteuid() && ::geteuid() != 0) {
        return "belongs neither to this user nor to root";
    }
    const bool is_open = (facts.st_mode & (is_roots ? more_than_reading : others)) != 0;
    return is_open ? "can be read by others than its owner" : std::string();
}

void review_tls(const Configuration& configuration, bool in_its_unit, std::vector<Finding>& findings) {
    for (const auto& [name, value] : configuration.opened.tls_files) {
        const fs::path file = value.text;
        std::error_code error;
        const bool comes_later = lies_in_data_directory(configuration, file) ||
                                 (!in_its_unit && is_below_run(file) && !fs::exists(file, error));
        const auto fault = comes_later ? std::string() : fault_of(name, file);
        if (!fault.empty()) {
            findings.push_back(
                {"tls-file",
                 {fmt::format("{} {} {}: PostgreSQL would not start", name, value.text, fault),
                  "put it there for the user that runs Patroni (a key with mode 0600), or turn ssl off", value.place}});
        }
    }
}

/// Only where the directory that PostgreSQL calls $libdir is known by a library that every server has.
void review_libraries(const OpenedAtStart& opened, const fs::path& binaries, std::vector<Finding>& findings) {
    const auto directory = postgres::library_directory(binaries);
    std::error_code error;
    if (!opened.libraries || opened.has_library_path || !fs::exists(directory / "libpqwalreceiver.so", error)) {
        return;
    }
    for (auto name : items_of(opened.libraries->text)) {
        std::erase(name, '"');
        if (!name.empty() && !postgres::has_library(directory, name)) {
            findings.push_back(
                {"library-missing",
                 {fmt::format("shared_preload_libraries has {}, which is not in {}", name, directory.string()),
                  "install it, or take it out", opened.libraries->place}});
        }
    }
}

}  // namespace

std::vector<Finding> review_server_start(const Configuration& configuration, const fs::path& binaries,
                                         bool in_its_unit) {
    std::vector<Finding> findings;
    review_listen(configuration.opened, findings);
    review_sockets(configuration, in_its_unit, findings);
    review_tls(configuration, in_its_unit, findings);
    review_libraries(configuration.opened, binaries, findings);
    return said_of_dcs(std::move(findings), configuration.dcs_edit);
}

}  // namespace patroni_pgbackrest::patroni
