#include "system/write_errors.hpp"

#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace patroni_pgbackrest::system {

namespace fs = std::filesystem;

namespace {

/// Its errno; 0 also where a seccomp filter forbids to ask.
int error_of(const Descriptor& descriptor) {
    const int error = ::syncfs(descriptor.number()) == 0 ? 0 : errno;
    return error == EPERM || error == ENOSYS ? 0 : error;
}

}  // namespace

void WriteErrors::watch(const fs::path& directory) {
    auto nearest = directory;
    std::error_code error;
    while (!fs::is_directory(nearest, error) && nearest.has_relative_path()) {
        nearest = nearest.parent_path();
    }
    Descriptor descriptor(::open(nearest.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat facts {};
    if (!descriptor.is_open() || ::fstat(descriptor.number(), &facts) != 0) {
        return;
    }
    const auto device = facts.st_dev;
    const bool is_watched =
        std::any_of(watched_.begin(), watched_.end(), [&](const Watched& watched) { return watched.device == device; });
    if (!is_watched) {
        watched_.push_back({nearest, device, std::move(descriptor)});
    }
}

void WriteErrors::forget() const {
    for (const auto& watched : watched_) {
        if (const int error = error_of(watched.descriptor); error != 0) {
            log::write(Problem{fmt::format("before this restore something could not be written to the file system of "
                                           "{}: {}",
                                           watched.directory.string(), std::strerror(error)),
                               "look at the kernel's log (dmesg): if that disk fails, restore to another one"},
                       log::Level::warning);
        }
    }
}

void WriteErrors::refuse() const {
    for (const auto& watched : watched_) {
        interruption::check();
        if (const int error = error_of(watched.descriptor); error != 0) {
            throw refused("write everything to the file system of", watched.directory, error);
        }
    }
}

}  // namespace patroni_pgbackrest::system
