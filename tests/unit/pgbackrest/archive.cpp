#include "support/catch.hpp"

#include "fake.hpp"
#include "pgbackrest/archive.hpp"
#include "system/failure.hpp"

#include <algorithm>
#include <fmt/format.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::pgbackrest;

namespace {

constexpr RetryPolicy twice_at_once{2, std::chrono::seconds(0)};
const std::string checksum = "-25846c51366d46035ad434d0252006e8137fb775";

std::string file(const std::string& name, int time = 1795346249) {
    return "\"" + name + R"json(":{"type":"file","size":16480,"time":)json" + std::to_string(time) + "}";
}

std::string directory(const std::string& name) {
    return "\"" + name + R"json(":{"type":"path"})json";
}

std::string listing(const std::string& entries) {
    return R"json({".":{"type":"path"})json" + (entries.empty() ? "" : "," + entries) + "}\n";
}

/// An archive with a first timeline of three directories and a second that left it in the third.
void write_archive(const Fake& fake) {
    fake.write("archive_demo_15-1", listing(directory("0000000100000000") + "," + directory("0000000100000001") + "," +
                                            directory("0000000100000002") + "," + directory("0000000200000002") + "," +
                                            file("00000002.history", 1795346736) + "," + directory("lost+found")));
    fake.write("archive_demo_15-1_0000000100000001", listing(file("0000000100000001000000FF" + checksum + ".gz")));
    fake.write("archive_demo_15-1_0000000100000002",
               listing(file("000000010000000200000000" + checksum) + "," +
                       file("000000010000000200000001.partial" + checksum + ".lz4") + "," +
                       file("000000010000000200000001" + checksum + ".gz.pgbackrest.tmp") + "," +
                       file("000000010000000200000000.00000028.backup")));
    fake.write("archive_demo_15-1_0000000200000002", listing(file("000000020000000200000001" + checksum + ".zst")));
    fake.write("archive_demo_15-1_00000002.history", "1\t2/1000028\tno recovery target specified\n");
}

bool called(const Fake& fake, const std::string& end) {
    const std::vector<std::string> calls = fake.calls();
    return std::any_of(calls.begin(), calls.end(), [&](const std::string& call) {
        return call.size() >= end.size() && call.substr(call.size() - end.size()) == end;
    });
}

}  // namespace

TEST_CASE("a listing gives names, times and what is a path") {
    const std::vector<Listed> listed =
        parse_listing(listing(directory("0000000100000000") + "," + file("00000002.history", 17)));
    REQUIRE(listed.size() == 2);
    CHECK(listed[0].name == "0000000100000000");
    CHECK(listed[0].is_path);
    CHECK(listed[0].time == 0);
    CHECK(listed[1].name == "00000002.history");
    CHECK_FALSE(listed[1].is_path);
    CHECK(listed[1].time == 17);
}

TEST_CASE("a path that does not exist has an empty listing") {
    CHECK(parse_listing(listing("")).empty());
}

TEST_CASE("what is not the JSON of repo-ls is an unreachable repository") {
    for (const char* text : {"", "[]", "{\"a\":1}", "{", "{\"a\":{\"type\":\"file\",\"time\":1.76e58}}"}) {
        INFO(text);
        try {
            parse_listing(text);
            FAIL("nothing was thrown");
        } catch (const Failure& failure) {
            CHECK(failure.code() == ExitCode::repository_unreachable);
        }
    }
}

TEST_CASE("segments, histories and their times are read from the backup's first segment on") {
    Fake fake;
    write_archive(fake);
    const ArchiveContent content =
        read_archive(fake.pgbackrest(), {{"15-1", 1, 1}}, "000000010000000100000010", twice_at_once);
    REQUIRE(content.segments.size() == 3);
    CHECK(content.segments.find("0000000100000001000000FF")->path ==
          "archive/demo/15-1/0000000100000001/0000000100000001000000FF" + checksum + ".gz");
    CHECK(content.segments.find("0000000100000001000000FF")->repository == 1);
    CHECK(content.segments.find("000000020000000200000001")->checksum() == checksum.substr(1));
    CHECK(content.segments.contains("000000010000000200000000"));
    REQUIRE(content.partials.size() == 1);
    CHECK(content.partials.at("000000010000000200000001").path ==
          "archive/demo/15-1/0000000100000002/000000010000000200000001.partial" + checksum + ".lz4");
    CHECK(content.contradictions.empty());
    REQUIRE(content.histories.size() == 1);
    const postgres::TimelineHistory& history = content.histories.at(postgres::Timeline{2});
    REQUIRE(history.forks.size() == 1);
    CHECK(history.forks[0].parent == postgres::Timeline{1});
    CHECK(history.forks[0].at.text() == "2/1000028");
    CHECK(content.last_segments.at(postgres::Timeline{1}).name == "000000010000000200000000");
    CHECK(content.last_segments.at(postgres::Timeline{1}).archived_at > 0);
    CHECK(content.last_segments.size() == 2);
    // One listing of the whole, three directories, one history file.
    CHECK(fake.calls().size() == 5);
    CHECK_FALSE(called(fake, "repo-ls archive/demo/15-1/0000000100000000"));
    CHECK(called(fake, "--stanza=demo --repo=1 --no-log-timestamp --log-level-console=off --log-level-stderr=warn "
                       "repo-get archive/demo/15-1/00000002.history"));
}

