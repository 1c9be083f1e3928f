#include "pgbackrest/archived_files.hpp"

#include "support/catch.hpp"

#include <fmt/format.h>
#include <functional>
#include <set>
#include <string>
#include <vector>

using namespace patroni_pgbackrest::pgbackrest;

namespace {

ArchivedFile file(const std::string& name, const std::string& ending = ".gz", unsigned repository = 1,
                  const std::string& archive = "archive/demo/15-1") {
    return {repository, fmt::format("{}/{}/{}-{:040x}{}", archive, name.substr(0, 16), name,
                                    std::hash<std::string>{}(name), ending)};
}

}  // namespace

TEST_CASE("each file comes back as it was listed") {
    const std::vector<ArchivedFile> files = {
        file("000000010000000000000002"),
        file("000000010000000000000001", ""),
        file("000000010000000000000003", ".zst", 2),
        file("000000010000000000000004", ".gz", 2, "archive/demo/15-2"),
        file("00000002FFFFFFFFFFFFFFFF", ".lz4"),
        {1, "archive/demo/15-1/lost+found/0000000A00000000000000FF-25846c51366d46035ad434d0252006e8137fb775.bz2"},
        {1, "0000000B00000000000000FF-25846c51366d46035ad434d0252006e8137fb775"}};
    ArchivedFiles archived;
    for (const auto& one : files) {
        CHECK(archived.add(one));
    }
    CHECK(archived.size() == files.size());
    for (const auto& one : files) {
        const auto name = one.path.substr(one.path.rfind('/') + 1).substr(0, 24);
        INFO(name);
        CHECK(archived.contains(name));
        CHECK(archived.find(name) == one);
        CHECK(archived.find(name)->checksum() == one.checksum());
    }
    CHECK(archived.find("0000000A00000000000000FF")->checksum() == "25846c51366d46035ad434d0252006e8137fb775");
}

TEST_CASE("of a segment's files the first one stays") {
    ArchivedFiles archived;
    const std::string name = "000000010000000000000001";
    CHECK(archived.add(file(name)));
    CHECK_FALSE(archived.add(file(name, ".zst", 2)));
    CHECK(archived.size() == 1);
    CHECK(archived.find(name) == file(name));
}

TEST_CASE("a name that is not there, or is none, has no file") {
    ArchivedFiles archived;
    CHECK_FALSE(archived.contains("000000010000000000000001"));
    archived.add(file("000000010000000000000001"));
    for (const char* name : {"000000010000000000000002", "000000020000000000000001", "", "0000000100000000",
                             "000000010000000000000001.partial", "00000001000000000000000g"}) {
        INFO(name);
        CHECK_FALSE(archived.contains(name));
        CHECK_FALSE(archived.find(name));
    }
}

TEST_CASE("names are gone through in their order, both ways") {
    ArchivedFiles archived;
    const std::string least(24, '0'), greatest(24, 'F');
    CHECK_FALSE(archived.first_behind(least));
    CHECK_FALSE(archived.last_up_to(greatest));
    std::set<std::string> names;
    for (const unsigned timeline : {2U, 1U, 0xFFFFFFFFU}) {
        for (const unsigned high : {1U, 0U, 7U}) {
            for (unsigned low = 30; low > 0; low -= 2) {
                names.insert(fmt::format("{:08X}{:08X}{:08X}", timeline, high, low * 5 % 37));
            }
        }
    }
    // Listings have them in their order; here none is behind the one before.
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
        archived.add(file(*name));
    }
    REQUIRE(archived.size() == names.size());
    auto next = archived.first_behind(least);
    for (const auto& name : names) {
        CHECK(next == name);
        next = archived.first_behind(name);
    }
    CHECK_FALSE(next);
    auto before = archived.last_up_to(greatest);
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
        CHECK(before == *name);
        CHECK(archived.last_up_to(*name) == *name);
        before = archived.last_before(*name);
    }
    CHECK_FALSE(before);
    // Neither has to be there.
    CHECK(archived.first_behind("000000010000000000000FFF") == *names.lower_bound("000000010000000000000FFF"));
    CHECK(archived.last_up_to("000000010000000300000000") == *--names.lower_bound("000000010000000300000000"));
    CHECK(archived.last_before("000000010000000300000000") == *--names.lower_bound("000000010000000300000000"));
}
