// Each hint that can be followed in patroni.yml alone is followed: the finding is gone, and no other comes.
#include "patroni/review.hpp"
#include "patroni/review_method.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/patroni_yml.hpp"

#include <sys/stat.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

const std::string authentication = "  authentication: {superuser: {username: postgres}, replication: {username: r}}\n";

const std::string clean = [] {
    const std::string head = "postgresql:\n  recovery_conf:\n";
    auto text = clean_patroni_yml;
    return text.insert(text.find(head) + head.find("  recovery"), authentication);
}();

std::string with(const std::string& before, const std::string& after) {
    auto changed = clean;
    REQUIRE(changed.find(before) != std::string::npos);
    return changed.replace(changed.find(before), before.size(), after);
}

std::string in_bootstrap(const std::string& lines) {
    return with("  method: pgbackrest\n", "  method: pgbackrest\n" + lines);
}

std::string in_block(const std::string& lines) {
    return with("    stanza: demo\n", "    stanza: demo\n" + lines);
}

std::string in_dcs(const std::string& lines) {
    return with("  dcs:\n", "  dcs:\n" + lines);
}

std::string in_parameters(const std::string& line) {
    return with("      parameters:\n", "      parameters:\n        " + line + "\n");
}

std::string with_replica_method(const std::string& keys) {
    return clean + "  create_replica_methods: [backup]\n  backup: {" + keys + "}\n";
}

/// `id: hint` of each.
Strings found(const std::string& text) {
    const Files files;
    Intent intent;
    intent.stanza = "demo";
    intent.root = files.path();
    intent.has_target = true;
    const auto file = files.write("patroni.yml", text);
    ::chmod(file.c_str(), 0600);
    auto findings = review({file, {}}, intent);
    for (auto& finding : review_values({file, {}}, {})) {
        findings.push_back(std::move(finding));
    }
    Strings result;
    for (const auto& finding : findings) {
        result.push_back(finding.id + ": " + finding.problem.hint);
    }
    return result;
}

const std::string verified = "  post_bootstrap: patroni_pgbackrest verify\n";
const std::string restore = "command: pgbackrest --stanza=demo --delta restore, keep_data: true, no_params: true";

}  // namespace

