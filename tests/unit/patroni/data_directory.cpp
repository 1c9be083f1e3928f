#include "patroni/data_directory.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

TEST_CASE("a data directory that does not exist is empty, and so is a link to nowhere") {
    const Files files;
    CHECK(is_empty_for_patroni(files.path("absent")));
    std::filesystem::create_symlink("nowhere", files.path("link"));
    CHECK(is_empty_for_patroni(files.path("link")));
}

TEST_CASE("dotfiles and lost+found leave a data directory empty") {
    const Files files;
    std::filesystem::create_directories(files.path("data/lost+found"));
    files.write("data/.bash_history", "");
    files.write("data/.restoring/base/1", "");
    CHECK(is_empty_for_patroni(files.path("data")));
}

TEST_CASE("anything else in a data directory makes it not empty") {
    const Files files;
    files.write("data/lost+found.txt", "");
    CHECK_FALSE(is_empty_for_patroni(files.path("data")));
    std::filesystem::create_directory_symlink("data", files.path("link"));
    CHECK_FALSE(is_empty_for_patroni(files.path("link")));
}

TEST_CASE("a data directory that is a file cannot be judged") {
    const Files files;
    files.write("data", "");
    try {
        is_empty_for_patroni(files.path("data"));
        FAIL("no failure");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::unsafe);
    }
}
