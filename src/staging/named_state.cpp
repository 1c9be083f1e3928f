#include "staging/named_state.hpp"

#include "postgres/binaries.hpp"
#include "system/listening.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

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

}  // namespace

std::string named_state(const std::string& words, const fs::path& libraries, std::optional<unsigned> port) {
    std::string state;
    for (auto quote = words.find('"'); quote != std::string::npos;) {
        const auto end = words.find('"', quote + 1);
        if (end == std::string::npos) {
            break;
        }
        const auto name = words.substr(quote + 1, end - quote - 1);
        state += name.starts_with('/') ? state_of_path(name) + "\n"
                                       : fmt::format("{} {}\n", name, postgres::has_library(libraries, name));
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
