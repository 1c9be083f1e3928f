#include "plan/clusters.hpp"

#include "plan/backup_choice.hpp"
#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("a PostgreSQL that is too old is refused before anything else is looked at") {
    auto state = one_timeline();
    state.stanza.databases[0].version = "12";
    CHECK(problems_of(ExitCode::preflight_refused, [&] { make_plan(asking_for(latest), state); }) ==
          Problems{
              {"the backup is of PostgreSQL 12, which is not supported", "PostgreSQL 13 and later can be restored"}});
    state.stanza.databases[0].version = "9.6";
    CHECK(problems_of(ExitCode::preflight_refused, [&] { make_plan(asking_for(latest), state); }).size() == 1);
}

TEST_CASE("a backup of a database that the stanza does not know is refused") {
    auto state = one_timeline();
    state.stanza.databases[0].id = 2;
    CHECK(no_plan(asking_for(latest), state) ==
          Problems{{"pgbackrest info knows no database 1 for backup set 20261122-090000F",
                    "run pgbackrest check on the repository"}});
}

namespace {

/// Cluster A with two backups and WAL, and what the stanza got to know after it.
RepositoryState cluster_a(const std::vector<pgbackrest::Database>& later = {}) {
    auto state = one_timeline();
    state.stanza.archives = {{"15-1", 1, 1, "000000010000000000000009"}};
    state.stanza.databases.insert(state.stanza.databases.end(), later.begin(), later.end());
    return state;
}

pgbackrest::Backup backup_of(unsigned database_id, const std::string& label = "20261123-080000F") {
    auto made = backup(label, 1, 2, 2, "2026-11-23 08:00:00Z");
    made.database_id = database_id;
    return made;
}

SettledCluster settle(const RepositoryState& state, const Given& given = {}) {
    return settle_cluster(request_for(given), state.stanza);
}

const std::string a = "7710953412442782829", b = "7710953412442782830";
const std::string text_of_a = "system identifier 7710953412442782829 (PostgreSQL 15, backup set 20261122-080000F "
                              "ended at 2026-11-22 08:00:00+00 to 20261122-090000F ended at 2026-11-22 "
                              "09:00:00+00, WAL to 000000010000000000000009)";

}  // namespace

TEST_CASE("a stanza with one cluster needs no word about it") {
    const auto settled = settle(cluster_a());
    CHECK(settled.cluster.system_identifier == a);
    CHECK(settled.cluster.is_current);
    CHECK(settled.cluster.backups.size() == 2);
    CHECK(settled.others.empty());
}

TEST_CASE("two clusters of one major version are never guessed between") {
    auto state = cluster_a({{2, 1, b, "15"}});
    state.stanza.backups.push_back(backup_of(2));
    const std::string hint =
        "say with system-identifier which cluster is to be restored, or name a backup set with set";
    CHECK(problems_of(ExitCode::usage, [&] { settle(state); }) ==
          Problems{{"stanza demo holds backups of several clusters: " + text_of_a +
                        "; system identifier 7710953412442782830 (PostgreSQL 15, backup set 20261123-080000F ended at "
                        "2026-11-23 08:00:00+00, no WAL, "
                        "the stanza's present one)",
                    hint}});
    SECTION("neither when the present one has no backup") {
        state.stanza.backups.pop_back();
        state.stanza.archives.push_back({"15-2", 1, 2, "000000010000000000000002"});
        CHECK(problems_of(ExitCode::usage, [&] { settle(state); }) ==
              Problems{
                  {"stanza demo archives for a cluster that has no backup, and holds backups of another: " + text_of_a +
                       "; system identifier 7710953412442782830 (PostgreSQL 15, no backup, WAL to "
                       "000000010000000000000002, the stanza's present one)",
                   hint}});
    }
    SECTION("the identifier says which") {
        CHECK(settle(state, {{"system-identifier", a}}).cluster.backups.size() == 2);
        CHECK(settle(state, {{"system-identifier", b}}).cluster.backups.size() == 1);
        CHECK(settle(state, {{"system-identifier", b}}).others.size() == 1);
    }
    SECTION("so does a backup set") {
        CHECK(settle(state, {{"set", "20261122-080000F"}}).cluster.system_identifier == a);
        CHECK(settle(state, {{"set", "20261123-080000F"}}).cluster.system_identifier == b);
    }
    SECTION("what is not there is named") {
        CHECK(problems_of(ExitCode::target_not_reachable,
                          [&] {
                              settle(state, {{"system-identifier", "7"}});
                          })[0]
                  .message == "stanza demo has no backup of system identifier 7");
        CHECK(problems_of(ExitCode::target_not_reachable,
                          [&] {
                              settle(state, {{"set", "20200101-080000F"}});
                          })[0]
                  .message == "backup set 20200101-080000F does not exist in stanza demo");
    }
}

