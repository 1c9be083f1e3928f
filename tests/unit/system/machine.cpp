#include "system/machine.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "system/control_group.hpp"

#include <sched.h>

namespace patroni_pgbackrest::system {

TEST_CASE("the affinity mask bounds the processors") {
    CHECK(processors() >= 1);
    Forked process([] {
        cpu_set_t mask;
        if (::sched_getaffinity(0, sizeof mask, &mask) != 0) {
            return 99;
        }
        int first = 0;
        while (!CPU_ISSET(first, &mask)) {
            ++first;
        }
        CPU_ZERO(&mask);
        CPU_SET(first, &mask);
        ::sched_setaffinity(0, sizeof mask, &mask);
        return static_cast<int>(processors());
    });
    CHECK(process.wait() == 1);
}

TEST_CASE("some memory is available, and not more than a machine can have") {
    CHECK(available_memory() > 1024 * 1024);
    CHECK(available_memory() < 1ULL << 52);
}

TEST_CASE("control groups version 2: the narrowest of our group and its parents counts") {
    const PrivateDirectory root;
    const auto groups = root.path() / "sys/fs/cgroup";
    write_file(root.path() / "proc/self/cgroup", "0::/system.slice/patroni.service\n");
    write_file(groups / "system.slice/cpu.max", "150000 100000\n");
    write_file(groups / "system.slice/patroni.service/cpu.max", "max 100000\n");
    write_file(groups / "system.slice/memory.max", "max\n");
    write_file(groups / "system.slice/memory.current", "900\n");
    write_file(groups / "system.slice/patroni.service/memory.max", "1000\n");
    write_file(groups / "system.slice/patroni.service/memory.current", "900\n");
    write_file(groups / "system.slice/patroni.service/memory.stat", "anon 100\ninactive_file 300\nactive_file 500\n");

    const ControlGroupLimits limits = control_group_limits(root.path());
    CHECK(limits.processors == 1.5);
    CHECK(limits.memory_left == 400U);  // the inactive part of the page cache counts as free
}

TEST_CASE("control groups version 1: quota, limit and what is used") {
    const PrivateDirectory root;
    const auto groups = root.path() / "sys/fs/cgroup";
    write_file(root.path() / "proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/a\n1:name=systemd:/b:c\n0::/b\n");
    write_file(groups / "cpu,cpuacct/a/cpu.cfs_quota_us", "50000\n");
    write_file(groups / "cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    write_file(groups / "cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
    write_file(groups / "cpu,cpuacct/cpu.cfs_period_us", "100000\n");
    write_file(groups / "memory/a/memory.limit_in_bytes", "2000\n");
    write_file(groups / "memory/a/memory.usage_in_bytes", "500\n");
    write_file(groups / "memory/memory.limit_in_bytes", "9223372036854771712\n");
    write_file(groups / "memory/memory.usage_in_bytes", "100000\n");

    const ControlGroupLimits limits = control_group_limits(root.path());
    CHECK(limits.processors == 0.5);
    CHECK(limits.memory_left == 1500U);
}

TEST_CASE("in a container whose own group is the top, the host's path is passed over") {
    const PrivateDirectory root;
    write_file(root.path() / "proc/self/cgroup", "4:memory:/docker/abc\n0::/docker/abc\n");
    write_file(root.path() / "sys/fs/cgroup/cpu.max", "200000 100000\n");
    write_file(root.path() / "sys/fs/cgroup/memory/memory.limit_in_bytes", "100\n");
    write_file(root.path() / "sys/fs/cgroup/memory/memory.usage_in_bytes", "300\n");

    const ControlGroupLimits limits = control_group_limits(root.path());
    CHECK(limits.processors == 2.0);
    CHECK(limits.memory_left == 0U);
}

TEST_CASE("an uptime is compared within one boot alone") {
    const auto now = Uptime::now();
    CHECK(now.boot.size() == 36);
    CHECK(now.seconds > 0);
    CHECK(Uptime{"a", 7}.seconds_since({"a", 5}) == 2);
    CHECK_FALSE(Uptime{"a", 7}.seconds_since({"b", 5}));
    CHECK_FALSE(Uptime{"", 7}.seconds_since({"", 5}));
}

TEST_CASE("without control groups nothing is limited") {
    const PrivateDirectory root;
    CHECK_FALSE(control_group_limits(root.path()).processors.has_value());
    CHECK_FALSE(control_group_limits(root.path()).memory_left.has_value());
}

}  // namespace patroni_pgbackrest::system
