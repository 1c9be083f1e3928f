#include "system/lock.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "system/failure.hpp"
#include "system/interruption.hpp"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

/// Takes the lock, says so, and holds it for ever.
std::unique_ptr<Forked> holder_of(const std::filesystem::path& path) {
    const auto held = path.string() + ".held";
    auto holder = std::make_unique<Forked>([=] {
        const Lock lock(path);
        write_file(held, "1");
        while (true) {
            ::pause();
        }
        return 0;
    });
    REQUIRE(eventually([&] { return std::filesystem::exists(held); }));
    return holder;
}

}  // namespace

TEST_CASE("a lock waits until its holder is gone, however that ends, and says for whom") {
    const PrivateDirectory directory;
    const auto path = directory.path() / "lock";
    auto holder = holder_of(path);
    Forked waiter([&] {
        const Lock lock(path);
        return 7;
    });
    const std::string message =
        fmt::format("INFO: waiting for process {}, which holds {}", holder->pid(), path.string());
    REQUIRE(eventually([&] { return waiter.errors().find(message) != std::string::npos; }));
    CHECK(waiter.is_running());
    ::kill(holder->pid(), SIGKILL);
    CHECK(waiter.wait() == 7);
}

TEST_CASE("a free lock is taken at once, and again after it was given back") {
    const PrivateDirectory directory;
    { const Lock lock(directory.path() / "lock"); }
    const Lock lock(directory.path() / "lock");
    CHECK(std::filesystem::exists(directory.path() / "lock"));
}

TEST_CASE("waiting for a lock ends with SIGTERM") {
    const PrivateDirectory directory;
    const auto path = directory.path() / "lock";
    const auto holder = holder_of(path);
    Forked waiter([&] {
        interruption::install();
        const Lock lock(path);
        return 7;
    });
    REQUIRE(eventually([&] { return waiter.errors().find("waiting for") != std::string::npos; }));
    ::kill(waiter.pid(), SIGTERM);
    CHECK(waiter.wait() == 143);
    CHECK(waiter.errors().find("ended by SIGTERM\n") != std::string::npos);
}

TEST_CASE("a lock file that was removed while somebody waits does not let two in") {
    const PrivateDirectory directory;
    const auto path = directory.path() / "lock";
    const auto first = holder_of(path);
    Forked waiter([&] {
        const Lock lock(path);
        write_file(directory.path() / "waiter", "1");
        while (true) {
            ::pause();
        }
        return 0;
    });
    REQUIRE(eventually([&] { return waiter.errors().find("waiting for") != std::string::npos; }));
    std::filesystem::remove(path);
    REQUIRE(eventually([&] { return std::filesystem::exists(directory.path() / "waiter"); }));
    Forked third([&] {
        const Lock lock(path);
        return 7;
    });
    const std::string message = fmt::format("waiting for process {}", waiter.pid());
    CHECK(eventually([&] { return third.errors().find(message) != std::string::npos; }));
}

TEST_CASE("whether somebody holds a lock is seen without a process number, and those who look do not see each other") {
    const PrivateDirectory directory;
    const auto path = directory.path() / "lock";
    CHECK_FALSE(is_locked(path));
    auto holder = holder_of(path);
    CHECK(is_locked(path));
    ::kill(holder->pid(), SIGKILL);
    holder->wait();
    CHECK_FALSE(is_locked(path));
    DirectoryLocks locks;
    CHECK_FALSE(locks.hold_any());
    CHECK(locks.take(directory.path()));
    CHECK(locks.hold_any());
    CHECK(is_locked(directory.path()));
    DirectoryLocks others;
    CHECK_FALSE(others.take(directory.path()));
    locks = DirectoryLocks();
    CHECK_FALSE(is_locked(directory.path()));
    CHECK(others.take(directory.path()));
}

TEST_CASE("a file that its writers replace is locked for one of them, whatever holds its directory") {
    using namespace std::chrono_literals;
    const PrivateDirectory directory;
    const auto file = directory.path() / "file";
    DirectoryLocks of_a_run;
    CHECK(of_a_run.take(directory.path()));
    auto first = lock_for_replacing(file, 0ms);
    CHECK(first.is_open());
    CHECK_FALSE(lock_for_replacing(file, 50ms).is_open());
    write_file(directory.path() / "new", "1");
    std::filesystem::rename(directory.path() / "new", file);
    const auto second = lock_for_replacing(file, 0ms);
    CHECK(second.is_open());
    first = Descriptor();
    CHECK_FALSE(lock_for_replacing(file, 0ms).is_open());
    CHECK_FALSE(lock_for_replacing(directory.path() / "away" / "file", 0ms).is_open());
}

TEST_CASE("a lock that cannot be made names the file") {
    try {
        const Lock lock("/nowhere/lock");
        FAIL("it was made");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::system_refused);
        CHECK(std::string(failure.what()) == "cannot lock /nowhere/lock: No such file or directory");
    }
}

}  // namespace patroni_pgbackrest::system
