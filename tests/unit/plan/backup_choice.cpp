#include "plan/backup_choice.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;

namespace {

std::string chosen(const Request& request, const RepositoryState& state = one_timeline()) {
    return choose_backup(request, state.stanza).label;
}

Problems no_backup(const Request& request, const RepositoryState& state = one_timeline()) {
    return problems_of(ExitCode::target_not_reachable, [&] { choose_backup(request, state.stanza); });
}

}  // namespace

TEST_CASE("the newest backup that ends before the target is chosen") {
    CHECK(chosen(asking_for(latest)) == "20261122-090000F");
    CHECK(chosen(asking_for({Immediate{}})) == "20261122-090000F");
    CHECK(chosen(asking_for(time_target("2026-11-22 09:30:00Z"))) == "20261122-090000F");
    CHECK(chosen(asking_for(time_target("2026-11-22 09:00:01Z"))) == "20261122-090000F");
    // It ended within the second that it names.
    CHECK(chosen(asking_for(time_target("2026-11-22 09:00:00.9Z"))) == "20261122-080000F");
    CHECK(chosen(asking_for(time_target("2026-11-22 09:00:00Z"))) == "20261122-080000F");
    CHECK(chosen(asking_for(lsn_target("0/6000100"))) == "20261122-090000F");
    CHECK(chosen(asking_for(lsn_target("0/60000FF"))) == "20261122-080000F");
}

TEST_CASE("a target before every backup is refused with the nearest point") {
    const std::string hint = "the nearest point is the end of 20261122-080000F: 2026-11-22 08:00:01+00";
    CHECK(no_backup(asking_for(time_target("2026-11-22 07:00:00Z"))) ==
          Problems{{"no backup set of stanza demo ends before the target time 2026-11-22 07:00:00+00", hint}});
    CHECK(no_backup(asking_for(lsn_target("0/1000000"))) ==
          Problems{{"no backup set of stanza demo ends before the target lsn 0/1000000", hint}});
}

TEST_CASE("the backup set that is asked for is taken when it can lead to the target") {
    auto request = asking_for(time_target("2026-11-22 09:30:00Z"));
    request.backup_set = "20261122-080000F";
    CHECK(chosen(request) == "20261122-080000F");
    request.backup_set = "20261122-090000F";
    request.target = time_target("2026-11-22 08:30:00Z");
    CHECK(no_backup(request) == Problems{{"backup set 20261122-090000F ends at 2026-11-22 09:00:00+00, LSN 0/6000100, "
                                          "after the target time 2026-11-22 08:30:00+00",
                                          "choose an older backup set, or leave set out"}});
    request.backup_set = "20261122-070000F";
    CHECK(no_backup(request) == Problems{{"backup set 20261122-070000F does not exist in stanza demo",
                                          "there are: 20261122-080000F, 20261122-090000F"}});
}

TEST_CASE("where a transaction or a restore point lies is not guessed when there are several backup sets") {
    auto state = one_timeline();
    for (const RecoveryTarget& target : {RecoveryTarget{Xid{748}}, RecoveryTarget{Name{"before the upgrade"}}}) {
        auto request = asking_for(target);
        CHECK(problems_of(ExitCode::usage, [&] { choose_backup(request, state.stanza); }) ==
              Problems{{"the target " + target.text() + " may lie before or after the end of each of 2 backup sets",
                        "name with set the newest one that had ended before it; an older one takes longer, and is "
                        "right as well: 20261122-090000F (ended at 2026-11-22 09:00:00+00), 20261122-080000F (ended at "
                        "2026-11-22 08:00:00+00)"}});
        request.backup_set = "20261122-080000F";
        CHECK(chosen(request, state) == "20261122-080000F");
    }
    state.stanza.backups.erase(state.stanza.backups.begin());
    CHECK(chosen(asking_for({Xid{748}}), state) == "20261122-090000F");
}

TEST_CASE("of many backup sets the newest are named") {
    auto state = one_timeline();
    for (int hour = 10; hour < 18; ++hour) {
        state.stanza.backups.push_back(backup("20261122-" + std::to_string(hour) + "0000F", 1, 7, 7,
                                              "2026-11-22 " + std::to_string(hour) + ":00:00Z"));
    }
    auto request = asking_for(latest);
    request.backup_set = "nonsense";
    const auto problems = no_backup(request, state);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].hint == "there are: …, 20261122-100000F, 20261122-110000F, 20261122-120000F, 20261122-130000F, "
                              "20261122-140000F, 20261122-150000F, 20261122-160000F, 20261122-170000F");
}

TEST_CASE("only backups of the repository that is asked for count") {
    auto state = one_timeline();
    state.stanza.backups.push_back(backup("20261122-093000F", 1, 7, 7, "2026-11-22 09:30:00Z", 2));
    auto request = asking_for(latest);
    CHECK(chosen(request, state) == "20261122-093000F");
    request.repository = 1;
    CHECK(chosen(request, state) == "20261122-090000F");
    request.repository = 3;
    CHECK(no_backup(request, state) ==
          Problems{{"stanza demo has no backup in repository 3", "run pgbackrest info to see what there is"}});
    request.backup_set = "20261122-093000F";
    request.repository = 1;
    CHECK(no_backup(request, state).size() == 1);
}

