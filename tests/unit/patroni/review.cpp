#include "patroni/review.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

#include <filesystem>
#include <sys/stat.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

const std::string clean = "scope: demo\n"
                          "bootstrap:\n"
                          "  method: pgbackrest\n"
                          "  pgbackrest:\n"
                          "    command: /usr/bin/patroni_pgbackrest bootstrap\n"
                          "    stanza: demo\n"
                          "  dcs:\n"
                          "    postgresql:\n"
                          "      parameters:\n"
                          "        archive_mode: 'on'\n"
                          "        archive_command: pgbackrest --stanza=demo archive-push %p\n"
                          "postgresql:\n"
                          "  recovery_conf:\n"
                          "    restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n"
                          "  authentication:\n"
                          "    superuser: {username: postgres, password: x}\n";

struct Node {
    Files files;
    Intent intent;

    Node() {
        intent.stanza = "demo";
        intent.root = files.path();
    }
    /// `id place` of every finding.
    Strings found(const std::string& text) const {
        const auto file = files.write("patroni.yml", text);
        ::chmod(file.c_str(), 0600);
        Strings result;
        for (const auto& finding : review({file, {}}, intent)) {
            result.push_back(finding.id + " " + finding.problem.place);
            CHECK_FALSE(finding.problem.hint.empty());
        }
        return result;
    }
};

std::string with(const std::string& text, const std::string& before, const std::string& after) {
    auto changed = text;
    REQUIRE(changed.find(before) != std::string::npos);
    return changed.replace(changed.find(before), before.size(), after);
}

}  // namespace

TEST_CASE("a clean configuration has no finding") {
    CHECK(Node().found(clean) == Strings{});
}

TEST_CASE("each mistake in patroni.yml is found once, with its line") {
    struct Mistake {
        std::string before, after, found;
    };
    const std::vector<Mistake> mistakes = {
        {"  method: pgbackrest\n", "", "method-missing patroni.yml:2"},
        {"method: pgbackrest", "method: initdb", "method-missing patroni.yml:3"},
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
        {"    stanza: demo\n", "    stanza: demo\n    recovery_conf: {recovery_command: x}\n",
         "recovery-parameter-unknown patroni.yml:7"},
        {"  dcs:\n", "  dcs:\n    standby_cluster: {host: other}\n", "standby-cluster patroni.yml:8"},
        {"  dcs:\n", "  dcs:\n    pause: true\n", "dcs-paused patroni.yml:8"},
        {"postgresql:\n  recovery", "tags: {nofailover: true}\npostgresql:\n  recovery",
         "node-never-bootstraps patroni.yml:12"},
        {"postgresql:\n  recovery", "watchdog: {mode: required}\npostgresql:\n  recovery",
         "watchdog-missing patroni.yml:12"},
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
        CHECK(Node().found(with(clean, mistake.before, mistake.after)) == Strings{mistake.found});
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
    std::string left;
    const auto found = [&](const std::string& parameters, const std::string& name, int needed) {
        const auto text = with(clean, "        archive_mode: 'on'\n", "        archive_mode: 'on'\n" + parameters);
        Strings messages;
        for (const auto& finding :
             DynamicLimits({files.write("patroni.yml", text), {}}, "demo", left).review({{name, needed}})) {
            messages.push_back(finding.problem.place + " " + finding.problem.message);
        }
        return messages;
    };
    CHECK(found("", "max_connections", 100) == Strings{});
    CHECK(
        found("", "max_connections", 101) ==
        Strings{" max_connections is 100 in bootstrap.dcs, where it is not set, and the cluster that was backed up had "
                "101"});
    CHECK(found("        max_connections: 200\n", "max_connections", 200) == Strings{});
    CHECK(found("        MAX_connections: '50'\n", "max_connections", 60) ==
          Strings{"patroni.yml:11 max_connections is 50 in bootstrap.dcs, and the cluster that was backed up had 60"});
    CHECK(found("        max_prepared_transactions: many\n", "max_prepared_transactions", 5) == Strings{});

    left = R"({"loop_wait": 10, "postgresql": {"parameters": {"max_connections": 50}}})";
    CHECK(found("        max_connections: 200\n", "max_connections", 60) ==
          Strings{" max_connections is 50 in the configuration of scope demo that the DCS holds, and the cluster that "
                  "was backed up had 60"});
    CHECK(found("        max_wal_senders: 20\n", "max_wal_senders", 11).size() == 1);
    const DynamicLimits limits({}, "demo", left);
    CHECK(limits.in_force("max_connections") == 50);
    CHECK(limits.how_to_raise("max_connections", 60) ==
          "set it to 60 or more with patronictl edit-config demo -p max_connections=60");
    CHECK_FALSE(DynamicLimits({}, "demo").in_force("max_connections"));
}

TEST_CASE("a recovery_conf that is misspelt is told what it may have meant") {
    const Node node;
    const auto file =
        node.files.write("patroni.yml", with(clean, "    stanza: demo\n",
                                             "    stanza: demo\n    recovery_conf: {recovery_target_incusive: x}\n"));
    ::chmod(file.c_str(), 0600);
    const auto findings = review({file, {}}, node.intent);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].problem.hint == "did you mean 'recovery_target_inclusive'?");
}

