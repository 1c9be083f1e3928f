#include "system/refusal.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "system/owner.hpp"
#include "system/reachable.hpp"

#include <boost/system/system_error.hpp>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace fs = std::filesystem;

namespace {

bool limit(__rlimit_resource_t resource, rlim_t most) {
    const rlimit both{most, most};
    return ::setrlimit(resource, &both) == 0;
}

/// Nobody else's processes count against it, and root's limit is none.
bool no_more_threads() {
    constexpr uid_t nobody = 65534;
    return (::geteuid() != 0 || ::setuid(nobody) == 0) && limit(RLIMIT_NPROC, 0);
}

std::string hint_of(int error) {
    return refused("write", "/data/file", error).problems().front().hint;
}

}  // namespace

TEST_CASE("a refusal names what was done, the path and the system's words") {
    const auto failure = refused("write", "/data/file", ENOSPC);
    CHECK(failure.code() == ExitCode::system_refused);
    CHECK(std::string(failure.what()) == "cannot write /data/file: No space left on device");
    CHECK_FALSE(failure.is_lasting());
    CHECK(std::string(refused("confine writing", ENOMEM).what()) == "cannot confine writing: Cannot allocate memory");
}

TEST_CASE("the hint of a refusal fits the error") {
    const auto user = own_user().user;
    CHECK(hint_of(ENOSPC) == "make room on the file system of /data/file (df -h shows its space, df -i its inodes), "
                             "then run it again");
    CHECK(hint_of(EDQUOT) == "raise the quota of " + user + " on the file system of /data/file, then run it again");
    CHECK(hint_of(EROFS) == "mount the file system of /data/file writable (in a container, its volume); the kernel's "
                            "log (dmesg) says why it is not");
    CHECK(hint_of(EIO) == "look at the kernel's log (dmesg) and at the disk of the file system of /data/file: what was "
                          "written there cannot be trusted");
    CHECK(hint_of(ENOMEM) == "free memory, or raise the limit of the service or container (MemoryMax=, memory.max), "
                             "then run it again");
    CHECK(hint_of(ENFILE) == "raise the host's limit of open files (sysctl fs.file-max), then run it again");
    CHECK(hint_of(ENOENT) == "see whether /data/file is right, and what of it is missing");
    CHECK(hint_of(EBUSY) == "look at /data/file and at what it lies on, then run it again");
    CHECK(hint_for(EBUSY) == "look at the system's words and at the kernel's log (dmesg), then run it again");
    CHECK(hint_for(ENOSPC) ==
          "make room on the file system (df -h shows its space, df -i its inodes), then run it again");
}

TEST_CASE("the hint for a limit says what it is now") {
    Forked process([] {
        if (!limit(RLIMIT_NOFILE, 37) || !limit(RLIMIT_FSIZE, 1000)) {
            return 99;
        }
        const bool files = hint_for(EMFILE) ==
                           "raise the limit of open files, 37 now (ulimit -n, LimitNOFILE= of the service), then run "
                           "it again";
        const bool size = hint_for(EFBIG) == "raise the limit of a file's size, 1000 bytes now (ulimit -f, "
                                             "LimitFSIZE= of the service)";
        return files && size && limit(RLIMIT_NPROC, 41) &&
                       hint_for(EAGAIN) == "raise the limit of " + own_user().user +
                                               "'s processes and threads, 41 now (ulimit -u), or that of the service "
                                               "or container (TasksMax=, pids.max), then run it again"
                   ? 7
                   : 8;
    });
    CHECK(process.wait() == 7);
}

TEST_CASE("the hint for a permission names what is in the way, its owner and its mode") {
    const PrivateDirectory directory;
    const auto closed = directory.path() / "closed";
    write_file(closed / "file", "x");
    write_file(directory.path() / "unreadable", "x");
    write_file(directory.path() / "unwritable", "x");
    fs::permissions(directory.path() / "unreadable", fs::perms(0));
    fs::permissions(directory.path() / "unwritable", fs::perms(0444));
    fs::permissions(directory.path(), fs::perms(0777));
    const auto as_somebody = [](const fs::path& path, const std::string& expected) {
        Forked process([&] {
            constexpr uid_t nobody = 65534;
            if (::geteuid() == 0 && ::seteuid(nobody) != 0) {
                return 99;
            }
            throw Failure(ExitCode::usage, hint_for(EACCES, path), "");
        });
        const auto user = ::geteuid() == 0 ? std::string("nobody") : own_user().user;
        CHECK(process.wait() == 2);
        CHECK(process.errors() == "let " + user + " " + expected + "\n");
    };
    const auto belongs = [](const fs::path& path, const std::string& mode) {
        return path.string() + ": it belongs to " + own_user().user + " and has mode " + mode;
    };
    fs::permissions(closed, fs::perms(0444));
    as_somebody(closed / "file", "enter " + belongs(closed, "0444"));
    fs::permissions(closed, fs::perms(0555));
    as_somebody(closed / "new", "write to " + belongs(closed, "0555"));
    as_somebody(directory.path() / "unreadable", "read " + belongs(directory.path() / "unreadable", "0000"));
    as_somebody(directory.path() / "unwritable", "write to " + belongs(directory.path() / "unwritable", "0444"));
    as_somebody(directory.path() / "new", "do that to " + (directory.path() / "new").string() +
                                              "; where its mode and owner allow it, SELinux, AppArmor or an attribute "
                                              "(lsattr) does not");
    fs::permissions(closed, fs::perms(0700));
}

