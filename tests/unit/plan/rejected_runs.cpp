#include "plan/rejected_runs.hpp"

#include "plan/timeline_choice.hpp"
#include "support/archives.hpp"
#include "support/catch.hpp"
#include "unit/pgbackrest/fake.hpp"

using namespace patroni_pgbackrest;
using pgbackrest::RejectedTimelines;
using postgres::Lsn;
using postgres::Timeline;
using postgres::TimelineHistory;

namespace {

const std::string sha1(40, 'a'), other_sha1(40, 'b');

TimelineHistory child(std::uint32_t timeline, std::uint32_t parent, const std::string& reason = "no recovery target") {
    return {{timeline}, {{{parent}, Lsn{0x7000158}, reason}}};
}

void add(pgbackrest::ArchiveContent& archive, const TimelineHistory& history, const std::string& checksum) {
    const auto name = segment(history.timeline.number, 8);
    archive.histories[history.timeline] = history;
    archive.last_segments[history.timeline] = {name, 0};
    archive.segments.add({1, "archive/demo/15-1/" + name.substr(0, 16) + "/" + name + "-" + checksum + ".gz"});
}

/// Timeline 3 forks from 1, with this last segment.
pgbackrest::ArchiveContent archive_with(const std::string& checksum) {
    pgbackrest::ArchiveContent archive;
    add(archive, child(2, 1), other_sha1);
    add(archive, child(3, 1), checksum);
    return archive;
}

/// A run that began timeline 3 and has that segment.
RejectedRuns run_with(const std::string& checksum) {
    RejectedRuns runs;
    runs.histories[{3}] = child(3, 1);
    runs.checksum = [checksum](const std::string&) { return checksum; };
    return runs;
}

}  // namespace

TEST_CASE("a timeline is a rejected run's when the end of it in the archive is the run's own") {
    CHECK(rejected_timelines(archive_with(sha1), run_with(sha1)) == RejectedTimelines{{{3}, sha1}});
    CHECK(rejected_timelines(archive_with(sha1), {}).empty());
    CHECK(rejected_timelines(archive_with(other_sha1), run_with(sha1)).empty());  // another node's under that number
    CHECK(rejected_timelines(archive_with(sha1), run_with("")).empty());          // not there to be compared any more
    auto another = run_with(sha1);
    another.histories[{3}] = child(3, 1, "before 2026-11-22 10:00:00+00");
    CHECK(rejected_timelines(archive_with(sha1), another).empty());
    auto only_history = archive_with(sha1);
    only_history.last_segments.erase({3});
    CHECK(rejected_timelines(only_history, run_with("")) == RejectedTimelines{{{3}, ""}});
    auto unproven = run_with(sha1);  // it may not have come into the archive: its WAL tells
    unproven.unproven = {{3}};
    CHECK(rejected_timelines(only_history, unproven).empty());
    CHECK(rejected_timelines(archive_with(sha1), unproven) == RejectedTimelines{{{3}, sha1}});
}

TEST_CASE("those of earlier runs stay rejected while the archive has them as they were left") {
    RejectedRuns runs;
    runs.known = {{{3}, sha1}, {{9}, sha1}};
    CHECK(rejected_timelines(archive_with(sha1), runs) == RejectedTimelines{{{3}, sha1}});
    CHECK(rejected_timelines(archive_with(other_sha1), runs).empty());
    runs.known = {{{3}, ""}};
    CHECK(rejected_timelines(archive_with(sha1), runs).empty());
}

TEST_CASE("one from which somebody went on is not rejected") {
    auto archive = archive_with(sha1);
    add(archive, child(4, 3), other_sha1);
    CHECK(rejected_timelines(archive, run_with(sha1)).empty());
    RejectedRuns runs;
    runs.known = {{{3}, sha1}, {{4}, other_sha1}};
    CHECK(rejected_timelines(archive, runs).size() == 2);
}

TEST_CASE("one under whose number the repositories hold different segments may be another node's") {
    auto archive = archive_with(sha1);
    const auto one = archive.segments.find(segment(2, 8)).value();
    archive.contradictions[segment(3, 7)] = {one, one};
    CHECK(rejected_timelines(archive, run_with(sha1)).empty());
    RejectedRuns runs;
    runs.known = {{{3}, sha1}};
    CHECK(rejected_timelines(archive, runs).empty());
    archive.contradictions = {{segment(2, 7), {one, one}}};
    CHECK(rejected_timelines(archive, runs) == RejectedTimelines{{{3}, sha1}});
}

