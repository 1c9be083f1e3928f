#include "staging/hard_links.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/requests.hpp"

#include <cstdlib>

using namespace patroni_pgbackrest;
namespace fs = std::filesystem;

TEST_CASE("a file that has a name outside of the directories is told, with the command that makes it their own") {
    const Files files;
    const auto data = files.path("data"), place = files.path("a place");
    const auto file = files.write("data/base/5/1259", "rows");
    const auto in_place = files.write("a place/PG_15/5/16391", "more");
    fs::create_directory_symlink(place, files.path("data/link"));
    CHECK_FALSE(find_hard_link({data, place}));

    SECTION("also where all of its names lie there, as a program leaves it that finds files of the same content") {
        fs::create_hard_link(file, files.path("data/base/5/2619"));
        CHECK(find_hard_link({data, place}));
    }
    SECTION("but not a segment of WAL, as PostgreSQL leaves it when it dies") {
        fs::create_hard_link(files.write("data/pg_wal/xlogtemp.7", "wal"),
                             files.path("data/pg_wal/000000010000000000000001"));
        CHECK_FALSE(find_hard_link({data, place}));
    }
    SECTION("and a place that is itself a file, or not there yet") {
        CHECK_FALSE(find_hard_link({data, file, files.path("absent")}));
        fs::create_hard_link(file, files.path("kept"));
        CHECK(find_hard_link({file}));
    }
    SECTION("in each of them") {
        fs::create_hard_link(in_place, files.path("kept"));
        CHECK_FALSE(find_hard_link({data}));
        const auto shared = find_hard_link({data, place});
        REQUIRE(shared);
        CHECK(shared->message ==
              in_place.string() + " has another name elsewhere (a hard link), under which it would be changed as well");
        const std::string before_command = "make its files its own: ";
        REQUIRE(shared->hint.starts_with(before_command));
        const auto command = shared->hint.substr(before_command.size());
        CHECK(std::system(command.c_str()) == 0);  // NOLINT(cert-env33-c): a test's own command
        CHECK_FALSE(find_hard_link({data, place}));
        CHECK(fs::hard_link_count(files.path("kept")) == 1);
        CHECK(files.read("a place/PG_15/5/16391") == "more");
        CHECK_FALSE(fs::exists(in_place.string() + ".own"));
    }
}
