#include "system/write_back.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

#include <chrono>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/syscall.h>
#include <system_error>
#include <thread>
#include <unistd.h>

using namespace patroni_pgbackrest;
namespace fs = std::filesystem;

namespace {

void fill(const fs::path& path) {
    std::ofstream(path) << std::string(4U << 20U, 'x');
}

/// Pages that the kernel has yet to write; none known to it before Linux 6.5 (cachestat(2)).
std::uint64_t unwritten_pages(const fs::path& path) {
    constexpr long cachestat = 451;
    struct {
        std::uint64_t offset, length;
    } range{0, 0};
    struct {
        std::uint64_t cached, dirty, in_writeback, evicted, recently_evicted;
    } told{};
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(file >= 0);
    const bool is_told = ::syscall(cachestat, file, &range, &told, 0) == 0;
    ::close(file);
    return is_told ? told.dirty + told.in_writeback : 0;
}

/// Long before the kernel would write it by itself, which is 30 s (vm.dirty_expire_centisecs).
bool is_soon_written(const fs::path& path) {
    for (int tenths = 0; tenths < 150; ++tenths) {
        if (unwritten_pages(path) == 0) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
}

}  // namespace

TEST_CASE("write_back: what is written reaches the disk before anybody flushes it", "[write_back]") {
    const Files files;
    fs::create_directories(files.path("data/base/5"));
    fs::create_directories(files.path("data/pg_tblspc"));
    fs::create_directory(files.path("space"));
    fs::create_directory_symlink(files.path("space"), files.path("data/pg_tblspc/16384"));
    const system::WriteBack write_back(files.path("data"));
    for (const char* name : {"data/base/5/1259", "space/16385"}) {
        fill(files.path(name));
        CHECK(is_soon_written(files.path(name)));
    }
    fill(files.path("data/base/5/1259"));
    CHECK(is_soon_written(files.path("data/base/5/1259")));
}

TEST_CASE("write_back: what is not there, or no file, is no matter", "[write_back]") {
    const Files files;
    { const system::WriteBack nothing(files.path("absent")); }
    fs::create_directory(files.path("data"));
    std::error_code error;
    fs::create_symlink("nowhere", files.path("data/link"), error);
    const system::WriteBack write_back(files.path("data"));
    fill(files.path("data/1259"));
    CHECK(is_soon_written(files.path("data/1259")));
}