TEST_CASE("directories of timelines before the backup's own are not listed") {
    Fake fake;
    write_archive(fake);
    read_archive(fake.pgbackrest(), {{"15-1", 1, 1}}, "000000020000000200000001", twice_at_once);
    CHECK(fake.calls().size() == 3);
    CHECK_FALSE(called(fake, "repo-ls archive/demo/15-1/0000000100000002"));
}

TEST_CASE("of two archive ids of a repository the newer one's history counts, as it does for archive-get") {
    Fake fake;
    write_archive(fake);
    fake.write("archive_demo_15-3",
               listing(directory("0000000200000002") + "," + file("00000002.history", 1795346736)));
    fake.write("archive_demo_15-3_0000000100000001", listing(""));
    fake.write("archive_demo_15-3_0000000200000002", listing(file("000000020000000200000001" + checksum + ".zst")));
    fake.write("archive_demo_15-3_00000002.history", "1\t2/2000028\tno recovery target specified\n");
    const auto content =
        read_archive(fake.pgbackrest(), {{"15-1", 1, 1}, {"15-3", 1, 3}}, "000000010000000100000010", twice_at_once);
    CHECK(content.histories.at(postgres::Timeline{2}).forks.at(0).at.text() == "2/2000028");
}

TEST_CASE("several repositories are listed each, and a history is read from each") {
    Fake fake;
    write_archive(fake);
    const ArchiveContent content =
        read_archive(fake.pgbackrest(), {{"15-1", 1, 1}, {"15-1", 3, 1}}, "000000010000000100000010", twice_at_once);
    CHECK(content.segments.size() == 3);
    CHECK(fake.calls().size() == 2 + 6 + 2);
    CHECK(called(fake, "--repo=3 --output=json --no-log-timestamp --log-level-console=off --log-level-stderr=warn "
                       "repo-ls archive/demo/15-1"));
    CHECK(called(fake, "--repo=3 --no-log-timestamp --log-level-console=off --log-level-stderr=warn repo-get "
                       "archive/demo/15-1/00000002.history"));
    const auto& copies = content.history_copies.at(postgres::Timeline{2});
    REQUIRE(copies.size() == 2);
    CHECK(copies[0].repository == 1);
    CHECK(copies[1].repository == 3);
    CHECK(copies[1].history.fork_unlike(copies[0].history) == nullptr);
}

TEST_CASE("of one timeline's histories the first repository's counts") {
    Fake fake;
    write_archive(fake);
    const auto other = [&](const std::string& text) {
        fake.write("archive_demo_15-2", listing(file("00000002.history")));
        fake.write("archive_demo_15-2_0000000100000001", listing(""));
        fake.write("archive_demo_15-2_00000002.history", text);
    };
    const auto from = [&](const std::vector<Archive>& archives) {
        return read_archive(fake.pgbackrest(), archives, "000000010000000100000010", twice_at_once);
    };
    const postgres::Timeline second{2};
    SECTION("where another one tells another fork") {
        other("1\t2/2000028\tno recovery target specified\n");
        const auto content = from({{"15-1", 1, 1}, {"15-2", 2, 2}});
        CHECK(content.histories.at(second).forks[0].at.text() == "2/1000028");
        REQUIRE(content.history_copies.at(second).size() == 2);
        CHECK(content.history_copies.at(second)[1].history.forks[0].at.text() == "2/2000028");
    }
    SECTION("where another one is cut") {
        other("1\t2/10");
        const auto content = from({{"15-1", 1, 1}, {"15-2", 2, 2}});
        CHECK(content.broken_histories.empty());
        CHECK(content.history_copies.at(second).size() == 1);
    }
    SECTION("where it is cut itself") {
        other("1\t2/10");
        const auto content = from({{"15-2", 1, 2}, {"15-1", 2, 1}});
        CHECK(content.histories.empty());
        CHECK(content.broken_histories.at(second) == "00000002.history ends in the middle of a line");
    }
    SECTION("under two archive ids of one repository it is read once") {
        other("1\t2/2000028\tno recovery target specified\n");
        const auto content = from({{"15-1", 1, 1}, {"15-2", 1, 2}});
        CHECK(content.history_copies.at(second).size() == 1);
    }
}

TEST_CASE("only what failed and may pass is asked again") {
    Fake fake;
    write_archive(fake);
    const Variable only("FAKE_ONLY", "*0000000100000002");
    const Variable times("FAKE_TIMES", "2");
    const Variable fail("FAKE_FAIL", "101");
    const ArchiveContent content =
        read_archive(fake.pgbackrest(), {{"15-1", 1, 1}}, "000000010000000100000010", twice_at_once);
    CHECK(content.segments.size() == 3);
    CHECK(fake.calls().size() == 5 + 2);
}

