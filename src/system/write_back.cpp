#include "system/write_back.hpp"

#include "system/blocked_signals.hpp"
#include "system/descriptor.hpp"
#include "system/file.hpp"
#include "system/thread.hpp"

#include <algorithm>
#include <cstdint>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest::system {

namespace {

namespace fs = std::filesystem;

using namespace std::chrono_literals;

/// A call may wait for the disk to take it: no longer than this piece takes.
constexpr std::uintmax_t piece = 8U << 20U;
/// The share of a processor that looking for changed files takes is a tenth at most.
constexpr auto shortest_pause = 1s;
constexpr int rests_per_look = 9;

/// Empty for what is no regular file.
std::optional<struct stat> regular_file(const fs::path& path) {
    struct stat facts {};
    const bool is_regular = ::lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
    return is_regular ? std::optional(facts) : std::nullopt;
}

}  // namespace

WriteBack::WriteBack(fs::path directory) : directory_(std::move(directory)), remote_(remote_mounts()) {
    if (!leads_into(fs::absolute(directory_), remote_)) {
        thread_ = started([this] { work(); });
    }
}

WriteBack::~WriteBack() {
    {
        const std::lock_guard lock(mutex_);
        ended_ = true;
    }
    changed_.notify_one();
    if (thread_) {
        thread_->join();
    }
}

void WriteBack::work() {
    const BlockedSignals left_to_the_main_thread(all_signals());
    try {
        write_second_by_second();
    } catch (...) {
        // Of memory that is short: the flush writes it.
    }
}

void WriteBack::write_second_by_second() {
    std::time_t since = 0;
    std::chrono::nanoseconds pause = shortest_pause;
    while (!ends_within(pause)) {
        const auto now = std::time(nullptr);
        const auto began = std::chrono::steady_clock::now();
        write_what_changed(since);
        since = now - 1;  // the kernel's time of a change may lag behind by a tick
        pause = std::max<std::chrono::nanoseconds>(shortest_pause,
                                                   rests_per_look * (std::chrono::steady_clock::now() - began));
    }
}

void WriteBack::write_what_changed(std::time_t since) {
    std::error_code error;
    fs::recursive_directory_iterator entry(
        directory_, fs::directory_options::follow_directory_symlink | fs::directory_options::skip_permission_denied,
        error);
    for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
        if (ends_within(0s)) {
            return;
        }
        std::error_code unknown;
        if (entry->path().filename() == "pg_wal" ||
            (entry->is_symlink(unknown) && leads_into(fs::absolute(entry->path()), remote_))) {
            entry.disable_recursion_pending();
        } else if (const auto facts = regular_file(entry->path()); facts && facts->st_ctim.tv_sec >= since) {
            // st_ctim: pgBackRest sets st_mtim back to that of the backup.
            write(entry->path(), static_cast<std::uintmax_t>(facts->st_size));
        }
    }
}

void WriteBack::write(const fs::path& path, std::uintmax_t size) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    for (std::uintmax_t at = 0; file.is_open() && at < size && !ends_within(0s); at += piece) {
        static_cast<void>(::sync_file_range(file.number(), static_cast<off64_t>(at), static_cast<off64_t>(piece),
                                            SYNC_FILE_RANGE_WRITE));
    }
}

bool WriteBack::ends_within(std::chrono::nanoseconds time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, time, [this] { return ended_; });
}

}  // namespace patroni_pgbackrest::system
