#include "system/write_errors.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("write_errors: the kernel's version is read, and tests run on one that keeps them") {
    CHECK(system::WriteErrors::are_kept());
}

TEST_CASE("write_errors: a file system without errors is none, whether the directory is there or not") {
    const Files files;
    system::WriteErrors errors;
    CHECK_NOTHROW(errors.refuse());
    errors.watch(files.path());
    errors.watch(files.path("absent/directory"));
    errors.watch("/proc");
    CHECK_NOTHROW(errors.forget());
    CHECK_NOTHROW(errors.refuse());
}
