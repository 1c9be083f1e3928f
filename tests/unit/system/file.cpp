#include "system/file.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "system/descriptor.hpp"
#include "system/failure.hpp"

#include <csignal>
#include <fcntl.h>
#include <functional>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

namespace {

constexpr uid_t nobody = 65534;

struct stat facts(const fs::path& path) {
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status;
}

int mode_of(const fs::path& path) {
    return static_cast<int>(facts(path).st_mode & 07777);
}

std::string message_of(ExitCode code, const std::function<void()>& work) {
    try {
        work();
    } catch (const Failure& failure) {
        CHECK(failure.code() == code);
        return failure.what();
    }
    return "no failure";
}

}  // namespace

TEST_CASE("a file is read as a whole") {
    const PrivateDirectory directory;
    const std::string content(300'000, 'x');
    write_file(directory.path() / "a", content);
    CHECK(read_file(directory.path() / "a") == content);
    CHECK(read_file_if_present(directory.path() / "a") == content);
    CHECK_FALSE(read_file_if_present(directory.path() / "b").has_value());
}

TEST_CASE("a private directory's file is its owner's alone") {
    const PrivateDirectory directory;
    CHECK(directory.write("a", "content") == directory.path() / "a");
    CHECK(directory.write("a", "new") == directory.path() / "a");
    CHECK(read_file(directory.path() / "a") == "new");
    CHECK(mode_of(directory.path() / "a") == 0600);
    CHECK(entries(directory.path()) == Names{"a"});
    CHECK(message_of(ExitCode::system_refused, [&] { directory.write("b/c", ""); }) ==
          "cannot write " + (directory.path() / "b/c").string() + ": No such file or directory");
}

TEST_CASE("of a file's beginning there is as much as the file has") {
    const PrivateDirectory directory;
    const auto file = directory.path() / "a";
    write_file(file, "12345678");
    CHECK(read_head(file, 5).bytes == "12345");
    CHECK(read_head(file, 5).file_size == 8);
    CHECK(read_head(file, 9).bytes == "12345678");
    CHECK(read_head_if_present(file, 8)->bytes == "12345678");
    write_file(file, "");
    CHECK(read_head(file, 5).bytes.empty());
    CHECK_FALSE(read_head_if_present(directory.path() / "b", 5).has_value());
    CHECK(message_of(ExitCode::usage, [] { read_head("/nowhere/x", 5); }) ==
          "cannot read /nowhere/x: No such file or directory");
    CHECK(message_of(ExitCode::usage, [] { read_head_if_present("/usr", 5); }) == "cannot read /usr: Is a directory");
}

TEST_CASE("a file that cannot be read is named") {
    CHECK(message_of(ExitCode::usage, [] { read_file("/nowhere/x"); }) ==
          "cannot read /nowhere/x: No such file or directory");
    CHECK(message_of(ExitCode::usage, [] { read_file("/usr"); }) == "cannot read /usr: Is a directory");
    CHECK(message_of(ExitCode::usage, [] { read_file_if_present("/usr"); }) == "cannot read /usr: Is a directory");
}

TEST_CASE("a new file gets the mode asked for, whatever the umask") {
    const PrivateDirectory directory;
    const mode_t before = ::umask(077);
    replace_file(directory.path() / "a", "content", 0644);
    replace_file(directory.path() / "b", "");
    ::umask(before);
    CHECK(read_file(directory.path() / "a") == "content");
    CHECK(mode_of(directory.path() / "a") == 0644);
    CHECK(mode_of(directory.path() / "b") == 0600);
    CHECK(entries(directory.path()) == Names{"a", "b"});
}

TEST_CASE("a replaced file keeps mode and owner, and readers of the old one keep that") {
    const PrivateDirectory directory;
    const fs::path file = directory.path() / "a";
    write_file(file, "old");
    fs::permissions(file, fs::perms(0640));
    const uid_t owner = ::geteuid() == 0 ? nobody : ::geteuid();
    REQUIRE(::chown(file.c_str(), owner, static_cast<gid_t>(-1)) == 0);
    const int reader = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);

    replace_file(file, "new", 0600);
    CHECK(read_file(file) == "new");
    CHECK(mode_of(file) == 0640);
    CHECK(facts(file).st_uid == owner);
    char seen[4] = {};
    CHECK(::read(reader, seen, sizeof seen) == 3);
    CHECK(std::string(seen) == "old");
    ::close(reader);
    CHECK(entries(directory.path()) == Names{"a"});
}

