#include "plan/rejected_runs.hpp"

#include "plan/timeline_choice.hpp"
#include "support/archives.hpp"
#include "support/catch.hpp"

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
    archive.segments[name] = {1, "archive/demo/15-1/" + name.substr(0, 16) + "/" + name + "-" + checksum + ".gz"};
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
