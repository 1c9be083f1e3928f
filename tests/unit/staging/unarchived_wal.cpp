#include "staging/unarchived_wal.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"
#include "support/control_file.hpp"
#include "support/restore.hpp"

using namespace patroni_pgbackrest;
using postgres::Lsn;
using postgres::Timeline;
using postgres::TimelineHistory;

namespace {

const std::string identifier = "7710953412442782829";

OldSegment complete(std::uint32_t timeline, std::uint64_t number) {
    return {{Timeline{timeline}, number}, true, false};
}

OldSegment unfinished(std::uint32_t timeline, std::uint64_t number, bool holds_commit) {
    return {{Timeline{timeline}, number}, false, holds_commit};
}

TimelineHistory forked(std::uint32_t timeline, std::uint32_t parent, std::uint64_t segment) {
    return {Timeline{timeline}, {{Timeline{parent}, Lsn{segment * segment_size.bytes + 0x158}, "no target"}}};
}

/// What pg_wal of /old has.
OldWal old(std::vector<OldSegment> segments, const std::vector<TimelineHistory>& histories = {}) {
    OldWal wal;
    wal.data_directory = "/old";
    wal.segments = std::move(segments);
    for (const auto& history : histories) {
        wal.histories[history.timeline] = history;
    }
    return wal;
}

std::vector<std::string> names(const OldWal& wal, const RepositoryState& state = one_timeline()) {
    return unarchived_wal(wal, state.archive, segment_size).names(segment_size);
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("complete segments count, and the last one when somebody has committed in it") {
    CHECK(names(old({})).empty());
    CHECK(names(old({complete(1, 10), complete(1, 11), unfinished(1, 12, true)})) ==
          Names{segment(1, 10), segment(1, 11), segment(1, 12)});
    CHECK(names(old({complete(1, 10), unfinished(1, 11, false)})) == Names{segment(1, 10)});
    CHECK(names(old({unfinished(1, 10, false)})).empty());
}

TEST_CASE("a timeline that the archive does not know comes with its histories") {
    CHECK(names(old({complete(2, 9), complete(2, 10)}, {forked(2, 1, 9)})) ==
          Names{"00000002.history", segment(2, 9), segment(2, 10)});
    CHECK(names(old({complete(3, 12)}, {forked(2, 1, 9),
                                        {Timeline{3},
                                         {{Timeline{1}, Lsn{9 * segment_size.bytes}, ""},
                                          {Timeline{2}, Lsn{11 * segment_size.bytes}, ""}}}})) ==
          Names{"00000002.history", "00000003.history", segment(3, 12)});
    SECTION("but not a history alone, unless the archive has something of its timeline") {
        const auto wal = old({}, {forked(2, 1, 9)});
        CHECK(names(wal).empty());
        auto state = one_timeline();
        state.archive.directories[Timeline{2}] = "0000000200000000";
        CHECK(names(wal, state) == Names{"00000002.history"});
        state.archive.histories[Timeline{2}] = forked(2, 1, 9);
        CHECK(names(wal, state).empty());
    }
}

TEST_CASE("what lies behind a fork was left and stays where it is") {
    CHECK(names(old({complete(1, 6), complete(1, 7), unfinished(1, 8, true)}), two_timelines()) ==
          Names{segment(1, 6)});
    CHECK(names(old({complete(1, 8), complete(1, 9), complete(2, 9)}, {forked(2, 1, 9)})) ==
          Names{"00000002.history", segment(1, 8), segment(2, 9)});
}

TEST_CASE("a timeline whose number the archive has given to another one stays where it is") {
    CHECK(names(old({complete(2, 12)}, {forked(2, 1, 7)}), two_timelines()) == Names{segment(2, 12)});
    CHECK(names(old({complete(2, 12)}, {forked(2, 1, 11)}), two_timelines()).empty());
}

TEST_CASE("the message names the files and the hint how they get into the archive") {
    pgbackrest::Pgbackrest pgbackrest;
    pgbackrest.configuration = "/etc/my pgbackrest.conf";
    pgbackrest.stanza = "demo";
    const auto wal =
        old({complete(1, 10), complete(1, 11), complete(1, 13), unfinished(2, 13, true)}, {forked(2, 1, 15)});
    CHECK(problem_of(wal, unarchived_wal(wal, one_timeline().archive, segment_size), pgbackrest, segment_size) ==
          Problem{"/old has WAL of this cluster that the archive does not have: 00000002.history, " + segment(1, 10) +
                      " to " + segment(1, 11) + ", " + segment(1, 13) + ", " + segment(2, 13) +
                      ", the last segment unfinished; a restore cannot bring back what was committed in it",
                  "bring it into the archive first, as the user that PostgreSQL runs as, in this order: for wal in "
                  "00000002.history " +
                      segment(1, 10) + " " + segment(1, 11) + " " + segment(1, 13) + " " + segment(2, 13) +
                      "; do pgbackrest '--config=/etc/my pgbackrest.conf' --stanza=demo --pg1-path=/old "
                      "--no-archive-async archive-push /old/pg_wal/$wal || break; done"});
    std::vector<OldSegment> many;
    for (std::uint64_t number = 10; number < 200; ++number) {
        many.push_back(complete(1, number));
    }
    const auto hint = problem_of(old(many), {{}, many}, pgbackrest, segment_size).hint;
    CHECK(hint.find("all 190 of them, oldest first: for wal in " + segment(1, 10) + " … " + segment(1, 199)) !=
          std::string::npos);
}

namespace {

std::string first_page(std::uint32_t timeline, std::uint64_t number, const std::string& of = identifier) {
    return first_wal_page(of, timeline, number);
}

struct Node {
    Files files;
    fs::path data = files.path("main");

    void make(const std::string& name, const std::string& of = identifier) const {
        files.write(name + "/global/pg_control", control_file(of));
        fs::create_directories(files.path(name) / "pg_wal" / "archive_status");
    }
    std::vector<fs::path> found() const { return old_data_directories(data, identifier); }
};

}  // namespace

TEST_CASE("old data directories are PGDATA, those beside it and hidden ones in it, if they are of this cluster") {
    const Node node;
    CHECK(node.found().empty());
    for (const char* name : {"main", "main.old", "main.failed", "main/.lost", "anything"}) {
        node.make(name);
    }
    node.make("other", "7710953412442782830");
    node.make("main.restoring");
    node.make("main/.restoring");
    node.files.write("a file", "");
    fs::create_directory_symlink("main.old", node.files.path("link"));
    CHECK(node.found() == std::vector<fs::path>{node.files.path("anything"), node.files.path("main"),
                                                node.files.path("main/.lost"), node.files.path("main.failed"),
                                                node.files.path("main.old")});
}

TEST_CASE("what this program handed over a short while ago is not an old data directory") {
    const Rejected restore;
    restore.set_aside();
    const auto found = [&] { return old_data_directories(restore.data(), restore.plan.database.system_identifier); };
    CHECK(found().empty());
    SECTION("nor, under Patroni's name, what may have led") {
        auto journal = Journal::read(restore.layout.journal());
        --journal->handed_over->control_written_at;
        journal->save(restore.layout.journal());
        CHECK(found().empty());
        const auto led = restore.files.path("data.led");
        fs::rename(restore.directory, led);
        CHECK(found() == std::vector<fs::path>{led});
    }
    SECTION("nor what a person says was given up, whatever was restored since") {
        fs::remove_all(restore.files.path("data.restoring.d"));
        CHECK(found() == std::vector<fs::path>{restore.directory});
        fs::rename(restore.directory, restore.files.path("data.given-up"));
        CHECK(found().empty());
    }
    SECTION("nor its content in a hidden directory, into which that of a mount point goes") {
        restore.files.write("data.failed/pg_wal/00000002.history", "1\t0/7000158\tno recovery target specified\n");
        auto journal = Journal::read(restore.layout.journal());
        journal->begun_timeline = BegunTimeline{{2}, *end_of_recovery(restore.directory, {2})};
        journal->save(restore.layout.journal());
        fs::create_directories(restore.data() / ".failed.d");
        for (const auto& entry : system::entries(restore.directory)) {
            fs::rename(restore.directory / entry, restore.data() / ".failed.d" / entry);
        }
        CHECK(found().empty());
        journal->begun_timeline.reset();
        journal->save(restore.layout.journal());
        CHECK(found().size() == 1);
    }
}

TEST_CASE("of pg_wal the segments count that were written to and are not in the archive") {
    const Node node;
    node.make("main");
    const auto write = [&](const std::string& name, const std::string& bytes) {
        node.files.write("main/pg_wal/" + name, bytes);
    };
    const auto mark = [&](const std::string& name) { write("archive_status/" + name, ""); };
    const auto read = [&] {
        return read_old_wal(node.data, identifier, {Timeline{1}, 5}, one_timeline().archive.segments, segment_size);
    };
    write(segment(1, 4), first_page(1, 4));  // before the backup
    write(segment(1, 9), first_page(1, 9));  // archived
    write(segment(1, 10), first_page(1, 10));
    mark(segment(1, 10) + ".ready");
    write(segment(1, 11), first_page(1, 11));
    mark(segment(1, 11) + ".done");
    write(segment(1, 12), first_page(1, 12));
    write(segment(1, 13), first_page(1, 6));  // kept to be written to
    write(segment(1, 14), std::string(8192, '\0'));
    write(segment(1, 15), "");
    write(segment(1, 16), first_page(1, 16, "7710953412442782830"));
    write(segment(2, 12), first_page(1, 12));  // begins with what the parent had
    write(segment(2, 13), first_page(1, 13));
    write(segment(1, 12) + ".partial", first_page(1, 12));
    write("00000002.history", "1\t0/C000158\tno recovery target specified\n");
    write("00000003.history", "this is none");
    const auto wal = read();
    CHECK(wal.why_unknown.empty());
    CHECK(wal.segments == std::vector<OldSegment>{complete(1, 10), complete(1, 11), unfinished(1, 12, false),
                                                  unfinished(2, 12, false)});
    CHECK(wal.histories.size() == 1);

    SECTION("histories are read as the archive's are") {
        write("00000003.history", "1\t0/C000158\tx\n2\t0/A000000\ty\n");
        CHECK(read().histories.at(Timeline{3}).forks.size() == 1);
    }
    SECTION("also through a link") {
        fs::rename(node.data / "pg_wal", node.files.path("wal"));
        fs::create_directory_symlink(node.files.path("wal"), node.data / "pg_wal");
        CHECK(read().segments == wal.segments);
    }
    SECTION("a segment that cannot be read is not passed over") {
        const auto file = node.data / "pg_wal" / segment(1, 17);
        fs::create_symlink(file, file);
        CHECK(read().why_unknown == "cannot read " + file.string() + ": Too many levels of symbolic links");
    }
    SECTION("a segment whose marks cannot be looked at is not taken for an unfinished one") {
        const auto marks = node.data / "pg_wal" / "archive_status";
        fs::remove_all(marks);
        fs::create_symlink(marks, marks);
        CHECK(read().why_unknown == "cannot look at " + (marks / (segment(1, 10) + ".ready")).string() +
                                        ": Too many levels of symbolic links");
    }
    SECTION("segments of another size than the archive's tell nothing of what it lacks") {
        write(segment(3, 1), first_wal_page(identifier, 3, 1, 64U << 20));
        CHECK(read().why_unknown == "its WAL segments have 64 MiB, and those of the archive 16 MiB");
        CHECK(read().segments.empty());
        write(segment(3, 1), first_wal_page("7710953412442782830", 3, 1, 64U << 20));
        CHECK(read().segments == wal.segments);
    }
    SECTION("a pg_wal that is not there is told") {
        fs::remove_all(node.data / "pg_wal");
        CHECK_FALSE(read().why_unknown.empty());
    }
}

TEST_CASE("every old data directory with such WAL is a problem of its own") {
    const Node node;
    for (const char* name : {"main", "main.old"}) {
        node.make(name);
        node.files.write(std::string(name) + "/pg_wal/" + segment(1, 10), first_page(1, 10));
        node.files.write(std::string(name) + "/pg_wal/archive_status/" + segment(1, 10) + ".ready", "");
    }
    node.make("main.failed");
    fs::remove_all(node.files.path("main.failed/pg_wal"));
    node.make("main.clean");
    const auto request = request_for({{"datadir", node.data.string()}});
    const auto problems = find_unarchived_wal(request, one_timeline());
    REQUIRE(problems.size() == 3);
    CHECK(problems[0].message.starts_with(node.data.string() + " has WAL"));
    CHECK(problems[1].message.starts_with(node.data.string() + ".failed is of this cluster, and nobody knows whether"));
    CHECK(problems[2].message.starts_with(node.data.string() + ".old has WAL"));
}
