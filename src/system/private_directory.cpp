#include "system/file.hpp"

#include "system/refusal.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>

namespace patroni_pgbackrest::system {

namespace {

/// A socket's path may have 107 bytes (unix(7)). `/.s.PGSQL.65535.lock` and our own name take some of them.
constexpr std::size_t longest_parent = 70;

std::string parent() {
    const char* named = std::getenv("TMPDIR");
    return named != nullptr && *named == '/' && std::strlen(named) <= longest_parent ? named : "/tmp";
}

}  // namespace

PrivateDirectory::PrivateDirectory() {
    std::string name = parent() + "/ppb.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
        const int error = errno;
        if (is_passing_fault(error)) {
            throw refused("make", name, error);
        }
        throw Failure(
            ExitCode::preflight_refused, fmt::format("cannot make {}: {}", name, std::strerror(error)),
            fmt::format("set TMPDIR, in Patroni's environment, to a directory that this user may write to and "
                        "whose path has at most {} bytes",
                        longest_parent));
    }
    path_ = name;
}

PrivateDirectory::~PrivateDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace patroni_pgbackrest::system
