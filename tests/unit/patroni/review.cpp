#include "patroni/review.hpp"

#include "support/catch.hpp"
#include "support/reviewed_node.hpp"
#include "system/file.hpp"

#include <filesystem>
#include <sys/stat.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

TEST_CASE("a clean configuration has no finding") {
    CHECK(ReviewedNode().found(clean) == Strings{});
}

TEST_CASE("each mistake in patroni.yml is found once, with its line") {
    struct Mistake {
        std::string before, after, found;
    };
    const std::vector<Mistake> mistakes = {
        {"  method: pgbackrest\n", "", "method-missing patroni.yml:2"},
        {"method: pgbackrest", "method: initdb", "method-missing patroni.yml:3"},
        {"  dcs:\n", "  dcs:\n    create_replica_methods: [basebackup]\n", "key-misplaced patroni.yml:8"},
        {"scope: demo\n", "scope: demo\nttl: 30\n", "key-misplaced patroni.yml:2"},
        {"  method: pgbackrest\n", "  parameters: {}\n  method: pgbackrest\n", "key-misplaced patroni.yml:3"},
        {"    postgresql:\n", "    postgresql:\n      loop_wait: 5\n", "key-misplaced patroni.yml:9"},
        {"  dcs:\n", "  dcs:\n    ttl: 20\n", "leader-loses-lock patroni.yml:8"},
        {"  dcs:\n", "  dcs:\n    loop_wait: 11\n", "leader-loses-lock "},
        {"  dcs:\n", "  dcs:\n    ttl: 30s\n", "dcs-ignored patroni.yml:8"},
        {"  dcs:\n", "  dcs:\n    loop_wait:\n", "dcs-ignored patroni.yml:8"},
        {"  dcs:\n", "  dcs:\n    maximum_lag_on_failover: 1MB\n", "dcs-value-ignored patroni.yml:8"},
        {"  dcs:\n", "  dcs:\n    maximum_lag_on_failover: -1\n", "leader-never-again patroni.yml:8"},
        {"        archive_mode: 'on'\n", "        archive_mode: 'on'\n        archive_library: basic_archive\n",
         "archive-library patroni.yml:11"},
        {"    stanza: demo\n", "    stanza: demo\n    nearest: yes\n    target: yes\n", "option-boolean patroni.yml:8"},
        {"postgresql:\n  recovery", "tags: {failover_priority: 0}\npostgresql:\n  recovery",
         "node-never-bootstraps patroni.yml:12"},
        {"  recovery_conf:\n", "  parameters: {recovery_min_apply_delay: 1h}\n  recovery_conf:\n",
         "standby-restore-command-missing patroni.yml:13"},
        {"method: pgbackrest", "method: pgbackrst", "method-block-missing patroni.yml:3"},
        {"    command: /usr/bin/patroni_pgbackrest bootstrap\n", "", "method-block-missing patroni.yml:3"},
        {"/usr/bin/patroni_pgbackrest bootstrap", "/opt/restore.sh", "method-other-program patroni.yml:5"},
        {"  method: pgbackrest\n", "  method: pgbackrest\n  recovery_conf: {restore_command: x}\n",
         "method-key-misplaced patroni.yml:4"},
        {"  method: pgbackrest\n", "  method: pgbackrest\n  no_params: true\n", "method-key-ignored patroni.yml:4"},
        {"  method: pgbackrest\n", "  method: other\n  method: pgbackrest\n", "method-key-twice patroni.yml:4"},
        {"    stanza: demo\n", "    stanza: other\n    stanza: demo\n", "method-key-twice patroni.yml:7"},
        {"  method: pgbackrest\n", "  users: {}\n  users: {}\n  method: pgbackrest\n", "key-twice patroni.yml:4"},
        {"        archive_mode: 'on'\n", "        archive_mode: 'off'\n        archive_mode: 'on'\n",
         "key-twice patroni.yml:11"},
        {"    stanza: demo\n",
         "    stanza: demo\n    recovery_conf: {recovery_command: x}\n  post_init: patroni_pgbackrest verify\n",
         "recovery-parameter-unknown patroni.yml:7"},
        {"  dcs:\n", "  dcs:\n    standby_cluster: {host: other}\n", "standby-cluster patroni.yml:8"},
        {"  dcs:\n", "  dcs:\n    pause: true\n", "dcs-paused patroni.yml:8"},
        {"postgresql:\n  recovery", "tags: {nofailover: true}\npostgresql:\n  recovery",
         "node-never-bootstraps patroni.yml:12"},
        {"postgresql:\n  recovery", "watchdog: {mode: required}\npostgresql:\n  recovery",
         "watchdog-missing patroni.yml:12"},
        {"    stanza: demo\n", "    stanza: demo\n    recovery_conf: {recovery_target_action: promote}\n",
         "target-not-proven patroni.yml:7"},
        {"    stanza: demo\n",
         "    stanza: demo\n    recovery_conf: {recovery_target_action: promote}\n  post_bootstrap: /bin/true\n",
         "target-not-proven patroni.yml:8"},
        {"replication: {username: replicator}", "replication: {password: x}", "role-without-name patroni.yml:16"},
        {"replication: {username: replicator}", "rewind: {username: r}", "role-without-name patroni.yml:15"},
        {"  recovery_conf:\n", "  parameters_replica: {work_mem: 1GB, Restore_command: x}\n  recovery_conf:\n",
         "role-parameter patroni.yml:13"},
        {"    postgresql:\n", "    postgresql:\n      parameters_primary: {archive_command: x}\n",
         "role-parameter patroni.yml:9"},
        {"archive_mode: 'on'", "archive_mode: 'off'", "archive-mode-off patroni.yml:10"},
        {"        archive_mode: 'on'\n", "", "archive-mode-off "},
        {"        archive_command: pgbackrest --stanza=demo archive-push %p\n", "",
         "archive-command-missing patroni.yml:10"},
        {"pgbackrest --stanza=demo archive-push %p", "cp %p /archive/%f", "archive-command-other patroni.yml:11"},
        {"--stanza=demo archive-push", "--stanza=prod archive-push", "archive-command-elsewhere patroni.yml:11"},
        {"    restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n",
         "    recovery_target_timeline: latest\n", "standby-restore-command-missing patroni.yml:13"},
        {"--stanza=demo archive-get", "--stanza=prod archive-get", "standby-restore-command-elsewhere patroni.yml:14"},
        {"  recovery_conf:\n", "  recovery_conf:\n    recovery_target_time: x\n",
         "standby-target-ignored patroni.yml:14"},
    };
    for (const auto& mistake : mistakes) {
        INFO(mistake.found);
        CHECK(ReviewedNode().found(with(clean, mistake.before, mistake.after)) == Strings{mistake.found});
    }
}