TEST_CASE("a cluster that came back to its stanza is one cluster under two database ids") {
    auto state = cluster_a({{2, 1, b, "15"}, {3, 1, a, "15"}});
    state.stanza.archives.push_back({"15-3", 1, 3, "000000010000000000000012"});
    const auto settled = settle(state);
    CHECK(settled.cluster.system_identifier == a);
    CHECK(settled.cluster.databases.size() == 2);
    CHECK(settled.cluster.archives.size() == 2);
    REQUIRE(settled.others.size() == 1);
    CHECK(settled.others[0].system_identifier == b);
}

TEST_CASE("after an upgrade the new cluster is meant, as soon as it has a backup") {
    auto state = cluster_a({{2, 1, b, "16"}});
    CHECK(problems_of(ExitCode::usage, [&] { settle(state); })[0].hint ==
          "make a backup of the present cluster, or name a backup set of the one before the upgrade with set");
    state.stanza.backups.push_back(backup_of(2));
    const auto settled = settle(state);
    CHECK(settled.cluster.version == "16");
    CHECK(only(settled.cluster, state.stanza).backups.size() == 1);
    SECTION("a time before the upgrade is not reached silently in the old one") {
        const auto request = request_for({{"type", "time"}, {"target", "2026-11-22 10:00:00Z"}});
        CHECK(problems_of(ExitCode::target_not_reachable,
                          [&] { choose_backup(request, only(settled.cluster, state.stanza), settled.others); }) ==
              Problems{{"no backup set of stanza demo ends before the target time 2026-11-22 10:00:00+00",
                        "the nearest point is the end of 20261123-080000F: 2026-11-23 08:00:01+00; before it was "
                        "upgraded the stanza held " +
                            text_of_a + ": name it with system-identifier"}});
    }
    SECTION("a downgrade is no upgrade") {
        state.stanza.databases.back().version = "14";
        CHECK(problems_of(ExitCode::usage, [&] { settle(state); }).size() == 1);
    }
}

TEST_CASE("an identifier that was written down before an upgrade does not bring the old cluster back") {
    auto state = cluster_a({{2, 1, b, "16"}});
    const auto refusals = [&](const Given& given) {
        return problems_of(ExitCode::usage, [&] { settle(state, given); });
    };
    const std::string hint =
        "set system-identifier to " + b + ", or name a backup set as well with set if the old cluster is to come back";
    CHECK(refusals({{"system-identifier", a}}) ==
          Problems{{"system-identifier names the cluster that stanza demo held before it was upgraded: " + text_of_a +
                        "; it archives for system identifier 7710953412442782830 (PostgreSQL 16, no backup, no WAL, "
                        "the stanza's present one) now",
                    hint}});
    state.stanza.backups.push_back(backup_of(2));
    CHECK(refusals({{"system-identifier", a}})[0].hint == hint);
    CHECK(refusals({{"system-identifier", a}, {"type", "immediate"}})[0].hint == hint);
    CHECK(settle(state, {{"system-identifier", b}}).cluster.version == "16");
    SECTION("a backup set or a target says that it shall") {
        CHECK(settle(state, {{"system-identifier", a}, {"set", "20261122-080000F"}}).cluster.version == "15");
        CHECK(settle(state, {{"system-identifier", a}, {"type", "time"}, {"target", "2026-11-22 10:00:00Z"}})
                  .cluster.version == "15");
    }
    SECTION("one that the stanza does not know is refused with all that it knows") {
        const auto problems = problems_of(ExitCode::target_not_reachable, [&] {
            settle(state, {{"system-identifier", "7"}});
        });
        CHECK(problems[0].hint.starts_with("initdb and pg_upgrade make a new system identifier: correct "
                                           "system-identifier, or take it out if no other cluster can be meant; "
                                           "there are: " +
                                           text_of_a + "; system identifier " + b));
    }
}

TEST_CASE("repositories that disagree about the present cluster leave it open") {
    auto state = cluster_a({{2, 1, b, "15"}, {1, 2, a, "15"}});
    CHECK(problems_of(ExitCode::usage, [&] { settle(state); }).size() == 1);
    state.stanza.databases = {{1, 1, a, "15"}, {1, 2, a, "15"}};
    state.stanza.archives.push_back({"15-1", 2, 1, "000000010000000000000008"});
    const auto settled = settle(state);
    CHECK(settled.cluster.archives.size() == 2);
    CHECK(settled.cluster.text().find("WAL to 000000010000000000000009") != std::string::npos);
}
