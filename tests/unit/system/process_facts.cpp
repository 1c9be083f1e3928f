#include "system/process_facts.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"

#include <array>
#include <csignal>
#include <functional>
#include <string>
#include <unistd.h>

namespace patroni_pgbackrest::system {

TEST_CASE("a process is seen with arguments, environment and directory") {
    const PrivateDirectory directory;
    const std::filesystem::path real = std::filesystem::canonical(directory.path());
    Forked child([&] {
        std::filesystem::current_path(directory.path());
        return ::execle("/bin/sleep", "sleep", "100", nullptr,
                        std::array{"PATRONI_SCOPE=a=b", (const char*)nullptr}.data());
    });
    REQUIRE(eventually([&] { return arguments_of(child.pid()) == std::vector<std::string>{"sleep", "100"}; }));
    const auto facts = facts_of(child.pid());
    REQUIRE(facts.has_value());
    CHECK(facts->pid == child.pid());
    CHECK(facts->parent == ::getpid());
    REQUIRE(facts->arguments.size() == 2);
    CHECK(facts->arguments[1] == "100");
    CHECK(facts->environment.at("PATRONI_SCOPE") == "a=b");
    CHECK(facts->directory == real);
}

TEST_CASE("a process that is gone, or a zombie, has no facts and no start time") {
    Forked process([] { return 0; });
    REQUIRE(eventually([&] { return start_time_of(process.pid()) == 0; }));  // a zombie now
    CHECK_FALSE(facts_of(process.pid()).has_value());
    CHECK(process.wait() == 0);
    CHECK(start_time_of(process.pid()) == 0);
    CHECK_FALSE(facts_of(process.pid()).has_value());
}

TEST_CASE("what a process reads from disks and writes to them is told, and nothing of one that is gone") {
    CHECK(disk_bytes(::getpid()).has_value());
    Forked process([] { return 0; });
    CHECK(process.wait() == 0);
    CHECK_FALSE(disk_bytes(process.pid()).has_value());
}

TEST_CASE("a process that ends while it is looked at is nothing special") {
    for (int round = 0; round < 200; ++round) {
        Forked process([] { return 0; });
        while (start_time_of(process.pid()) != 0) {
            CHECK_NOTHROW(facts_of(process.pid()));
            CHECK_NOTHROW(arguments_of(process.pid()));
        }
        process.wait();
    }
}

TEST_CASE("a process that cannot be looked at for want of descriptors is not taken for one that is gone") {
    const auto errors_with = [](unsigned more, const std::function<void()>& look) {
        Forked process([&] {
            if (!leave_descriptors(more)) {
                return 99;
            }
            look();
            return 0;
        });
        CHECK(process.wait() == 11);
        return process.errors();
    };
    CHECK(errors_with(0, [] { process_table(); }) == "cannot read the process table in /proc: Too many open files\n");
    const auto errors = errors_with(1, [] { process_table(); });
    CHECK(errors.starts_with("cannot read /proc/"));
    CHECK(errors.ends_with("/stat: Too many open files\n"));
    CHECK(errors_with(0, [] { facts_of(::getppid()); }).ends_with("/stat: Too many open files\n"));
    CHECK(errors_with(0, [] { status_or_throw(::getppid()); }).ends_with("/stat: Too many open files\n"));
    const auto parent = start_time_of(::getpid());
    CHECK(errors_with(0, [parent] {
              if (may_be_running(::getppid(), parent)) {
                  status_or_throw(::getppid());
              }
          }).ends_with("/stat: Too many open files\n"));
}

TEST_CASE("ancestors begin with the parent") {
    const PrivateDirectory directory;
    const auto file = directory.path() / "seen";
    Forked process([&] {
        const auto all = ancestors();
        return !all.empty() && all[0].pid == ::getppid() ? 7 : 8;
    });
    CHECK(process.wait() == 7);
}

TEST_CASE("the start time stays the same") {
    CHECK(start_time_of(::getpid()) > 0);
    CHECK(start_time_of(::getpid()) == start_time_of(::getpid()));
    CHECK(may_be_running(::getpid(), start_time_of(::getpid())));
    CHECK_FALSE(may_be_running(::getpid(), start_time_of(::getpid()) + 1));
}

}  // namespace patroni_pgbackrest::system