TEST_CASE("another member must bootstrap the same way") {
    struct Member {
        std::string before, after, found;
    };
    const std::vector<Member> members = {
        {"scope: demo", "scope: demo", ""},
        {"username: postgres", "username: other", ""},
        {"scope: demo", "scope: prod", "member-other-scope "},
        {"  method: pgbackrest\n", "", "member-other-method member.yml:2"},
        {"method: pgbackrest", "method: initdb", "member-other-method member.yml:3"},
        {"method: pgbackrest", "method: pgbackrst", "member-other-method member.yml:3"},
        {"stanza: demo\n", "stanza: demo\n    target: x\n", "member-other-block member.yml:7"},
        {"/usr/bin/patroni_pgbackrest bootstrap", "/opt/restore.sh", "member-other-block member.yml:5"},
        {"    stanza: demo\n", "", "member-other-block member.yml:4"},
    };
    const Files files;
    const ConfigurationSource source{files.write("patroni.yml", clean), {}};
    for (const auto& member : members) {
        const auto file = files.write("member.yml", with(clean, member.before, member.after));
        Strings found;
        for (const auto& finding : review_members(source, {file})) {
            found.push_back(finding.id + " " + finding.problem.place);
            CHECK(finding.problem.message.find(file) != std::string::npos);
        }
        CHECK(found == (member.found.empty() ? Strings{} : Strings{member.found}));
    }
}