TEST_CASE("each mistake in a replica method is found") {
    const auto method = [](const std::string& keys) {
        return clean + "  create_replica_methods: [backup, basebackup]\n  backup: {" + keys + "}\n";
    };
    Node node;
    const std::string sound = "command: pgbackrest --stanza=demo --delta restore, keep_data: true, no_params: true";
    CHECK(node.found(method(sound)) == Strings{});
    CHECK(node.found(method("command: /opt/replica.sh, whatever: 1")) == Strings{});
    CHECK(node.found(method(sound + ", keep_existing_recovery_conf: true")) ==
          Strings{"replica-method-rejected patroni.yml:18"});
    CHECK(node.found(method("command: pgbackrest --stanza=demo restore")) ==
          Strings{"replica-method-rejected patroni.yml:18"});
    CHECK(node.found(method("command: pgbackrest restore --type=time --target=x, no_params: true")) ==
          Strings{"replica-method-target patroni.yml:18"});
    CHECK(node.found(method(sound + ", no_master: true")) == Strings{"replica-method-no-master patroni.yml:18"});
    CHECK(node.found(method(sound + ", no_leader: true")) == Strings{});
    node.intent.has_target = true;
    CHECK(node.found(method(sound + ", no_leader: true")) == Strings{"replica-method-leaderless patroni.yml:18"});
}

TEST_CASE("passwords that everybody can read are found, and a file without any is nobody's business") {
    const Node node;
    const auto file = node.files.write("patroni.yml", clean);
    ::chmod(file.c_str(), 0644);
    const auto findings = review({file, {}}, node.intent);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].id == "passwords-readable");
    CHECK(findings[0].problem.message.find("x}") == std::string::npos);
    node.files.write("patroni.yml", with(clean, ", password: x", ""));
    CHECK(review({file, {}}, node.intent).empty());
}

TEST_CASE("a unit of Patroni without resume is found, with it or in a drop-in it is not") {
    const Node node;
    node.files.write("lib/systemd/system/patroni.service", "[Service]\nExecStart=/usr/bin/patroni\n");
    CHECK(node.found(clean) == Strings{});  // in a container
    std::filesystem::create_directories(node.files.path("run/systemd/system"));
    CHECK(node.found(clean) ==
          Strings{"resume-missing " + node.files.path("lib/systemd/system/patroni.service").string()});
    node.files.write("etc/systemd/system/patroni.service.d/x.conf",
                     "[Service]\nExecStartPre=/usr/bin/patroni_pgbackrest resume --patroni-config=/etc/p.yml\n");
    CHECK(node.found(clean) == Strings{});
}

TEST_CASE("the unit is the template's instance for one of Debian's files, and patroni.service else") {
    CHECK(units_of(std::nullopt) == Strings{"patroni.service"});
    CHECK(units_of("/etc/patroni/config.yml") == Strings{"patroni.service"});
    CHECK(units_of("/etc/patroni/patroni.yml") == Strings{"patroni.service"});
    CHECK(units_of("/srv/15-demo.yml") == Strings{"patroni.service"});
    CHECK(units_of("/etc/patroni/15-demo.yml") == Strings{"patroni@15-demo.service", "patroni@.service"});
}

TEST_CASE("a watchdog that can be written is none") {
    const Node node;
    node.files.write("dev/watchdog", "");
    CHECK(node.found(clean + "watchdog: {mode: required}\n") == Strings{});
    CHECK(node.found(clean + "watchdog: {mode: automatic, device: /dev/none}\n") == Strings{});
}
