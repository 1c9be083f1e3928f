#include "system/clone_tree.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/in_memory.hpp"
#include "system/descriptor.hpp"

#include <chrono>
#include <cstdint>
#include <fcntl.h>
#include <linux/fs.h>
#include <map>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

using namespace patroni_pgbackrest;
namespace fs = std::filesystem;

namespace {

/// Mode, owner, group, seconds and nanoseconds of the last change, where a link leads.
using Facts = std::tuple<unsigned, unsigned, unsigned, std::int64_t, std::int64_t, std::string>;

Facts facts_of(const fs::path& path) {
    struct stat facts {};
    REQUIRE(::lstat(path.c_str(), &facts) == 0);
    return {facts.st_mode,        facts.st_uid,          facts.st_gid,
            facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec, fs::is_symlink(path) ? fs::read_symlink(path).string() : ""};
}

std::map<std::string, Facts> tree(const fs::path& root) {
    std::map<std::string, Facts> found{{"", facts_of(root)}};
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        found.emplace(entry.path().lexically_relative(root).string(), facts_of(entry.path()));
    }
    return found;
}

/// What it ends with to clone `from`; empty when it is done.
std::string refusal_of_clone(const Files& files) {
    try {
        system::clone_tree(files.path("from"), files.path("to"));
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::system_refused);
        return failure.what();
    }
    return {};
}

bool is_nodatacow(const fs::path& path) {
    const system::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    unsigned flags = 0;
    return ::ioctl(file.number(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_NOCOW_FL) != 0;
}

/// As chattr +C; false where the file system does not know that.
bool make_nodatacow(const fs::path& path) {
    const system::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    unsigned flags = FS_NOCOW_FL;
    return ::ioctl(file.number(), FS_IOC_SETFLAGS, &flags) == 0 && is_nodatacow(path);
}

std::string cannot_clone(const fs::path& path) {
    return "cannot clone " + path.string() + ": ";
}

}  // namespace

TEST_CASE("a clone has the directories, links and empty files of its original, with their modes, owners and times") {
    const Files files;
    const auto from = files.path("from"), to = files.path("to");
    files.write("from/base/1/1259", "");
    files.write("from/.dotfile", "");
    fs::create_directory(from / "pg_wal");
    fs::create_directory_symlink("base", from / "link");
    fs::create_symlink("/nowhere/at all", from / "dangling");
    fs::permissions(from / ".dotfile", fs::perms::owner_read);
    fs::permissions(from / "base" / "1" / "1259", fs::perms::owner_all | fs::perms::group_read);
    if (::geteuid() == 0) {
        REQUIRE(::lchown((from / "base" / "1" / "1259").c_str(), 1, 2) == 0);
        REQUIRE(::lchown((from / "dangling").c_str(), 1, 2) == 0);
    }
    const auto now = fs::file_time_type::clock::now();
    fs::last_write_time(from / "base" / "1" / "1259", now - std::chrono::hours(1));
    fs::last_write_time(from / "base", now - std::chrono::hours(2));
    fs::permissions(from, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec);
    fs::permissions(from / "pg_wal", fs::perms::owner_read | fs::perms::owner_exec);
    const auto original = tree(from);
    system::clone_tree(from, to);
    CHECK(tree(to) == original);
    CHECK(tree(from) == original);
    for (const auto& root : {from, to}) {
        fs::permissions(root / "pg_wal", fs::perms::owner_all);
    }
}

TEST_CASE("where files can share their blocks a clone stays as it was when its original changes") {
    const Files files;
    files.write("from/1259", "pages");
    if (const auto refusal = refusal_of_clone(files); !refusal.empty()) {
        CHECK(refusal.starts_with(cannot_clone(files.path("from/1259"))));
        CHECK_FALSE(system::can_clone(files.path()));
        return;
    }
    files.write("from/1259", "other pages");
    CHECK(files.read("to/1259") == "pages");
}

TEST_CASE("on Btrfs a clone is changed in place where its original is") {
    const Files files;
    fs::create_directory(files.path("from"));
    if (!make_nodatacow(files.path("from"))) {
        return;
    }
    files.write("from/base/1259", "pages");
    REQUIRE(is_nodatacow(files.path("from/base/1259")));
    CHECK(refusal_of_clone(files).empty());
    CHECK(files.read("to/base/1259") == "pages");
    for (const auto* name : {"to", "to/base", "to/base/1259"}) {
        CAPTURE(name);
        CHECK(is_nodatacow(files.path(name)));
    }
    files.write("other/1259", "other pages");
    REQUIRE(make_nodatacow(files.path("other")));
    system::clone_tree(files.path("other"), files.path("from/other"));  // below what is changed in place
    CHECK(files.read("from/other/1259") == "other pages");
    CHECK_FALSE(is_nodatacow(files.path("from/other/1259")));
}

TEST_CASE("a directory without copy-on-write that is not there changes nothing") {
    const Files files;
    system::take_over_nodatacow(files.path("nowhere"), files.path());
    system::take_over_nodatacow(files.path(), files.path("nowhere"));
    CHECK_FALSE(fs::exists(files.path("nowhere")));
}

TEST_CASE("a file system without clones is known, and the first file is named that cannot be cloned there") {
    const InMemory in_memory;
    const Files files;
    CHECK_FALSE(system::can_clone(files.path()));
    CHECK(system::entries(files.path()).empty());
    files.write("from/1259", "pages");
    CHECK(refusal_of_clone(files).starts_with(cannot_clone(files.path("from/1259"))));
    CHECK(files.read("from/1259") == "pages");
}

TEST_CASE("nothing can be cloned in a directory that is not there") {
    CHECK_FALSE(system::can_clone("/proc/nowhere"));
}

TEST_CASE("what is there already is not cloned into") {
    const Files files;
    files.write("from/a", "");
    files.write("to/b", "");
    CHECK(refusal_of_clone(files).starts_with("cannot make directory " + files.path("to").string() + ": "));
    CHECK(system::entries(files.path("to")) == Strings{"b"});
}

TEST_CASE("what is neither file, directory nor link is refused") {
    const Files files;
    files.write("from/a", "");
    REQUIRE(::mkfifo(files.path("from/fifo").c_str(), 0600) == 0);
    CHECK(refusal_of_clone(files).starts_with(cannot_clone(files.path("from/fifo"))));
}