TEST_CASE("a limit below that of the cluster that was backed up is found") {
    const Files files;
    DcsConfiguration dcs;
    const auto limits_with = [&](const std::string& parameters) {
        const auto text = with(clean, "        archive_mode: 'on'\n", "        archive_mode: 'on'\n" + parameters);
        return DynamicLimits(ConfigurationSource{files.write("patroni.yml", text), {}, dcs});
    };
    const auto found = [&](const std::string& parameters, const std::string& name, int needed) {
        Strings messages;
        for (const auto& finding : limits_with(parameters).review({{name, needed}})) {
            messages.push_back(finding.problem.place + " " + finding.problem.message);
        }
        return messages;
    };
    CHECK(found("", "max_connections", 100) == Strings{});
    CHECK(
        found("", "max_connections", 101) ==
        Strings{" max_connections is 100 in bootstrap.dcs, where it is not set, and the cluster that was backed up had "
                "101"});
    CHECK(DynamicLimits(ConfigurationSource()).how_to_raise("max_connections", 101) ==
          "set max_connections to 101 or more in bootstrap.dcs.postgresql.parameters");
    CHECK(found("        max_connections: 101\n", "max_connections", 101) == Strings{});
    CHECK(found("        max_connections: 200\n", "max_connections", 200) == Strings{});
    CHECK(found("        MAX_connections: '50'\n", "max_connections", 60) ==
          Strings{"patroni.yml:11 max_connections is 50 in bootstrap.dcs, and the cluster that was backed up had 60"});
    CHECK(found("        max_prepared_transactions: many\n", "max_prepared_transactions", 5) == Strings{});

    dcs = {R"({"loop_wait": 10, "postgresql": {"parameters": {"max_connections": 50}}})",
           "patronictl edit-config demo --force"};
    CHECK(
        found("        max_connections: 200\n", "max_connections", 60) ==
        Strings{"/config in the DCS, postgresql.parameters.max_connections max_connections is 50 in the configuration "
                "that the DCS holds, and the cluster that was backed up had 60"});
    CHECK(found("        max_wal_senders: 20\n", "max_wal_senders", 11).size() == 1);
    const auto limits = limits_with("        max_connections: 200\n");
    CHECK(limits.is_left());
    CHECK(limits.in_force("max_connections") == 50);
    CHECK(limits.in_force("max_replication_slots") == 10);  // Patroni's own
    CHECK(limits.how_to_raise("max_connections", 60) ==
          "set it to 60 or more with patronictl edit-config demo --force -p max_connections=60");
    CHECK_FALSE(DynamicLimits(ConfigurationSource()).in_force("max_connections"));
}

TEST_CASE("commit timestamps that PostgreSQL would erase at Patroni's start are told") {
    const Files files;
    DcsConfiguration dcs;
    const auto loss_with = [&](const std::string& parameters, bool kept = true) {
        const auto text = with(clean, "        archive_mode: 'on'\n", "        archive_mode: 'on'\n" + parameters);
        return DynamicLimits(ConfigurationSource{files.write("patroni.yml", text), {}, dcs})
            .loss_of_commit_timestamps(kept);
    };
    CHECK_FALSE(loss_with("", false));
    CHECK_FALSE(DynamicLimits(ConfigurationSource()).loss_of_commit_timestamps(true));
    for (const char* on : {"on", "'on'", "true", "Yes", "1"}) {
        CHECK_FALSE(loss_with(std::string("        track_commit_timestamp: ") + on + "\n"));
    }
    CHECK(loss_with("        track_commit_timestamp: off\n")->place == "patroni.yml:11");
    CHECK(loss_with("        track_commit_timestamp: perhaps\n"));
    const auto loss = loss_with("");
    REQUIRE(loss);
    CHECK(loss->message == "the cluster that was backed up keeps commit timestamps, and track_commit_timestamp is not "
                           "on in bootstrap.dcs: PostgreSQL erases all of them when Patroni starts it");
    CHECK(loss->hint.find("set track_commit_timestamp to on in bootstrap.dcs.postgresql.parameters,") !=
          std::string::npos);

    dcs = {R"({"postgresql": {"parameters": {"max_connections": 50}}})", "patronictl edit-config demo --force"};
    const auto left = loss_with("        track_commit_timestamp: on\n");
    REQUIRE(left);
    CHECK(left->message.find("in the configuration that the DCS holds") != std::string::npos);
    CHECK(left->hint.find("patronictl edit-config demo --force -p track_commit_timestamp=on,") != std::string::npos);
}

TEST_CASE("a recovery_conf that is misspelt is told what it may have meant") {
    const ReviewedNode node;
    const auto file =
        node.files.write("patroni.yml", with(clean, "    stanza: demo\n",
                                             "    stanza: demo\n    recovery_conf: {recovery_target_incusive: x}\n"
                                             "  post_bootstrap: patroni_pgbackrest verify\n"));
    ::chmod(file.c_str(), 0600);
    const auto findings = review({file, {}}, node.intent);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].problem.hint == "did you mean 'recovery_target_inclusive'?");
}

