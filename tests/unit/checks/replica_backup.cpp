#include "checks/replica_backup.hpp"

#include "checks/checks.hpp"
#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;
using pgbackrest::Backup;
using pgbackrest::Stanza;
using postgres::Lsn;
using postgres::Timeline;

namespace {

constexpr const char* identifier = "7710953412442782829";

/// One that ends at an LSN of segment 7.
Backup backup(const std::string& label, const std::string& stop, std::uint32_t timeline = 1, unsigned repository = 1) {
    Backup backup{label, "full", repository, 1, 0, 0, Lsn::parse("0/7000028"), Lsn::parse(stop), {}, {}, false, 0};
    backup.archive_start = backup.archive_stop = segment(timeline, 7);
    return backup;
}

Stanza stanza(const std::vector<Backup>& backups) {
    Stanza stanza;
    stanza.name = "demo";
    stanza.databases = {{1, 1, identifier, "15"}, {1, 2, identifier, "15"}};
    stanza.backups = backups;
    return stanza;
}

/// On timeline 3, which left 2 at 0/9000000, which left 1 at 0/7000158.
postgres::ServerFacts server() {
    postgres::ServerFacts facts;
    facts.system_identifier = identifier;
    facts.timeline = Timeline{3};
    facts.history = "1\t0/7000158\tbefore 2026-11-22 10:00:00.5+00\n2\t0/9000000\tno recovery target specified\n";
    return facts;
}

patroni::RestoringMethod method(const std::vector<std::pair<std::string, std::string>>& more = {}) {
    patroni::RestoringMethod method{"fetch", "patroni.yml:9", "/usr/bin/pgbackrest", {{"stanza", "demo"}}};
    method.options.insert(method.options.end(), more.begin(), more.end());
    return method;
}

/// The label, or `-`.
std::string taken(const patroni::RestoringMethod& method, const std::vector<Backup>& backups) {
    const auto found = backup_for(method, stanza(backups));
    return found ? found->label : "-";
}

bool holds(const std::string& text, const std::string& words) {
    return text.find(words) != std::string::npos;
}

/// Message and hint, or nothing.
std::string said(const Backup& backup, const patroni::RestoringMethod& by = method(),
                 const postgres::ServerFacts& facts = server()) {
    const auto findings = judge_replica_backup(by, stanza({backup}), facts);
    if (findings.empty()) {
        return "";
    }
    CHECK(find_check(findings.front().id) != nullptr);
    CHECK_FALSE(is_error(findings.front()));
    return findings.front().problem.message + " | " + findings.front().problem.hint;
}

}  // namespace

TEST_CASE("a replica method gets the set that pgbackrest restore would take") {
    const std::vector<Backup> backups{backup("A", "0/7000100"), backup("B", "0/7000100", 1, 2),
                                      backup("C", "0/7000100"), backup("D", "0/7000100", 1, 2)};
    CHECK(taken(method(), backups) == "C");
    CHECK(taken(method({{"repo", "2"}}), backups) == "D");
    CHECK(taken(method({{"set", "A"}}), backups) == "A");
    CHECK(taken(method({{"set", "latest"}}), backups) == "C");
    CHECK(taken(method({{"type", "standby"}}), backups) == "C");
    CHECK(taken(method({{"set", "Z"}}), backups) == "-");
    CHECK(taken(method({{"type", "time"}, {"target", "2026-11-22"}}), backups) == "-");
    CHECK(taken(method(), {backups[1]}) == "B");
    CHECK(taken(method(), {}) == "-");
}

TEST_CASE("a backup that ends at or before the fork, or on the server's own timeline, is followed") {
    CHECK(said(backup("A", "0/7000158")).empty());
    CHECK(said(backup("A", "0/7000100")).empty());
    CHECK(said(backup("A", "0/7000200", 2)).empty());
    CHECK(said(backup("A", "0/9000100", 3)).empty());
}

TEST_CASE("a backup that ends behind the fork is named, with the backup to make") {
    CHECK(
        said(backup("A", "0/7000160")) ==
        "replica method fetch takes backup set A, which ends at 0/7000160 on timeline 1, which this cluster left at "
        "0/7000158: a replica made from it never streams | make a full backup before any replica: /usr/bin/pgbackrest "
        "--stanza=demo --type=full backup");
    CHECK(holds(said(backup("A", "0/9000001", 2)), "timeline 2, which this cluster left at 0/9000000"));
    CHECK(holds(said(backup("A", "0/7000100", 5)), "timeline 5, which does not lead to timeline 3"));
    CHECK(holds(said(backup("A", "0/7000160"), method({{"repo", "1"}, {"set", "A"}, {"repo1-path", "/r"}})),
                "/usr/bin/pgbackrest --stanza=demo --repo1-path=/r --type=full --repo=1 backup, and take set out of "
                "the method"));
    CHECK_FALSE(holds(said(backup("A", "0/7000160"), method({{"repo1-cipher-pass", "secret"}})), "secret"));
}

TEST_CASE("nothing is said where it cannot be known") {
    auto without_lsn = backup("A", "0/7000160");  // pgBackRest before 2.36: only the segment of the fork is known
    without_lsn.lsn_stop.reset();
    CHECK(said(without_lsn).empty());
    auto offline = backup("A", "0/7000160");
    offline.archive_stop.clear();
    CHECK(said(offline).empty());
    auto other = server();
    other.system_identifier = "1";
    CHECK(said(backup("A", "0/7000160"), method(), other).empty());
    auto damaged = server();
    damaged.history = "nonsense";
    CHECK(said(backup("A", "0/7000160"), method(), damaged).empty());
}
