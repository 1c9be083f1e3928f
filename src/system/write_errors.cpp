#include "system/write_errors.hpp"

#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/utsname.h>
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

bool WriteErrors::are_kept() {
    // Neither a call nor a flag tells whether syncfs(2) heeds s_wb_err. What else is new in 5.8 (STATX_MNT_ID) is in
    // kernels of distributions that have an older number, and not for certain with this.
    constexpr std::pair<std::uint64_t, std::uint64_t> first_that_does(5, 8);
    utsname kernel{};
    if (::uname(&kernel) != 0) {
        return false;
    }
    const std::string_view release(kernel.release);  // `5.10.0-28-amd64`
    const auto dot = std::min(release.find('.'), release.size() - 1);
    const auto end = release.find_first_not_of("0123456789", dot + 1);
    const auto version = number(release.substr(0, dot));
    const auto patch_level = number(release.substr(dot + 1, end - dot - 1));
    return version && patch_level && std::pair(*version, *patch_level) >= first_that_does;
}

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