TEST_CASE("each mistake in a replica method is found") {
    const auto method = [](const std::string& keys) {
        return clean + "  create_replica_methods: [backup, basebackup]\n  backup: {" + keys + "}\n";
    };
    ReviewedNode node;
    const std::string sound = "command: pgbackrest --stanza=demo --delta restore, keep_data: true, no_params: true";
    CHECK(node.found(method(sound)) == Strings{});
    CHECK(node.found(method("command: /opt/replica.sh, whatever: 1")) == Strings{});
    for (const auto* option :
         {"type: standby", "recovery-option: recovery_target_timeline=latest", "tablespace-map: a=/b", "link-map: a=/b",
          "db-include: a", "log-level-stderr: 'off'", "lock-path: /x", "repo1-path: /x", "pg1-path: /x", "delta: y",
          "link-all: 'n'", "repo1-s3-bucket: a", "process-max: 4"}) {
        CAPTURE(option);
        CHECK(node.found(method(sound + ", " + option)) == Strings{});
    }
    for (const auto* option : {"process_max: 4", "delta: true", "link-all: off", "delta:", "delta: '1'",
                               "start-fast: y", "repo1-s3-key: a", "repo1-retention-full: 2", "pg1-port: 5432"}) {
        CAPTURE(option);
        CHECK(node.found(method(sound + ", " + option)) == Strings{"replica-method-rejected patroni.yml:18"});
    }
    CHECK(node.found(method(sound + ", keep_existing_recovery_conf: true")) ==
          Strings{"replica-method-rejected patroni.yml:18"});
    CHECK(node.found(method("command: pgbackrest --stanza=demo restore")) ==
          Strings{"replica-method-rejected patroni.yml:18"});
    CHECK(node.found(method("command: pgbackrest restore --type=time --target=x, no_params: true")) ==
          Strings{"replica-method-target patroni.yml:18"});
    CHECK(node.found(method("command: pgbackrest --stanza=demo backup")) ==
          Strings{"replica-method-backup patroni.yml:18"});
    CHECK(node.found(clean + "  create_replica_methods: basebackup\n") ==
          Strings{"replica-method-list patroni.yml:17"});
    CHECK(node.found(method(sound + ", no_master: true")) == Strings{"replica-method-no-master patroni.yml:18"});
    CHECK(node.found(method(sound + ", no_leader: true")) == Strings{});
    node.intent.has_target = true;
    CHECK(node.found(method(sound + ", no_leader: true")) == Strings{"replica-method-leaderless patroni.yml:18"});
}

TEST_CASE("a unit of Patroni without resume is found, with it or in a drop-in it is not") {
    const ReviewedNode node;
    node.files.write("lib/systemd/system/patroni.service", "[Service]\nExecStart=/usr/bin/patroni\n");
    CHECK(node.found(clean) == Strings{});  // in a container
    std::filesystem::create_directories(node.files.path("run/systemd/system"));
    CHECK(node.found(clean) ==
          Strings{"resume-missing " + node.files.path("lib/systemd/system/patroni.service").string()});
    const auto project = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
    node.files.write("etc/systemd/system/patroni.service.d/patroni_pgbackrest.conf",
                     system::read_file(project / "examples" / "patroni.service.d.conf"));
    CHECK(node.found(clean) == Strings{});
}

TEST_CASE("the unit is the template's instance for one of Debian's files, and patroni.service else") {
    CHECK(units_of(std::nullopt) == Strings{"patroni.service"});
    CHECK(units_of("/etc/patroni/config.yml") == Strings{"patroni.service"});
    CHECK(units_of("/etc/patroni/patroni.yml") == Strings{"patroni.service"});
    CHECK(units_of("/srv/15-demo.yml") == Strings{"patroni.service"});
    CHECK(units_of("/etc/patroni/15-demo.yml") == Strings{"patroni@15-demo.service", "patroni@.service"});
}

TEST_CASE("a tag that says itself whether the node may lead counts more than its priority") {
    const ReviewedNode node;
    CHECK(node.found(clean + "tags: {nofailover: false, failover_priority: 0}\n") == Strings{});
    CHECK(node.found(clean + "tags: {failover_priority: 1}\n") == Strings{});
    CHECK(node.found(clean + "tags: {failover_priority: -1}\n").size() == 1);
}

