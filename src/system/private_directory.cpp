#include "system/file.hpp"

#include "system/refusal.hpp"
#include "system/temporary_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
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

std::filesystem::path PrivateDirectory::write(const std::string& name, std::string_view content) const {
    auto file = path_ / name;
    const Descriptor opened(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!opened.is_open()) {
        cannot("write", file);
    }
    write_all(opened, content, file);
    return file;
}

PrivateDirectory::~PrivateDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace patroni_pgbackrest::system