TEST_CASE("a public file of another user is replaced by one of ours, an ordinary one is not") {
    const PrivateDirectory directory;
    const fs::path file = directory.path() / "a";
    write_file(file, "old");
    fs::permissions(file, fs::perms(0644));
    fs::permissions(directory.path(), fs::perms(0777));
    const bool is_root = ::geteuid() == 0;  // only root can make the file another's
    const auto as_nobody = [&](const std::function<void()>& replace) {
        Forked process([&] {
            if (is_root && ::seteuid(nobody) != 0) {
                return 99;
            }
            replace();
            return 0;
        });
        return process.wait();
    };
    if (is_root) {
        CHECK(as_nobody([&] { replace_file(file, "new", 0600); }) == 11);
        CHECK(read_file(file) == "old");
    }
    CHECK(as_nobody([&] { replace_public_file(file, "new", 0600); }) == 0);
    CHECK(read_file(file) == "new");
    CHECK(mode_of(file) == 0644);
    CHECK(facts(file).st_uid == (is_root ? nobody : ::geteuid()));
    CHECK(entries(directory.path()) == Names{"a"});
}

TEST_CASE("replacing follows symbolic links, also to a file that is not there yet") {
    const PrivateDirectory directory;
    fs::create_directory(directory.path() / "real");
    fs::create_symlink("real/file", directory.path() / "second");
    fs::create_symlink(directory.path() / "second", directory.path() / "first");
    for (const char* content : {"one", "two"}) {
        replace_file(directory.path() / "first", content);
        CHECK(fs::is_symlink(directory.path() / "first"));
        CHECK(fs::is_symlink(directory.path() / "second"));
        CHECK(read_file(directory.path() / "real/file") == content);
    }
    CHECK(entries(directory.path() / "real") == Names{"file"});

    fs::create_symlink("loop", directory.path() / "loop");
    CHECK(message_of(ExitCode::system_refused, [&] {
              replace_file(directory.path() / "loop", "");
          }).find("Too many levels of symbolic links") != std::string::npos);
}

TEST_CASE("a relative path is replaced in the working directory") {
    const PrivateDirectory directory;
    Forked process([&] {
        fs::current_path(directory.path());
        replace_file("a", "x");
        remove_file("absent");
        return 7;
    });
    CHECK(process.wait() == 7);
    CHECK(entries(directory.path()) == Names{"a"});
}

TEST_CASE("a write that fails leaves the old file and nothing else") {
    const PrivateDirectory directory;
    const fs::path file = directory.path() / "a";
    write_file(file, "old");
    Forked process([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{1000, 1000};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) {
            return 99;
        }
        replace_file(file, std::string(2000, 'x'));
        return 0;
    });
    CHECK(process.wait() == 11);
    CHECK(process.errors() == "cannot write " + file.string() + ": File too large\n");
    CHECK(read_file(file) == "old");
    CHECK(entries(directory.path()) == Names{"a"});
}

TEST_CASE("a copy is whole whatever signals come, or there is none") {
    const PrivateDirectory directory;
    const fs::path original = directory.path() / "a", copy = directory.path() / "b";
    constexpr rlim_t bytes = 16 << 20;
    const std::string content(bytes, 'x');
    write_file(original, content);
    fs::permissions(original, fs::perms(0640));
    const rlim_t most = GENERATE_COPY(bytes, bytes / 2);
    Forked process([&] {
        struct sigaction ignored {};
        ignored.sa_handler = [](int) {};  // without SA_RESTART
        ::sigaction(SIGALRM, &ignored, nullptr);
        ::signal(SIGXFSZ, SIG_IGN);
        const itimerval often{{0, 200}, {0, 200}};
        const rlimit limit{most, most};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0 || ::setitimer(ITIMER_REAL, &often, nullptr) != 0) {
            return 99;
        }
        copy_whole_file(original, copy);
        return 0;
    });
    if (most < bytes) {
        CHECK(process.wait() == 11);
        CHECK(process.errors() == "cannot write " + copy.string() + ": File too large\n");
        CHECK(entries(directory.path()) == Names{"a"});
    } else {
        CHECK(process.wait() == 0);
        CHECK(read_file(copy) == content);
        CHECK(mode_of(copy) == 0640);
    }
}

TEST_CASE("a directory that is not writable is told, and the file stays") {
    const PrivateDirectory directory;
    const fs::path file = directory.path() / "a";
    write_file(file, "old");
    fs::permissions(directory.path(), fs::perms(0555));
    Forked process([&] {
        if (::geteuid() == 0 && ::seteuid(nobody) != 0) {
            return 99;
        }
        if (is_writable(directory.path())) {
            return 98;
        }
        replace_file(file, "new");
        return 0;
    });
    CHECK(process.wait() == 11);
    CHECK(process.errors() == "cannot write beside " + file.string() + ": Permission denied\n");
    fs::permissions(directory.path(), fs::perms(0700));
    CHECK(read_file(file) == "old");
    CHECK(is_writable(directory.path()));
}