TEST_CASE("what may be gone at the next call is told from what a person has to change") {
    for (const int error : {EAGAIN, EINTR, EMFILE, ENFILE, ENOMEM, ENOSPC, EDQUOT, EIO}) {
        CHECK(is_passing_fault(error));
    }
    for (const int error : {0, ENOENT, EACCES, EPERM, EROFS, ENOEXEC, ELOOP}) {
        CHECK_FALSE(is_passing_fault(error));
    }
}

TEST_CASE("an exception that nobody caught is the system's refusal, or our own mistake") {
    const auto of_files = unexpected(
        fs::filesystem_error("cannot create directories", "/data/a", std::error_code(ENOSPC, std::generic_category())));
    CHECK(of_files.code() == ExitCode::system_refused);
    CHECK(std::string(of_files.what()) == "cannot create directories: No space left on device [/data/a]");
    CHECK(of_files.problems().front().hint == hint_for(ENOSPC, "/data/a"));

    const auto of_system = unexpected(std::system_error(EAGAIN, std::generic_category(), "thread"));
    CHECK(of_system.code() == ExitCode::system_refused);
    CHECK(std::string(of_system.what()) == "thread: Resource temporarily unavailable");
    CHECK(of_system.problems().front().hint == hint_for(EAGAIN));

    const auto of_boost = unexpected(
        boost::system::system_error(boost::system::error_code(EMFILE, boost::system::system_category()), "epoll"));
    CHECK(of_boost.code() == ExitCode::system_refused);
    CHECK(std::string(of_boost.what()).starts_with("epoll: Too many open files"));
    CHECK(of_boost.problems().front().hint == hint_for(EMFILE));

    const auto without_path = unexpected(std::system_error(EPERM, std::generic_category(), "epoll"));
    CHECK(without_path.problems().front().hint ==
          "let " + own_user().user + " do that: a seccomp filter, SELinux or AppArmor may forbid it");
    const auto of_stream = unexpected(std::system_error(std::make_error_code(std::io_errc::stream)));
    CHECK(of_stream.problems().front().hint == hint_for(0));

    const auto memory = unexpected(std::bad_alloc());
    CHECK(memory.code() == ExitCode::system_refused);
    CHECK(std::string(memory.what()) == "cannot get memory: Cannot allocate memory");

    const auto ours = unexpected(std::logic_error("vector::at"));
    CHECK(ours.code() == ExitCode::internal_error);
    CHECK(std::string(ours.what()) == "internal error: vector::at");
    CHECK(ours.problems().front().hint == "report it, with the log");

    const auto failure = unexpected(Failure(ExitCode::usage, "a", "b"));
    CHECK(failure.code() == ExitCode::usage);
    CHECK(failure.problems() == std::vector<Problem>{{"a", "b"}});
}

TEST_CASE("a file that cannot be read for want of descriptors is no mistake of who named it") {
    const PrivateDirectory directory;
    write_file(directory.path() / "a", "x");
    for (const auto& read :
         {std::function<void()>([&] { read_file(directory.path() / "a"); }),
          std::function<void()>([&] { read_file_if_present(directory.path() / "a"); }),
          std::function<void()>([&] { entries(directory.path()); }), std::function<void()>([] { remote_mounts(); })}) {
        Forked process([&] {
            if (!limit(RLIMIT_NOFILE, 3)) {
                return 99;
            }
            read();
            return 0;
        });
        CHECK(process.wait() == 11);
        CHECK(process.errors().ends_with(": Too many open files\n"));
    }
}

TEST_CASE("without another thread the sync does its work in this one") {
    const PrivateDirectory directory;
    fs::permissions(directory.path(), fs::perms(0755));
    write_file(directory.path() / "base/1", "x");
    write_file(directory.path() / "base/2", "x");
    Forked process([&] {
        if (!no_more_threads()) {
            return 99;
        }
        sync_tree({directory.path()});
        return 7;
    });
    CHECK(process.wait() == 7);
    CHECK(process.errors().empty());
}

TEST_CASE("without another thread the sync fails at a file all the same") {
    const PrivateDirectory directory;
    fs::permissions(directory.path(), fs::perms(0755));
    write_file(directory.path() / "a", "x");
    fs::permissions(directory.path() / "a", fs::perms(0));
    Forked process([&] {
        if (!no_more_threads()) {
            return 99;
        }
        sync_tree({directory.path()});
        return 7;
    });
    CHECK(process.wait() == 11);
    CHECK(process.errors() == "cannot sync " + (directory.path() / "a").string() + ": Permission denied\n");
}

TEST_CASE("without another thread servers are asked one after the other") {
    Forked process([] {
        if (!no_more_threads()) {
            return 99;
        }
        return Reaching({{"127.0.0.1", "1"}, {"127.0.0.1", "2"}}, std::chrono::seconds(2)).result() == Reach::nothing
                   ? 7
                   : 8;
    });
    CHECK(process.wait() == 7);
}

}  // namespace patroni_pgbackrest::system