TEST_CASE("a rejected timeline is followed only when it is named") {
    auto repository = one_timeline();
    const auto plain = make_plan(request_for(), repository);
    const Timeline own{2};
    repository.archive.histories[own] = child(2, plain.timeline().number);
    repository.archive.rejected = {{own, sha1}};
    const auto plan = make_plan(request_for(), repository);
    CHECK(plan.timeline() == plain.timeline());
    CHECK_FALSE(plan.newest_timeline);
    CHECK(plan.other_timelines.empty());
    CHECK(plan.rejected_timelines == RejectedTimelines{{own, sha1}});
    CHECK(plan.archive_end.histories.contains(own));
    CHECK(plan.reason_for_timeline.find("; timeline 2 was begun by a restore that Patroni gave up") !=
          std::string::npos);
    auto named = request_for();
    named.timeline = TimelineWish::parse("2");
    CHECK(choose_timeline(named, plan.backup, repository.stanza.backups, repository.archive, *repository.wal,
                          plan.segment_size)
              .history.timeline == own);
}

namespace {

/// An archive of timeline 1, which a rejected run left in segment 7, and a set of either; no set before it unless
/// `others`.
struct SetOnRejected {
    Fake fake;
    pgbackrest::Stanza stanza = one_timeline().stanza;
    Request request = request_for();

    explicit SetOnRejected(bool others = true) {
        std::string first, second;
        for (std::uint64_t number = 2; number <= 9; ++number) {
            first += listed(segment(1, number) + "-" + sha1 + ".gz", "file");
        }
        second += listed(segment(2, 8) + "-" + other_sha1 + ".gz", "file");
        write("", listed("0000000100000000", "path") + listed("0000000200000000", "path") +
                      listed("00000002.history", "file"));
        write("_0000000100000000", first);
        write("_0000000200000000", second);
        fake.write("archive_demo_15-1_00000002.history", "1\t0/7000158\tno recovery target specified\n");
        if (!others) {
            stanza.backups.clear();
        }
        stanza.archives = {{"15-1", 1, 1, {}}};
        stanza.backups.push_back(backup("20261122-130000F", 2, 8, 8, "2026-11-22 13:00:00Z"));
        fake.write("info", R"([{"backup":[{"label":"20261122-090000F"},{"label":"20261122-130000F"}]}])");
        request.pgbackrest = fake.pgbackrest();
        request.retry = {0, std::chrono::seconds(0)};
    }

    RepositoryState read() const {
        const SettledCluster settled{
            {"7710953412442782829", "15", true, stanza.databases, stanza.archives, stanza.backups}, {}};
        RejectedRuns runs;
        runs.system_identifier = settled.cluster.system_identifier;
        runs.known = {{{2}, other_sha1}};
        return read_repository(request, stanza, settled, runs);
    }

  private:
    static std::string listed(const std::string& name, const std::string& type) {
        return ",\"" + name + R"json(":{"type":")json" + type + R"json(","time":1795346249})json";
    }
    void write(const std::string& directory, const std::string& entries) const {
        fake.write("archive_demo_15-1" + directory, R"json({".":{"type":"path"})json" + entries + "}");
    }
};

}  // namespace

TEST_CASE("with a set of a rejected timeline another one is chosen, and the archive read from that on") {
    SetOnRejected given;
    for (const auto& target :
         {latest, RecoveryTarget{Immediate{}}, lsn_target("0/9000100"), RecoveryTarget{Xid{748}}}) {
        given.request.target = target;
        if (std::holds_alternative<Xid>(target.point)) {
            given.stanza.backups.erase(given.stanza.backups.begin());
        }
        const auto state = given.read();
        CHECK(backup_of(given.request, state).label == "20261122-090000F");
        CHECK(state.archive.rejected == RejectedTimelines{{{2}, other_sha1}});
        CHECK(state.archive.segments.contains(segment(1, 9)));
        CHECK(state.stanza.backups.back().label == "20261122-130000F");
    }
}

TEST_CASE("a set of a rejected timeline is taken when the request names it or the timeline") {
    SetOnRejected given;
    const auto chosen = [&] { return backup_of(given.request, given.read()).label; };
    given.request.timeline = TimelineWish{Timeline{2}};
    CHECK(chosen() == "20261122-130000F");
    given.request.timeline.reset();
    given.request.backup_set = "20261122-130000F";
    CHECK(chosen() == "20261122-130000F");
}

TEST_CASE("a set of a rejected timeline that is the only one is refused until it is named") {
    SetOnRejected given(false);
    CHECK(problems_of(ExitCode::target_not_reachable, [&] { given.read(); }) ==
          Problems{{"stanza demo has no backup, but for 20261122-130000F, which was made on timeline 2: that was begun "
                    "by a restore that Patroni gave up",
                    "if what is in that set is meant, say set: 20261122-130000F; else run pgbackrest info to see what "
                    "there is"}});
    given.request.backup_set = "20261122-130000F";
    CHECK(backup_of(given.request, given.read()).label == "20261122-130000F");
}