TEST_CASE("a directory or a device is not replaced") {
    const PrivateDirectory directory;
    fs::create_directory(directory.path() / "d");
    CHECK(message_of(ExitCode::system_refused, [&] { replace_file(directory.path() / "d", "x"); }) ==
          "cannot replace " + (directory.path() / "d").string() + ": Is a directory");
    CHECK(entries(directory.path()) == Names{"d"});
}

TEST_CASE("the longest possible name can be replaced") {
    const PrivateDirectory directory;
    const std::string name(255, 'n');
    replace_file(directory.path() / name, "x");
    CHECK(entries(directory.path()) == Names{name});
}

TEST_CASE("removing a file that is absent is no error, any other trouble is") {
    const PrivateDirectory directory;
    write_file(directory.path() / "a", "");
    remove_file(directory.path() / "a");
    remove_file(directory.path() / "a");
    CHECK(entries(directory.path()).empty());
    fs::create_directory(directory.path() / "d");
    CHECK(message_of(ExitCode::system_refused, [&] { remove_file(directory.path() / "d"); }) ==
          "cannot remove " + (directory.path() / "d").string() + ": Is a directory");
}

TEST_CASE("entries are sorted, hidden ones included, and an unreadable directory is refused") {
    const PrivateDirectory directory;
    for (const char* name : {"b", ".a", "c"}) {
        write_file(directory.path() / name, "");
    }
    CHECK(entries(directory.path()) == Names{".a", "b", "c"});
    CHECK(message_of(ExitCode::unsafe, [] { entries("/nowhere"); }) ==
          "cannot read the directory /nowhere: No such file or directory");
}

TEST_CASE("mounts that may never answer are known without a look at them") {
    const auto remote =
        remote_mounts_in("22 27 0:21 / /proc rw,relatime shared:12 - proc proc rw\n"
                         "36 27 0:30 / /srv/backup\\040of\\040all rw shared:7 master:2 - nfs4 nas:/b rw\n"
                         "37 27 0:31 / /net rw - autofs systemd-1 rw,fd=29\n"
                         "38 27 0:32 / /mnt/ssh rw - fuse.sshfs dba@host:/ rw\n"
                         "39 27 8:1 / /srv/pgsql rw - ext4 /dev/nfs rw\n"
                         "40 27 8:1\n\n");
    CHECK(remote == std::set<std::filesystem::path>{"/srv/backup of all", "/net", "/mnt/ssh"});
    CHECK_FALSE(remote_mounts().contains("/proc"));
}

TEST_CASE("what leads to a directory is known without a look behind it") {
    const PrivateDirectory directory;
    const auto at = [&](const char* name) { return directory.path() / name; };
    const std::set<fs::path> remote{at("nas")};
    for (const char* name : {"nas", "local", "nas2"}) {
        fs::create_directory(at(name));
    }
    fs::create_symlink("nas/pg/main", at("relative"));
    fs::create_symlink(at("nas"), at("absolute"));
    fs::create_symlink("local/../absolute/main", at("through"));
    fs::create_symlink("loop", at("loop"));
    fs::create_symlink("nowhere", at("dangling"));
    for (const char* name : {"nas", "nas/pg", "relative", "absolute", "absolute/pg", "through", "loop", "./nas/x"}) {
        CAPTURE(name);
        CHECK(leads_into(at(name), remote));
    }
    for (const char* name : {"", "local", "nas2", "local/nas", "dangling"}) {
        CAPTURE(name);
        CHECK_FALSE(leads_into(at(name), remote));
    }
}

TEST_CASE("a birth of which only the inode was known is the same when its time is told") {
    CHECK(is_same_birth("5 17.000000001", "5 17.000000001"));
    CHECK(is_same_birth("5 0.000000000", "5 17.000000001"));
    CHECK(is_same_birth("5 17.000000001", "5 0.000000000"));
    CHECK_FALSE(is_same_birth("5 17.000000001", "5 18.000000001"));
    CHECK_FALSE(is_same_birth("6 0.000000000", "5 17.000000001"));
    CHECK_FALSE(is_same_birth("5 0.000000000", ""));
}

TEST_CASE("mount points are known, through symbolic links too") {
    const PrivateDirectory directory;
    CHECK(is_mount_point("/"));
    CHECK(is_mount_point("/proc"));
    fs::create_symlink("/proc", directory.path() / "link");
    CHECK(is_mount_point(directory.path() / "link"));
    CHECK_FALSE(is_mount_point(directory.path()));
    CHECK_FALSE(is_mount_point("/nowhere"));
}

TEST_CASE("one file system is told from another, also for what does not exist yet") {
    const PrivateDirectory directory;
    fs::create_directory(directory.path() / "d");
    CHECK(same_file_system(directory.path(), directory.path() / "d"));
    CHECK(same_file_system(directory.path() / "d", directory.path() / "not/yet/there"));
    CHECK_FALSE(same_file_system(directory.path(), "/proc"));
}

