#include "system/lock.hpp"

#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace patroni_pgbackrest::system {

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::filesystem::path& path) {
    throw refused("lock", path, errno);
}

int open_lock_file(const std::filesystem::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) {
        fail(path);
    }
    return descriptor;
}

/// The process id that the holder wrote into the file. It is only for the message; the lock itself is the kernel's.
std::string holder(int descriptor) {
    std::array<char, 32> buffer{};
    const ssize_t length = ::pread(descriptor, buffer.data(), buffer.size(), 0);
    const std::string_view text(buffer.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    const auto pid = number(trim(text));
    return pid ? fmt::format("process {}", *pid) : "another process";
}

bool is_same_file(const struct stat& one, const struct stat& other) {
    return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/// Between open and flock, somebody may have removed the file or put another in its place.
bool is_still_there(int descriptor, const std::filesystem::path& path) {
    struct stat locked {
    }, named{};
    return ::fstat(descriptor, &locked) == 0 && ::stat(path.c_str(), &named) == 0 && is_same_file(locked, named);
}

bool are_same_file(int one, int other) {
    struct stat first {
    }, second{};
    return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 && is_same_file(first, second);
}

void leave_our_number(int descriptor) {
    const auto text = fmt::format("{}\n", ::getpid());
    if (::ftruncate(descriptor, 0) == 0) {
        static_cast<void>(::pwrite(descriptor, text.data(), text.size(), 0) == 0);
    }
}

/// Takes the lock if it is free; does not wait.
bool take(int descriptor, const std::filesystem::path& path) {
    while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return false;
        }
        if (errno != EINTR) {
            fail(path);
        }
    }
    return true;
}

}  // namespace

Lock::Lock(const std::filesystem::path& path) : descriptor_(open_lock_file(path)) {
    try {
        auto next_message = Clock::now();
        while (true) {
            if (!take(descriptor_, path)) {
                if (Clock::now() >= next_message) {
                    log::info("waiting for {}, which holds {}", holder(descriptor_), path.string());
                    next_message = Clock::now() + std::chrono::minutes(1);
                }
                interruption::sleep(std::chrono::milliseconds(100));
            } else if (is_still_there(descriptor_, path)) {
                break;
            }
            if (!is_still_there(descriptor_, path)) {
                ::close(descriptor_);
                descriptor_ = -1;
                descriptor_ = open_lock_file(path);
            }
        }
        leave_our_number(descriptor_);
    } catch (...) {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
        throw;
    }
}

Lock::~Lock() {
    ::close(descriptor_);
}

bool is_locked(const std::filesystem::path& path) {
    const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    // Shared, so that those who look do not see each other.
    return descriptor.is_open() && ::flock(descriptor.number(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Descriptor lock_for_replacing(const std::filesystem::path& file, std::chrono::milliseconds at_most) {
    constexpr std::chrono::milliseconds between_looks(20);
    const auto end = Clock::now() + at_most;
    while (true) {
        Descriptor lock(::open(file.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644));
        if (!lock.is_open()) {
            return lock;
        }
        const bool is_held = ::flock(lock.number(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        if (!is_held && is_still_there(lock.number(), file)) {
            return lock;
        }
        if (Clock::now() >= end) {
            return Descriptor();
        }
        std::this_thread::sleep_for(between_looks);
    }
}

bool DirectoryLocks::take(const std::filesystem::path& directory) {
    Descriptor descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto is_same = [&](const Descriptor& held) { return are_same_file(held.number(), descriptor.number()); };
    if (!descriptor.is_open() || std::any_of(held_.begin(), held_.end(), is_same)) {
        return true;
    }
    if (::flock(descriptor.number(), LOCK_EX | LOCK_NB) != 0) {
        return errno != EWOULDBLOCK;
    }
    held_.push_back(std::move(descriptor));
    return true;
}

}  // namespace patroni_pgbackrest::system
