#include "plan/rejected_runs.hpp"

#include "plan/timeline_choice.hpp"
#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using postgres::Lsn;
using postgres::Timeline;
using postgres::TimelineHistory;

namespace {

/// Timeline 2 forks from 1, and `number` from `parent`.
pgbackrest::ArchiveContent archive_with(std::uint32_t number, std::uint32_t parent) {
    pgbackrest::ArchiveContent archive;
    const auto add = [&](std::uint32_t timeline, std::uint32_t from) {
        auto history = archive.histories.contains({from}) ? archive.histories.at({from}) : TimelineHistory{};
        history.timeline = {timeline};
        history.forks.push_back({{from}, Lsn{0x7000158}, "no recovery target specified"});
        archive.histories[{timeline}] = history;
        archive.last_segments[{timeline}] = {segment(timeline, 8), 0};
    };
    add(2, 1);
    add(number, parent);
    return archive;
}

RejectedRuns run_on(std::uint32_t timeline, bool with_segment = true) {
    RejectedRuns runs;
    runs.followed = {1};
    runs.archived = {Timeline{timeline}.history_file()};
    if (with_segment) {
        runs.archived.insert(segment(timeline, 8));
    }
    return runs;
}

}  // namespace

TEST_CASE("a timeline is a rejected run's when the run has archived its end") {
    auto archive = archive_with(3, 1);
    CHECK(rejected_timelines(archive, run_on(3)) == std::set<Timeline>{{3}});
    CHECK(rejected_timelines(archive, {}).empty());
    CHECK(rejected_timelines(archive, run_on(3, false)).empty());  // another node's segment under that number
    archive.last_segments.erase({3});
    CHECK(rejected_timelines(archive, run_on(3, false)) == std::set<Timeline>{{3}});
    auto followed = run_on(3);
    followed.followed = {3};
    CHECK(rejected_timelines(archive, followed).empty());
    CHECK(rejected_timelines(archive_with(4, 1), run_on(3)).empty());
}

TEST_CASE("those of earlier runs stay rejected, until somebody goes on with one") {
    RejectedRuns runs;
    runs.known = {{2}, {9}};
    CHECK(rejected_timelines(archive_with(3, 1), runs) == std::set<Timeline>{{2}});
    CHECK(rejected_timelines(archive_with(3, 2), runs).empty());
    runs.known = {{2}, {3}};
    CHECK(rejected_timelines(archive_with(3, 2), runs) == std::set<Timeline>{{2}, {3}});
}

TEST_CASE("a rejected timeline is followed only when it is named") {
    auto repository = one_timeline();
    const auto plain = make_plan(request_for(), repository);
    const Timeline own{2};
    TimelineHistory history{own, {{plain.timeline(), Lsn::parse("0/7000158").value(), "no recovery target specified"}}};
    repository.archive.histories[own] = history;
    repository.archive.rejected = {own};
    const auto plan = make_plan(request_for(), repository);
    CHECK(plan.timeline() == plain.timeline());
    CHECK_FALSE(plan.newest_timeline);
    CHECK(plan.other_timelines.empty());
    CHECK(plan.rejected_timelines == std::set<Timeline>{own});
    CHECK(plan.archive_end.histories.contains(own));
    auto named = request_for();
    named.timeline = TimelineWish::parse("2");
    CHECK(choose_timeline(named, plan.backup, repository.stanza.backups, repository.archive, *repository.wal,
                          plan.segment_size)
              .history.timeline == own);
}
