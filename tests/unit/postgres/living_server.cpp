#include "postgres/living_server.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"

#include <sys/resource.h>

namespace patroni_pgbackrest::postgres {

TEST_CASE("where nobody can look at the processes, a server's file is not taken for a stale one") {
    const system::PrivateDirectory directory;
    system::write_file(directory.path() / "postmaster.pid", "4711\n");
    system::Forked process([&] {
        const rlimit limit{3, 3};
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            return 99;
        }
        remove_stale_postmaster_file(directory.path());
        return 0;
    });
    CHECK(process.wait() == 11);
    CHECK(process.errors() == "cannot read the process table in /proc: Too many open files\n");
    CHECK(std::filesystem::exists(directory.path() / "postmaster.pid"));
}

}  // namespace patroni_pgbackrest::postgres