TEST_CASE("a hint that is followed in patroni.yml leaves nothing to find") {
    struct Hint {
        std::string wrong, found, right;
    };
    const auto with_dynamic_slots = with("    postgresql:\n", "    postgresql:\n      use_slots: false\n");
    const auto with_dynamic_parameters = [](const std::string& value) {
        const std::string archive = "archive_command: pgbackrest --stanza=demo archive-push %p";
        return with("      parameters:\n        archive_mode: 'on'\n        " + archive + "\n",
                    "      parameters: " + value + "\n") +
               "  parameters: {archive_mode: 'on', " + archive + "}\n";
    };
    const std::vector<Hint> hints = {
        {with("/usr/bin/patroni_pgbackrest bootstrap", "/opt/restore"),
         "method-other-program: let it run patroni_pgbackrest bootstrap; ignore this if it is a script that does",
         clean},
        {with("pgbackrest --stanza=demo archive-push %p", "cp %p /archive/%f"),
         "archive-command-other: set archive_command: pgbackrest --stanza=demo archive-push %p; ignore this if it is a "
         "script that runs it",
         clean},
        {clean + "  parameters: {archive_mode: 'off'}\n",
         "archive-mode-off: set archive_mode: 'on' in postgresql.parameters",
         clean + "  parameters: {archive_mode: 'on'}\n"},
        {with("  method: pgbackrest\n", ""),
         "method-missing: run patroni_pgbackrest configure, or set bootstrap.method and its block", clean},
        {with("method: pgbackrest", "method: pgbackrst"),
         "method-block-missing: without it Patroni silently runs initdb: add it below bootstrap, or correct the name",
         clean},
        {in_bootstrap("  recovery_conf: {recovery_target_action: promote}\n"),
         "method-key-misplaced: move it into the block that bootstrap.method names",
         in_block("    recovery_conf: {recovery_target_action: promote}\n" + verified)},
        {in_bootstrap("  no_params: true\n"), "method-key-ignored: move it into the block that bootstrap.method names",
         in_block("    no_params: true\n")},
        {in_block("    stanza: demo\n"), "method-key-twice: remove one of them", clean},
        {in_bootstrap("  users: {}\n  users: {}\n"), "key-twice: remove one of them", in_bootstrap("  users: {}\n")},
        {in_dcs("    ttl: 30s\n"), "dcs-ignored: write it as a number of seconds, without a unit, or remove it",
         in_dcs("    ttl: 30\n")},
        {in_dcs("    standby_cluster: [host]\n"), "dcs-ignored: write keys and values below it, or remove it", clean},
        {with_dynamic_parameters("[archive_timeout=60]"), "dcs-ignored: write keys and values below it, or remove it",
         with_dynamic_parameters("{archive_timeout: 60}")},
        {in_dcs("    primary_start_timeout: 5min\n"),
         "dcs-value-ignored: write it as a number, without a unit, or remove it",
         in_dcs("    primary_start_timeout: 300\n")},
        {in_parameters("wal_keep_size: 5XB"),
         "dcs-value-ignored: write it as a number of megabytes, or with the unit kB, MB, GB or TB, or remove it",
         in_parameters("wal_keep_size: 5GB")},
        {in_parameters("wal_level: 1"), "dcs-value-ignored: write replica or logical, or remove it",
         in_parameters("wal_level: replica")},
        {in_dcs("    maximum_lag_on_failover: -1\n"),
         "leader-never-again: set it to 0 or more, or remove it for Patroni's default of 1048576",
         in_dcs("    maximum_lag_on_failover: 0\n")},
        {"ttl: 30\n" + clean, "key-misplaced: move it into bootstrap.dcs", in_dcs("    ttl: 30\n")},
        {"pg_hba: []\n" + clean, "key-misplaced: move it into postgresql", clean + "  pg_hba: []\n"},
        {in_bootstrap("  use_slots: true\n"), "key-misplaced: move it into bootstrap.dcs.postgresql",
         with_dynamic_slots},
        {"use_slots: false\n" + clean, "key-misplaced: move it into bootstrap.dcs.postgresql", with_dynamic_slots},
        {clean + "  use_slots: false\n", "key-misplaced: move it into bootstrap.dcs.postgresql", with_dynamic_slots},
        {in_dcs("    create_replica_methods: [basebackup]\n"), "key-misplaced: move it into bootstrap.dcs.postgresql",
         with("    postgresql:\n", "    postgresql:\n      create_replica_methods: [basebackup]\n")},
        {clean + "  loop_wait: 5\n", "key-misplaced: move it into bootstrap.dcs", in_dcs("    loop_wait: 5\n")},
        {in_dcs("    standby_cluster: {host: other}\n"),
         "standby-cluster: remove it until the restore is done; if a standby cluster is meant, let "
         "standby_cluster.create_replica_methods name a method that runs pgbackrest restore",
         clean},
        {in_dcs("    pause: true\n"), "dcs-paused: remove it", clean},
        {"tags: {nofailover: true}\n" + clean, "node-never-bootstraps: remove it on the node to be restored",
         "tags: {}\n" + clean},
        {"tags: {failover_priority: 0}\n" + clean, "node-never-bootstraps: remove it on the node to be restored",
         "tags: {}\n" + clean},
        {in_dcs("    ttl: 20\n    loop_wait: 5\n"), "leader-loses-lock: set ttl to 25 or more in bootstrap.dcs",
         in_dcs("    ttl: 25\n    loop_wait: 5\n")},
        {"watchdog: {mode: required}\n" + clean,
         "watchdog-missing: load its kernel module and give it to the user of Patroni, or set watchdog.mode: automatic",
         "watchdog: {mode: automatic}\n" + clean},
        {with("replication: {username: r}", "replication: {password: x}"),
         "role-without-name: set postgresql.authentication.replication.username; where Patroni has it in "
         "PATRONI_REPLICATION_USERNAME, give that to this program, too",
         clean},
        {with("replication: {username: r}", "replication: {username: r}, rewind: {password: x}"),
         "role-without-name: set postgresql.authentication.rewind.username; where Patroni has it in "
         "PATRONI_REWIND_USERNAME, give that to this program, too",
         with("replication: {username: r}", "replication: {username: r}, rewind: {username: w, password: x}")},
        {in_block("    target:\n"), "option-without-value: give it a value, or remove it", clean},
        {in_block("    target:\n"), "option-without-value: give it a value, or remove it",
         in_block("    target: before\n")},
        {in_block("    recovery_conf: {work_mem: 1GB}\n" + verified), "recovery-parameter-unknown: remove it",
         in_block(verified)},
        {with("--stanza=demo archive-push", "--stanza=prod archive-push"),
         "archive-command-elsewhere: make both name the same one, unless the restored cluster should archive elsewhere",
         clean},
        {with("--stanza=demo archive-get", "--stanza=prod archive-get"),
         "standby-restore-command-elsewhere: make it read the archive that the cluster writes", clean},
        {clean + "  parameters_replica: {restore_command: x}\n",
         "role-parameter: let parameters or recovery_conf say it for all roles, and take it out", clean},
        {clean + "    recovery_target_name: before\n",
         "standby-target-ignored: put the recovery target into the method's block: type and target",
         in_block("    type: name\n    target: before\n")},
        {with_replica_method("command: pgbackrest --stanza=demo restore"),
         "replica-method-rejected: set no_params: true in its block, and remove keys that are not options of "
         "pgbackrest restore",
         with_replica_method("command: pgbackrest --stanza=demo restore, no_params: true")},
        {with_replica_method(restore + ", retries: 2"),
         "replica-method-rejected: remove keys that are not options of pgbackrest restore",
         with_replica_method(restore)},
        {with_replica_method("command: pgbackrest --stanza=demo restore, no_params: true, delta: true, link-all: no"),
         "replica-method-rejected: write --delta --no-link-all into its command instead of the key",
         with_replica_method("command: pgbackrest --stanza=demo --delta --no-link-all restore, no_params: true")},
        {with_replica_method("command: pgbackrest --stanza=demo --type=name --target=a restore, no_params: true"),
         "replica-method-target: remove type and target from it: a replica follows its leader",
         with_replica_method("command: pgbackrest --stanza=demo restore, no_params: true")},
        {with_replica_method("command: pgbackrest --stanza=demo backup"),
         "replica-method-backup: let its command be pgbackrest --stanza=demo --delta restore, and set keep_data: true "
         "and no_params: true beside it",
         with_replica_method(restore)},
        {with_replica_method(restore + ", no_master: false"),
         "replica-method-no-master: write no_leader, which Patroni 3.0 and later know",
         with_replica_method(restore + ", no_leader: false")},
        {with_replica_method(restore + ", no_leader: true"),
         "replica-method-leaderless: remove no_leader until the cluster is up: another node could restore past the "
         "target and become leader",
         with_replica_method(restore)},
    };
    CHECK(found(clean) == Strings{});
    for (const auto& hint : hints) {
        CAPTURE(hint.wrong);
        CHECK(found(hint.wrong) == Strings{hint.found});
        CAPTURE(hint.right);
        CHECK(found(hint.right) == Strings{});
    }
}

