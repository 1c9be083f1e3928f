#include "system/file.hpp"

#include "system/descriptor.hpp"
#include "system/failure.hpp"
#include "system/interruption.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path) {
    throw Failure(ExitCode::internal_error, fmt::format("cannot sync {}: {}", path.string(), std::strerror(errno)),
                  "look at the disk and at the kernel's log; what was written there cannot be trusted");
}

struct stat facts_about(const fs::path& path) {
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0)
        fail(path);
    return facts;
}

Descriptor open_file(const fs::path& path) {
    Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!file.is_open())
        fail(path);
    return file;
}

template <typename Visit>
void walk(const fs::path& path, const Visit& visit) {
    interruption::check();
    const struct stat facts = facts_about(path);
    if (S_ISREG(facts.st_mode)) {
        visit(path, false);
    } else if (S_ISDIR(facts.st_mode)) {
        for (const std::string& name : entries(path))
            walk(path / name, visit);
        visit(path, true);
    }
}

void sync(const fs::path& path, bool is_directory) {
    if (is_directory)
        return sync_directory(path);
    const Descriptor file = open_file(path);
    if (::fsync(file.number()) != 0)
        fail(path);
}

}  // namespace

void sync_tree(const std::vector<fs::path>& roots) {
    std::vector<fs::path> resolved;
    for (const fs::path& root : roots) {
        std::error_code error;
        resolved.push_back(fs::canonical(root, error));
        if (error) {
            errno = error.value();
            fail(root);
        }
    }
    for (const fs::path& root : resolved)
        walk(root, sync);
}

}  // namespace patroni_pgbackrest::system