TEST_CASE("a listing that keeps failing is named, and none of its segments is taken for missing") {
    Fake fake;
    write_archive(fake);
    const Variable only("FAKE_ONLY", "*repo-ls archive/demo/15-1/0000000200000002");
    const Variable errors("FAKE_ERRORS", "ERROR: [095]: unable to flush");
    const Variable fail("FAKE_FAIL", "95");
    try {
        read_archive(fake.pgbackrest(), {{"15-1", 2, 1}}, "000000010000000100000010", twice_at_once);
        FAIL("nothing was thrown");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::pgbackrest_failed);
        CHECK(std::string(failure.what()) == "listing of archive/demo/15-1/0000000200000002 in repo2 failed: "
                                             "pgbackrest exited with code 95 (crypto): unable to flush");
    }
}

TEST_CASE("files of one segment with other checksums contradict each other, copies of one file do not") {
    Fake fake;
    write_archive(fake);
    const auto from = [&](const std::vector<Archive>& archives) {
        return read_archive(fake.pgbackrest(), archives, "000000010000000100000010", twice_at_once).contradictions;
    };
    CHECK(from({{"15-1", 1, 1}, {"15-1", 2, 1}}).empty());
    const std::string other(40, 'e');
    fake.write("archive_demo_15-1_0000000200000002", listing(file("000000020000000200000001" + checksum + ".zst") +
                                                             "," + file("000000020000000200000001-" + other)));
    const auto found = from({{"15-1", 1, 1}});
    REQUIRE(found.size() == 1);
    REQUIRE(found.at("000000020000000200000001").size() == 2);
    CHECK(found.at("000000020000000200000001")[1].checksum() == other);
    CHECK(from({{"15-1", 1, 1}, {"15-1", 2, 1}}).at("000000020000000200000001").size() == 4);
}

TEST_CASE("many directories are listed at once") {
    Fake fake;
    std::string directories;
    for (int number = 0; number < 20; ++number) {
        directories += "," + directory(fmt::format("00000001000000{:02X}", number));
    }
    fake.write("archive_demo_15-1", listing(directories.substr(1)));
    fake.write("archive_demo_15-1_recurse", "0000000100000012\n0000000100000012/000000010000001200000001" + checksum +
                                                ".gz\n0000000100000013/000000010000001300000001" + checksum +
                                                "\n0000000100000013/000000010000001300000002.partial" + checksum);
    fake.write("archive_demo_15-1_0000000100000000", listing(""));
    fake.write("archive_demo_15-1_0000000100000013", listing(file("000000010000001300000001" + checksum, 17)));
    const auto content = read_archive(fake.pgbackrest(), {{"15-1", 1, 1}}, "000000010000000000000010", twice_at_once);
    CHECK(content.segments.size() == 2);
    CHECK(content.segments.find("000000010000001200000001")->path ==
          "archive/demo/15-1/0000000100000012/000000010000001200000001" + checksum + ".gz");
    CHECK(content.partials.size() == 1);
    CHECK(content.contradictions.empty());
    CHECK(content.last_segments.at(postgres::Timeline{1}).name == "000000010000001300000001");
    CHECK(content.last_segments.at(postgres::Timeline{1}).archived_at == 17);
    // The top directory, the first one, everything, and the last one for its time.
    CHECK(fake.calls().size() == 4);
    CHECK(called(fake, "--repo=1 --recurse --no-log-timestamp --log-level-console=off --log-level-stderr=warn repo-ls "
                       "archive/demo/15-1"));
}

TEST_CASE("of a later timeline the last directory is listed, wherever it lies") {
    Fake fake;
    fake.write("archive_demo_15-1", listing(directory("0000000100000005") + "," + directory("0000000200000002") + "," +
                                            directory("0000000200000003")));
    fake.write("archive_demo_15-1_0000000200000003", listing(file("000000020000000300000001" + checksum)));
    fake.write("archive_demo_15-1_0000000100000005", listing(""));
    const auto content = read_archive(fake.pgbackrest(), {{"15-1", 1, 1}}, "000000010000000500000010", twice_at_once);
    CHECK(content.last_segments.at(postgres::Timeline{2}).name == "000000020000000300000001");
    CHECK_FALSE(called(fake, "repo-ls archive/demo/15-1/0000000200000002"));
}

TEST_CASE("an archive of which info tells WAL and whose listing is empty is out of sight") {
    Fake fake;
    fake.write("repo-ls", listing(""));
    const auto read = [&](const std::string& last) {
        return read_archive(fake.pgbackrest(), {{"15-1", 1, 1, last}}, "000000010000000100000010", twice_at_once);
    };
    CHECK(read("").segments.size() == 0);
    try {
        read("000000010000000100000020");
        FAIL("nothing was thrown");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::repository_unreachable);
    }
}