namespace {

/// `id place: message | hint` of all that is found in a file of the field.
Strings found_in(const std::string& name, const std::string& stanza = "demo") {
    const Files files;
    Intent intent;
    intent.stanza = stanza;
    intent.root = files.path();
    const auto text = system::read_file(std::filesystem::path(__FILE__).parent_path() / "cases" / (name + ".yml"));
    const auto file = files.write("patroni.yml", text);
    ::chmod(file.c_str(), 0600);
    Strings result;
    for (const auto& finding : all({file, {{"PATRONI_REPLICATION_USERNAME", "replicator"}}}, intent)) {
        const auto& problem = finding.problem;
        result.push_back(finding.id + " " + problem.place + ": " + problem.message + " | " + problem.hint);
    }
    return result;
}

const std::string no_archive =
    "archive-mode-off : archive_mode is not set by Patroni: unless the backup's own configuration sets it, nothing "
    "that "
    "the restored cluster writes can be restored again | set archive_mode: 'on' in bootstrap.dcs.postgresql.parameters";
const std::string no_restore_command =
    ": postgresql.recovery_conf.restore_command is not set: a standby that lags behind cannot fetch WAL from the "
    "archive | set it to: pgbackrest --stanza=demo archive-get %f \"%p\"";

}  // namespace

TEST_CASE("what is wrong in files of the field, to the byte") {
    CHECK(found_in("F1-method-initdb") ==
          Strings{"method-missing patroni.yml:4: bootstrap.method is initdb: Patroni would make an empty cluster | run "
                  "patroni_pgbackrest configure, or set bootstrap.method and its block",
                  no_archive, "standby-restore-command-missing " + no_restore_command});
    CHECK(found_in("F2-foreign-method") ==
          Strings{"method-other-program patroni.yml:6: bootstrap.walg.command does not call patroni_pgbackrest "
                  "bootstrap | let it run patroni_pgbackrest bootstrap; ignore this if it is a script that does"});
    CHECK(found_in("F3-quoted-value-in-command").empty());
    CHECK(found_in("F4-archive-library").at(1) ==
          "archive-library patroni.yml:8: archive_library is basic_archive: WAL does not go through archive_command | "
          "take it out, and set archive_command: pgbackrest --stanza=demo archive-push %p");
    CHECK(found_in("F5-patroni-mode-hint") ==
          Strings{"target-not-proven patroni.yml:8: Patroni replays (recovery_conf), and no post_bootstrap runs "
                  "patroni_pgbackrest verify: nothing proves that the target was reached | set "
                  "bootstrap.post_bootstrap: patroni_pgbackrest verify",
                  no_archive,
                  "standby-restore-command-missing : postgresql.recovery_conf.restore_command is not set: a standby "
                  "that lags behind cannot fetch WAL from the archive | set it to: patroni_pgbackrest archive-get "
                  "--stanza=demo %f \"%p\""});
    CHECK(found_in("F6-empty-stanza-hint").back() == "standby-restore-command-missing " + no_restore_command);
    CHECK(found_in("F6-empty-stanza-hint", "")
              .back()
              .ends_with("set it to: pgbackrest --stanza=NAME archive-get %f \"%p\""));
    CHECK(found_in("M2a-option-without-value").back() ==
          "option-without-value patroni.yml:9: bootstrap.pgbackrest.target has no value: Patroni 3.2 and later pass it "
          "on as the word None | give it a value, or remove it");
    CHECK(found_in("M2b-boolean-as-text").back() ==
          "option-boolean patroni.yml:10: YAML takes yes for true or false in bootstrap.pgbackrest.target, and Patroni "
          "passes it on in another form | put it in quotes: 'yes'");
    CHECK(found_in("M3-failover-priority-0").back() ==
          "node-never-bootstraps patroni.yml:11: tags.failover_priority is 0: Patroni never calls the bootstrap method "
          "on this node | remove it on the node to be restored");
    const auto m4 = found_in("M4-replica-method-visibly-wrong");
    CHECK(m4.front() == "key-misplaced patroni.yml:9: create_replica_methods is in bootstrap.dcs itself, where Patroni "
                        "ignores it | move it into bootstrap.dcs.postgresql");
    CHECK(m4.back() == "replica-method-backup patroni.yml:13: replica method pgbackrest makes a backup instead of "
                       "restoring one | let its command be pgbackrest --stanza=demo --delta restore, and set "
                       "keep_data: true and no_params: true beside it");
    CHECK(found_in("U1-line-of-the-edited-text").back() ==
          "replica-method-list patroni.yml:7: postgresql.create_replica_methods is no list: Patroni takes each letter "
          "for a method | write it in brackets: [basebackup]");
    CHECK(
        found_in("W1-dcs-recovery-conf-shadowed").back() ==
        "standby-restore-command-missing patroni.yml:6: bootstrap.dcs.postgresql.recovery_conf.restore_command is not "
        "set: a standby that lags behind cannot fetch WAL from the archive | set it to: pgbackrest --stanza=demo "
        "archive-get %f \"%p\"");
    CHECK(found_in("W2-restore-command-in-parameters").back() ==
          "standby-restore-command-elsewhere patroni.yml:9: bootstrap.dcs.postgresql.parameters.restore_command uses "
          "stanza other, and the restore reads stanza demo | make it read the archive that the cluster writes");
    CHECK(found_in("W3-wrapper-dropped") ==
          Strings{no_archive, "standby-restore-command-missing " + no_restore_command});
    CHECK(found_in("W8-script-overwritten") == Strings{no_archive});
}