TEST_CASE("an offline backup, from which no WAL can be replayed, is passed over") {
    auto state = one_timeline();
    auto offline = backup("20261122-093000F", 1, 7, 7, "2026-11-22 09:30:00Z");
    offline.archive_start.clear();
    offline.archive_stop.clear();
    state.stanza.backups.push_back(offline);
    auto request = asking_for(latest);
    CHECK(chosen(request, state) == "20261122-090000F");
    request.timeline = TimelineWish{postgres::Timeline{1}};
    CHECK(chosen(request, state) == "20261122-090000F");
    request.backup_set = "20261122-093000F";
    CHECK(no_backup(request, state) == Problems{{"backup set 20261122-093000F has no start of WAL",
                                                 "it was made offline; choose another with set"}});
}

TEST_CASE("a backup that starts on a newer timeline than the wished one is passed over") {
    auto state = two_timelines();
    state.stanza.backups.push_back(backup("20261122-130000F", 2, 9, 9, "2026-11-22 13:00:00Z"));
    auto request = asking_for(latest);
    CHECK(chosen(request, state) == "20261122-130000F");
    request.timeline = TimelineWish{postgres::Timeline{1}};
    CHECK(chosen(request, state) == "20261122-090000F");
}

TEST_CASE("an LSN target works with backups of which pgBackRest before 2.36 tells no LSN") {
    auto state = one_timeline();
    for (auto& backup : state.stanza.backups) {
        backup.lsn_start.reset();
        backup.lsn_stop.reset();
    }
    Request request;
    request.target = lsn_target("0/8000028");
    CHECK(problems_of(ExitCode::target_not_reachable, [&] { choose_backup(request, state.stanza); }) == Problems{});
}

TEST_CASE("a timeline that every backup is newer than is told as that") {
    auto state = two_timelines();
    state.stanza.backups = {backup("20261122-130000F", 2, 9, 9, "2026-11-22 13:00:00Z")};
    Request request;
    request.timeline = TimelineWish{postgres::Timeline{1}};
    const auto problems = problems_of(ExitCode::target_not_reachable, [&] { choose_backup(request, state.stanza); });
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].message.find("timeline 1") != std::string::npos);
}

namespace {

const pgbackrest::RejectedTimelines second_is_rejected{{postgres::Timeline{2}, "sha1"}};

/// one_timeline(), and a set that was made behind it, on a timeline 2.
RepositoryState with_set_on_second() {
    auto state = one_timeline();
    state.stanza.backups.push_back(backup("20261122-130000F", 2, 9, 9, "2026-11-22 13:00:00Z"));
    return state;
}

std::vector<std::string> out(const Request& request, const pgbackrest::RejectedTimelines& rejected) {
    const auto state = with_set_on_second();
    std::vector<std::string> labels;
    for (const auto& backup : sets_on_rejected(request, candidates_for(request, state.stanza), rejected)) {
        labels.push_back(backup.label);
    }
    return labels;
}

}  // namespace

TEST_CASE("a backup set of a rejected timeline is passed over where nobody names it or a timeline's number") {
    using Labels = std::vector<std::string>;
    auto request = asking_for(latest);
    CHECK(out(request, {}) == Labels{});
    CHECK(out(request, second_is_rejected) == Labels{"20261122-130000F"});
    CHECK(out(request, {{postgres::Timeline{1}, "sha1"}}) == Labels{"20261122-080000F", "20261122-090000F"});
    for (const auto& wish : {TimelineWish{Latest{}}, TimelineWish{Immediate{}}}) {
        request.timeline = wish;
        CHECK(out(request, second_is_rejected) == Labels{"20261122-130000F"});
    }
    request.timeline = TimelineWish{postgres::Timeline{2}};
    CHECK(out(request, second_is_rejected) == Labels{});
    request.timeline.reset();
    request.backup_set = "20261122-130000F";
    CHECK(out(request, second_is_rejected) == Labels{});
}

TEST_CASE("where nothing but a set that is passed over leads to the target, the refusal says how to ask for it") {
    auto state = with_set_on_second();
    const auto passed_over = state.stanza.backups.back();
    state.stanza.backups.pop_back();
    const auto instead = [&](const RecoveryTarget& target) {
        return problems_of(ExitCode::target_not_reachable,
                           [&] { choose_instead_of(passed_over, asking_for(target), state.stanza); });
    };
    CHECK(choose_instead_of(passed_over, asking_for(latest), state.stanza).label == "20261122-090000F");
    state.stanza.backups.erase(state.stanza.backups.begin());
    state.stanza.backups.front() = backup("20261122-140000F", 1, 9, 9, "2026-11-22 14:00:00Z");
    CHECK(instead(time_target("2026-11-22 13:30:00Z")) ==
          Problems{{"no backup set of stanza demo ends before the target time 2026-11-22 13:30:00+00, but for "
                    "20261122-130000F, which was made on timeline 2: that was begun by a restore that Patroni gave up",
                    "if what is in that set is meant, say set: 20261122-130000F; else the nearest point is the end of "
                    "20261122-140000F: 2026-11-22 14:00:01+00"}});
    state.stanza.backups.clear();
    CHECK(instead(latest) ==
          Problems{{"stanza demo has no backup, but for 20261122-130000F, which was made on timeline 2: that was begun "
                    "by a restore that Patroni gave up",
                    "if what is in that set is meant, say set: 20261122-130000F; else run pgbackrest info to see what "
                    "there is"}});
}
