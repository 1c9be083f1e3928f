#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

namespace patroni_pgbackrest::system {

/// While it lives, what is written below a directory begins to reach the disk, second by second, so that a flush at the
/// end has little left: sync_file_range(2) starts the writing and waits for none of it. Symbolic links to directories
/// are followed, but not to another machine: a look at it may never end, and a file that is open there cannot be
/// removed. pg_wal is left out, whose files are read once and removed. What cannot be written is an error of the flush,
/// which alone says what is on the disk: SYNC_FILE_RANGE_WRITE takes notice of no error (mm/filemap.c,
/// __filemap_fdatawrite_range, as against file_check_and_advance_wb_err). Without a thread to spare it does nothing.
class WriteBack {
  public:
    explicit WriteBack(std::filesystem::path directory);
    ~WriteBack();
    WriteBack(const WriteBack&) = delete;
    WriteBack& operator=(const WriteBack&) = delete;

  private:
    void work();
    void write_second_by_second();
    void write_what_changed(std::time_t since);
    void write(const std::filesystem::path& path, std::uintmax_t size);
    /// Whether it has ended, at the latest after this time.
    bool ends_within(std::chrono::nanoseconds time);

    std::filesystem::path directory_;
    std::set<std::filesystem::path> remote_;
    std::mutex mutex_{};
    std::condition_variable changed_{};
    bool ended_ = false;
    std::optional<std::thread> thread_{};
};

}  // namespace patroni_pgbackrest::system