TEST_CASE("another mount of the same file system is another one, since nothing can be renamed to it") {
    const PrivateDirectory directory;
    const auto at = [&](const char* name) { return directory.path() / name; };
    fs::create_directory(at("one"));
    fs::create_directory(at("other"));
    CHECK(same_file_system(at("one"), at("other")));
    constexpr int refused = 99;
    Forked process([&] {
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
            ::mount(at("one").c_str(), at("other").c_str(), nullptr, MS_BIND, nullptr) != 0) {
            return refused;
        }
        return same_file_system(at("one"), at("other")) ? 1 : 0;
    });
    const int code = process.wait();
    if (code == refused) {
        WARN("no namespace can be made here");
        return;
    }
    CHECK(code == 0);
}

TEST_CASE("a file system that no block device is below has no instance that is known") {
    const PrivateDirectory directory;
    CHECK(file_system_instance("/proc").empty());
    CHECK(file_system_instance(directory.path()) == file_system_instance(directory.path() / "not/yet/there"));
}

TEST_CASE("free space is that of the nearest directory that exists") {
    const PrivateDirectory directory;
    CHECK(free_bytes(directory.path()) > 0);
    CHECK(free_bytes(directory.path() / "not/yet/there") > 0);
}

TEST_CASE("syncing walks over files, directories and links, and any error is fatal") {
    const PrivateDirectory directory;
    write_file(directory.path() / "base/1/2", "x");
    write_file(directory.path() / "base/3", "x");
    fs::create_symlink("/nowhere", directory.path() / "dangling");
    fs::create_symlink(directory.path() / "base", directory.path() / "root");
    REQUIRE(::mkfifo((directory.path() / "fifo").c_str(), 0600) == 0);
    std::size_t done = 0, all = 0;
    sync_tree({directory.path(), directory.path() / "root", directory.path() / "base/3"},
              [&](std::size_t now, std::size_t of) {
                  CHECK(now >= done);
                  done = now;
                  all = of;
              });
    CHECK(done == 10);
    CHECK(all == 10);
    sync_directory(directory.path());
    CHECK(message_of(ExitCode::system_refused, [] { sync_tree({"/nowhere"}); }) ==
          "cannot sync /nowhere: No such file or directory");
    CHECK(message_of(ExitCode::system_refused, [] { sync_directory("/nowhere"); }) ==
          "cannot open /nowhere: No such file or directory");
}

TEST_CASE("a file that may not be read makes the sync fail") {
    const PrivateDirectory directory;
    write_file(directory.path() / "a", "x");
    fs::permissions(directory.path(), fs::perms(0755));
    fs::permissions(directory.path() / "a", fs::perms(0000));
    Forked process([&] {
        if (::geteuid() == 0 && ::seteuid(nobody) != 0) {
            return 99;
        }
        sync_tree({directory.path()});
        return 0;
    });
    CHECK(process.wait() == 11);
    CHECK(process.errors() == "cannot sync " + (directory.path() / "a").string() + ": Permission denied\n");
}

TEST_CASE("an error of the sync is told of although it is interrupted meanwhile") {
    const PrivateDirectory directory;
    const auto fifo = fs::canonical(directory.path()) / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    std::size_t calls = 0;
    const auto interrupt = [&](std::size_t, std::size_t) {
        if (++calls == 1) {
            return;  // before it begins
        }
        const Descriptor writer(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC));  // whom opening it has waited for
        throw Failure(ExitCode::terminated, "ended by SIGTERM", "");
    };
    CHECK(message_of(ExitCode::system_refused, [&] { sync_tree({fifo}, interrupt); }) ==
          "cannot sync " + fifo.string() + ": Invalid argument");
    CHECK(calls == 2);
}

TEST_CASE("a private directory is ours alone, short, and removed with its content") {
    fs::path path;
    {
        const PrivateDirectory directory;
        path = directory.path();
        CHECK(mode_of(path) == 0700);
        CHECK(path.string().size() <= 82);
        write_file(path / "deep/er/file", "x");
    }
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a private directory is below TMPDIR where that is short enough for a socket's path") {
    const PrivateDirectory directory;
    Forked process([&] {
        ::setenv("TMPDIR", directory.path().c_str(), 1);
        const PrivateDirectory near;
        ::setenv("TMPDIR", (directory.path() / std::string(100, 'l')).c_str(), 1);
        const PrivateDirectory far;
        return near.path().parent_path() == directory.path() && far.path().parent_path() == "/tmp" ? 7 : 8;
    });
    CHECK(process.wait() == 7);
}

TEST_CASE("a directory in memory is told from one on a disk") {
    CHECK(is_in_memory("/dev/shm/not/there"));
    CHECK_FALSE(is_in_memory("/proc/self"));
}

}  // namespace patroni_pgbackrest::system