TEST_CASE("a hint about what Patroni cannot read leaves nothing to find when it is followed") {
    struct Hint {
        std::string before, wrong, said, right;
    };
    const std::string without = "take it out, or write it as an escape in double quotes";
    const std::vector<Hint> hints = {
        {"scope: demo\n", "scope: demo\t# one\n", "write spaces instead of it", "scope: demo # one\n"},
        {"scope: demo\n", "scope: !vault demo\n",
         "write the value itself, without a tag; if it begins with !, put it in quotes", "scope: demo\n"},
        {"scope: demo\n", "scope: demo\nname: !n1\n",
         "write the value itself, without a tag; if it begins with !, put it in quotes", "scope: demo\nname: '!n1'\n"},
        {"scope: demo\n", "scope: &a demo\nname: &a n1\n",
         "give each anchor its own name; if it is a value that begins with &, put it in quotes",
         "scope: &a demo\nname: &b n1\n"},
        {"scope: demo\n", "scope: demo\nname: =\n", "put the value in quotes", "scope: demo\nname: '='\n"},
        {"scope: demo\n", "scope: demo\nname: 'n\x01'\n", without, "scope: demo\nname: \"n\\x01\"\n"},
        {"scope: demo\n", "scope: demo # \xc2\x84\n", without, "scope: demo # \n"},
        {"scope: demo\n", "scope: demo # caf\xe9\n", "save the file in UTF-8", "scope: demo # caf\xc3\xa9\n"},
        {"bootstrap:\n", "---\nbootstrap:\n", "remove the line --- between them: Patroni reads a single document",
         "bootstrap:\n"},
        {"scope: demo\n", "x: &x demo\n<<: *x\nscope: demo\n",
         "let it name the anchor of a map, or a list of such anchors", "x: &x {y: demo}\n<<: *x\nscope: demo\n"},
    };
    for (const auto& hint : hints) {
        CAPTURE(hint.wrong);
        std::string said;
        try {
            found(with(hint.before, hint.wrong));
        } catch (const Failure& failure) {
            said = failure.problems().front().hint;
        }
        CHECK(said == hint.said);
        CHECK(found(with(hint.before, hint.right)) == Strings{});
    }
}