TEST_CASE("a hint that is followed leaves nothing to find") {
    // What the hint says behind `word` stands in `followed` in place of @.
    struct Hint {
        std::string before, after, word, followed;
    };
    const std::string parameters =
        "        archive_mode: 'on'\n        archive_command: pgbackrest --stanza=demo archive-push %p\n";
    const std::string archive_get = "    restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n";
    const std::vector<Hint> hints = {
        {parameters, "", "set ", "        @\n        archive_command: pgbackrest --stanza=demo archive-push %p\n"},
        {parameters, "        archive_mode: 'on'\n", "set ", "        archive_mode: 'on'\n        @\n"},
        {parameters, "        archive_mode: 'on'\n        archive_library: x\n", "and set ",
         "        archive_mode: 'on'\n        @\n"},
        {archive_get, "    recovery_target_timeline: latest\n", "set it to: ", "    restore_command: @\n"},
        {"  dcs:\n", "  dcs:\n    ttl: 20\n", "set ttl to ", "  dcs:\n    ttl: @\n"},
        {"    stanza: demo\n", "    stanza: demo\n    target: yes\n", "quotes: ", "    stanza: demo\n    target: @\n"},
        {"  recovery_conf:\n", "  create_replica_methods: basebackup\n  recovery_conf:\n",
         "brackets: ", "  create_replica_methods: @\n  recovery_conf:\n"},
        {"    stanza: demo\n",
         "    stanza: demo\n    recovery_conf: {recovery_comand: x}\n  post_init: patroni_pgbackrest verify\n",
         "did you mean '", "    stanza: demo\n    recovery_conf:\n      @ x\n  post_init: patroni_pgbackrest verify\n"},
        {"    stanza: demo\n", "    stanza: demo\n    recovery_conf: {recovery_target_action: promote}\n",
         "set bootstrap.", "    stanza: demo\n    recovery_conf: {recovery_target_action: promote}\n  @\n"},
    };
    for (const auto& hint : hints) {
        const ReviewedNode node;
        const auto file = node.files.write("patroni.yml", with(clean, hint.before, hint.after));
        ::chmod(file.c_str(), 0600);
        const auto findings = all({file, {}}, node.intent);
        REQUIRE(findings.size() == 1);
        auto said = findings[0].problem.hint;
        CAPTURE(said);
        REQUIRE(said.find(hint.word) != std::string::npos);
        said = said.substr(said.find(hint.word) + hint.word.size());
        said = said.substr(0, said.find(" or more"));
        said = said.substr(0, said.find(" in bootstrap.dcs"));
        if (said.ends_with("'?")) {
            said.replace(said.size() - 2, 2, ":");
        }
        CHECK(node.found(with(clean, hint.before, with(hint.followed, "@", said))) == Strings{});
    }
}

TEST_CASE("what Patroni cannot read is said with its line, and without its text") {
    const auto refusal = [](const std::string& name) { return problems_of([&] { found_in(name); }); };
    CHECK(refusal("M1a-tab-before-comment") ==
          Strings{"patroni.yml:4: Patroni cannot read the file: there is a tab between values"});
    CHECK(refusal("M1b-tab-on-empty-line") ==
          Strings{"patroni.yml:5: Patroni cannot read the file: there is a tab between values"});
    CHECK(refusal("M1e-unknown-tag") ==
          Strings{"patroni.yml:7: Patroni cannot read the file: it does not know a tag there"});
}

TEST_CASE("a watchdog that can be written is none") {
    const ReviewedNode node;
    node.files.write("dev/watchdog", "");
    CHECK(node.found(clean + "watchdog: {mode: required}\n") == Strings{});
    CHECK(node.found(clean + "watchdog: {mode: automatic, device: /dev/none}\n") == Strings{});
}
