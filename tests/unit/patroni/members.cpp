#include "patroni/members.hpp"

#include "patroni/configuration_files.hpp"
#include "patroni/roles.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/programs.hpp"

#include <chrono>
#include <filesystem>
#include <sys/stat.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

ConfigurationSource source_of(const Programs& programs, const std::string& patroni_yml = "scope: demo\n") {
    ConfigurationSource source;
    source.path = programs.directory().write("patroni.yml", patroni_yml);
    return source;
}

ScopeState ask(const Programs& programs, const std::string& patroni_yml = "scope: demo\n") {
    return read_scope(source_of(programs, patroni_yml), "demo");
}

constexpr auto leader_n2 = R"([{"Member": "n2", "Role": "Leader", "State": "running", "TL": 3}])";
/// That no earlier leader has left anything.
const std::string nothing_left =
    R"({"last_lsn": 0, "sync": [], "failsafe": [], "failover": false, "renewed": "", "leader": "", "ended": []})"
    "\n";
const std::string key_of_77 = "initialized\n{\"loop_wait\": 10}\n" + nothing_left + "77\n";

}  // namespace

TEST_CASE("patronictl's Python answers with the members and the key") {
    const Files files;
    const Programs programs(files);
    const auto python = programs.write("python-own", std::string(leader_n2) + "\n" + key_of_77);
    programs.executable("patronictl", "#!" + python + "\n");
    const auto state = ask(programs);
    CHECK(state.leadership.leader == "n2");
    CHECK(state.leadership.timeline == 3);
    CHECK(state.members == Strings{"n2"});
    CHECK(state.initialize == InitializeKey::initialized);
    CHECK(state.system_identifier == "77");
    CHECK(state.loop_wait == 10);
}

TEST_CASE("half an answer leaves what it does not tell unknown") {
    const Files files;
    const Programs programs(files);
    programs.executable("patronictl", "#!" + files.path("bin/python-own").string() + "\n");
    const std::string list = leader_n2;
    const std::string beginning = "\ninitialized\n{\"loop_wait\": 10}\n";
    for (const auto& rest : {std::string(), std::string("\n"), std::string("\ninitialized\n"), beginning,
                             beginning + nothing_left, beginning + nothing_left + "77"}) {
        CAPTURE(rest);
        programs.write("python-own", list + rest);
        const auto state = ask(programs);
        CHECK(state.leadership.leader == "n2");
        CHECK(state.initialize == InitializeKey::unknown);
        CHECK(state.system_identifier.empty());
    }
    programs.write("python-own", list.substr(0, 40) + "\n" + key_of_77);
    CHECK(ask(programs).leadership.why_unknown == "patronictl list printed something that is not a list of members");
    programs.write("python-own", list + "\n" + key_of_77, 1);
    const auto failed = ask(programs);
    CHECK(failed.leadership.why_unknown == "patronictl list exited with code 1");
    CHECK(failed.initialize == InitializeKey::unknown);
    CHECK(failed.members.empty());
}

TEST_CASE("patronictl is asked about Patroni's own DCS, whatever its variables name") {
    const Files files;
    const Programs programs(files);
    files.write("answer", std::string(leader_n2) + "\n" + key_of_77);
    programs.patronictl("#!/bin/sh\necho asks the DCS >&2\n"
                        "test -z \"${DCS+set}${DCS_URL+set}${PATRONICTL_CONFIG_FILE+set}\" && exec /bin/cat " +
                        files.path("answer").string() + "\n");
    const Variable of_two("DCS", "etcd://elsewhere:2379");
    const Variable of_three("DCS_URL", "etcd3://elsewhere:2379");
    const Variable file("PATRONICTL_CONFIG_FILE", "/etc/elsewhere.yml");
    CHECK(ask(programs).leadership.leader == "n2");
}

TEST_CASE("that a DCS is away is known although patronictl waits for it") {
    const Files files;
    const Programs programs(files);
    const auto away = "scope: demo\netcd3: {hosts: '127.0.0.1:1'}\n";
    CHECK(ask(programs, away).leadership.why_unknown == "patronictl was not found");
    programs.executable("patronictl", "#!" + files.path("bin/python-own").string() + "\n");
    programs.executable("python-own", "#!/bin/sh\nexec /bin/sleep 60\n");
    const auto begin = std::chrono::steady_clock::now();
    const auto state = ask(programs, away);
    CHECK(state.leadership.why_unknown == "nothing answers at 127.0.0.1:1");
    CHECK(state.initialize == InitializeKey::unknown);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(15));
    programs.write("python-own", "", 1);
    CHECK(ask(programs, away).leadership.why_unknown == "nothing answers at 127.0.0.1:1");
}

TEST_CASE("patronictl that hears nothing is not waited for, and its answer counts when it comes") {
    const Files files;
    const Programs programs(files);
    files.write("answer", std::string(leader_n2) + "\n" + key_of_77);
    const auto go = files.path("go").string();
    programs.patronictl("#!/bin/sh\necho a warning >&2\necho asks the DCS >&2\nuntil [ -e " + go +
                        " ]; do /bin/sleep 0.1; done\n/bin/cat " + files.path("answer").string() + "\n");
    ScopeQuery query(source_of(programs), "demo");
    CHECK_FALSE(query.comes_in_time());
    CHECK_FALSE(query.has_come());
    CHECK_FALSE(query.is_silent());  // its servers are not known
    files.write("go", "");
    while (!query.has_come()) {
    }
    CHECK(query.comes_in_time());
    const auto state = query.answer();
    CHECK(state.leadership.leader == "n2");
    CHECK(state.system_identifier == "77");
}

TEST_CASE("patronictl may take its time to start, and a wrapper does not tell when it has") {
    const Files files;
    const Programs programs(files);
    files.write("answer", std::string(leader_n2) + "\n" + key_of_77);
    programs.patronictl("#!/bin/sh\n/bin/sleep 2.5\necho asks the DCS >&2\n/bin/cat " + files.path("answer").string() +
                        "\n");
    ScopeQuery slow(source_of(programs), "demo");
    CHECK(slow.comes_in_time());
    CHECK(slow.answer().leadership.leader == "n2");
    programs.executable("patronictl", "#!/bin/sh\nexec /bin/sleep 60\n");
    ScopeQuery wrapped(source_of(programs), "demo");
    CHECK_FALSE(wrapped.comes_in_time());
}

TEST_CASE("a wrapper is asked for the list itself, and python3 for the key") {
    const Files files;
    const Programs programs(files);
    programs.write("patronictl", R"([{"Member": "n3", "Role": "Leader"}])");
    programs.write("python3", std::string(leader_n2) + "\n" + key_of_77);
    const auto state = ask(programs);
    CHECK(state.leadership.leader == "n3");
    CHECK(state.members == Strings{"n3"});
    CHECK(state.system_identifier == "77");
    programs.write("python3", "", 1);
    CHECK(ask(programs).leadership.leader == "n3");
    CHECK(ask(programs).initialize == InitializeKey::unknown);
    programs.write("patronictl", "", 1);
    programs.write("python3", std::string(leader_n2) + "\n" + key_of_77);
    CHECK(ask(programs).leadership.why_unknown == "patronictl list exited with code 1");
}

TEST_CASE("the key is that of the Citus group, and of the cluster where Patroni knows no groups") {
    const Files files;
    const Programs programs(files);
    // As in Patroni's image: the package is beside the script to which the link leads.
    ::chmod(files.write("opt/patronictl.py", "#!/usr/bin/python3\n").c_str(), 0755);
    std::filesystem::create_directory(files.path("bin"));
    std::filesystem::create_symlink("../opt/patronictl.py", files.path("bin/patronictl"));
    files.write("opt/patroni/__init__.py", "");
    files.write("opt/patroni/ctl.py", R"(
import yaml
from patroni.dcs import main

def output_members(configuration, cluster, name):
    print('[{"Member": "%s", "Role": "Replica"}]' % configuration['name'])

def get_dcs(scope):
    return main

def ctl(words):
    with open(words[1]) as file:
        output_members(yaml.safe_load(file), get_dcs(words[-1]), words[-1])
)");
    const std::string cluster = R"(
class Cluster:
    config = None

    def __init__(self, initialize, **more):
        self.initialize = initialize
        self.__dict__.update(more)

    def __len__(self):  # an empty one is false in Patroni 3.1 and later
        return 0

)";
    const auto key = [&](const std::string& more) {
        return ask(programs, "scope: demo\nname: n1\n" + more).initialize;
    };
    files.write("opt/patroni/dcs.py", cluster + "main = Cluster('77', workers={1: Cluster(''), 2: Cluster(None)})\n");
    CHECK(key("") == InitializeKey::initialized);
    CHECK(key("citus: {group: 0, database: app}\n") == InitializeKey::initialized);
    CHECK(key("citus: {group: 1, database: app}\n") == InitializeKey::empty);
    CHECK(key("citus: {group: 2, database: app}\n") == InitializeKey::absent);
    CHECK(key("citus: {group: 3, database: app}\n") == InitializeKey::absent);
    CHECK(key("citus: {group: 3}\n") == InitializeKey::initialized);
    CHECK(ask(programs, "scope: demo\nname: n1\n").members == Strings{"n1"});
    files.write("opt/patroni/dcs.py", cluster + "main = Cluster('')  # as Patroni 2 has it\n");
    CHECK(key("citus: {group: 1, database: app}\n") == InitializeKey::empty);
    const auto left = [&](const std::string& more) {
        files.write("opt/patroni/dcs.py", cluster + R"(
class Part:
    def __init__(self, **more):
        self.__dict__.update(more)

)" + "main = Cluster(None, " + more + ")\n");
        return ask(programs, "scope: demo\nname: n1\n").remainders;
    };
    CHECK(left("last_leader_operation=7, sync=Part(leader=None, members=[])") == Remainders{7, {}, {}, false});
    CHECK(left("last_lsn=8, sync=Part(leader='n1', members=['n2']), failsafe={'n1': 'http', 'n2': 'http'}") ==
          Remainders{8, {"n1", "n2"}, {"n1", "n2"}, false});
    CHECK(left("status=Part(last_lsn=9), sync=None, failsafe=None, failover=Part(candidate='n2')") ==
          Remainders{9, {}, {}, true});
    CHECK(left("_leader_observed_record={'renewTime': '12:00'}") == Remainders{0, {}, {}, false, "12:00"});
    CHECK(left("_leader_observed_record={}") == Remainders{});
    CHECK(left("leader=Part(name='n1')") == Remainders{0, {}, {}, false, "", "n1"});
    CHECK(left("leader=Part(name='')") == Remainders{});
    CHECK(left("_pods={'n1': Part(status=Part(phase='Running')), 'n2': Part(status=Part(phase='Failed')), "
               "'n3': Part(status=None), 'n4': Part(status=Part(phase='Succeeded'))}") ==
          Remainders{0, {}, {}, false, "", "", {"n2", "n4"}});
}

TEST_CASE("the leader is read from patronictl's JSON") {
    CHECK(leader_in(R"([{"Member": "n1", "Role": "Replica"}, {"Member": "n2", "Role": "Leader"}])").leader == "n2");
    CHECK(leader_in(R"([{"Member": "n1", "Role": "Standby Leader"}])").leader == "n1");
    CHECK_FALSE(leader_in(R"([{"Member": "n1", "Role": "Replica"}])").leader);
    CHECK(leader_in(R"([{"Member": "n2", "Role": "Leader", "TL": 3}])").timeline == 3);
    CHECK(leader_in(R"([{"Member": "n2", "Role": "Leader", "TL": ""}])").timeline == 0);
    CHECK(leader_in(R"([{"Member": "n2", "Role": "Leader", "TL": 4294967299}])").timeline == 0);
    CHECK(leader_in(R"([{"Member": "n2", "Role": "Leader", "TL": 1.76e58}])").timeline == 0);
}

TEST_CASE("of a Citus cluster only the own group counts") {
    const auto list =
        R"([{"Cluster": "demo", "Group": 0, "Member": "c1", "Role": "Leader", "State": "running", "TL": 3},
                          {"Cluster": "demo", "Group": 0, "Member": "c2", "Role": "Replica", "State": "starting"},
                          {"Cluster": "demo", "Group": 1, "Member": "w1", "Role": "Replica", "State": "starting"}])";
    CHECK_FALSE(leader_in(list, 1).leader);
    CHECK(leader_in(list, 1).why_unknown.empty());
    CHECK(members_in(list, 1) == std::vector<std::string>{"w1"});
    CHECK(bootstrapping_in(list, InitializeKey::empty, 1) == std::vector<std::string>{"w1"});
    CHECK(leader_in(list, 0).leader == "c1");
    CHECK(leader_in(list, 0).timeline == 3);
    CHECK(members_in(list, 2).empty());
    // Patroni 2 knows no groups.
    CHECK(leader_in(R"([{"Member": "n2", "Role": "Leader"}])", 1).leader == "n2");
    CHECK(leader_in(R"([{"Group": 1, "Member": "w1", "Role": "Replica"}, {"Group": 0, "Member": "c1"}])", 1)
              .why_unknown == "patronictl list printed something that is not a list of members");
}

TEST_CASE("the Citus group is that of patroni.yml, with the environment over it") {
    const Files files;
    ConfigurationSource source;
    source.path = files.write("patroni.yml", "scope: demo\ncitus:\n  group: 1\n  database: app\n");
    CHECK(citus_group(*load_tree(source)) == 1);
    source.environment = {{"PATRONI_CITUS_GROUP", "2"}};
    CHECK(citus_group(*load_tree(source)) == 2);
    source.path = files.write("patroni.yml", "scope: demo\n");
    CHECK_FALSE(citus_group(*load_tree(source)));  // without a database there is no Citus
    source.environment["PATRONI_CITUS_DATABASE"] = "app";
    CHECK(citus_group(*load_tree(source)) == 2);
    source.environment.clear();
    CHECK_FALSE(citus_group(*load_tree(source)));
    CHECK_FALSE(citus_group(yaml::Node{}));
    for (const char* ignored : {"{group: '1', database: app}", "{group: one, database: app}", "{group: 1, database: 5}",
                                "{group: 1, database: yes}", "{group: 1, database: }"}) {
        CAPTURE(ignored);
        source.path = files.write("patroni.yml", std::string("scope: demo\ncitus: ") + ignored + "\n");
        CHECK_FALSE(citus_group(*load_tree(source)));
    }
    source.environment["PATRONI_CITUS_GROUP"] = "one";  // Patroni leaves it out
    source.path = files.write("patroni.yml", "scope: demo\ncitus: {group: 1, database: 'yes'}\n");
    CHECK(citus_group(*load_tree(source)) == 1);
}

TEST_CASE("on Kubernetes a leader whose record was not renewed for a TTL is dead") {
    ScopeState before;
    before.states_expire = false;
    before.leadership.leader = "n1";
    before.remainders.renewed = "2026-11-28T10:00:00+00:00";
    auto now = before;
    CHECK(is_dead_leader(before, now));
    SECTION("renewed") {
        now.remainders.renewed = "2026-11-28T10:00:10+00:00";
    }
    SECTION("another one") {
        now.leadership.leader = "n2";
    }
    SECTION("none") {
        now.leadership.leader.reset();
    }
    SECTION("elsewhere, where a leader's key goes with its TTL") {
        now.states_expire = true;
    }
    SECTION("not known when it was renewed") {
        before.remainders.renewed.clear();
        now.remainders.renewed.clear();
    }
    CHECK_FALSE(is_dead_leader(before, now));
}

TEST_CASE("a leader whose pod is gone leads for as long as its record says so, and a pod that has ended is no member") {
    ScopeState state;
    state.members = state.bootstrapping = {"n1", "n2"};
    state.remainders.leader = "n3";
    state.remainders.ended = {"n2"};
    SECTION("a record without a member") {
        correct_list(state);
        CHECK(state.leadership.leader == "n3");
        CHECK(state.leadership.timeline == 0);
        CHECK(state.members == Strings{"n1"});
        CHECK(state.bootstrapping == Strings{"n1"});
    }
    SECTION("a leader that is listed") {
        state.leadership.leader = "n1";
        correct_list(state);
        CHECK(state.leadership.leader == "n1");
    }
    SECTION("no record") {
        state.remainders.leader.clear();
        correct_list(state);
        CHECK_FALSE(state.leadership.leader);
    }
}

TEST_CASE("the answer is corrected by what Patroni's library says") {
    const Files files;
    const Programs programs(files);
    programs.patronictl("#!/bin/sh\n/bin/cat " + files.path("answer").string() + "\n");
    files.write("answer", R"([{"Member": "n1", "Role": "Replica", "State": "running custom bootstrap script"}])"
                          "\nempty\n-\n"
                          R"({"last_lsn": 0, "sync": [], "failsafe": [], "failover": false, "renewed": "12:00", )"
                          R"("leader": "n2", "ended": ["n1"]})"
                          "\n-\n");
    const auto state = ask(programs);
    CHECK(state.leadership.leader == "n2");
    CHECK(state.members.empty());
    CHECK(state.bootstrapping.empty());
}

TEST_CASE("a group is taken out of the DCS by its number") {
    ScopeState state;
    CHECK(state.how_to_remove("demo") == "patronictl remove demo");
    state.group = 0;
    CHECK(state.how_to_remove("demo") == "patronictl remove --group 0 demo");
    CHECK(state.how_to_make_leader("my demo", "n1") ==
          "patronictl failover --group 0 --candidate n1 --force 'my demo'");
    CHECK(ScopeState().how_to_make_leader("demo", "") == "patronictl failover --candidate NAME --force demo");
}

TEST_CASE("what the DCS holds is known from its answer alone, with the command that changes it") {
    const auto of_answer = [](const std::string& answer, ConfigurationSource source) {
        ScopeState state;
        state.group = 1;
        take_key(answer, state);
        return with_dcs(std::move(source), "my demo", state).dcs;
    };
    const auto known = of_answer("absent\n{\"ttl\": 20}\n" + nothing_left + "-\n", {});
    CHECK(known.json == "{\"ttl\": 20}");
    CHECK(known.edit == "patronictl edit-config --group 1 'my demo' --force");
    ConfigurationSource earlier;
    earlier.dcs = known;
    CHECK(of_answer("absent\n-\n" + nothing_left + "-\n", earlier).json.empty());
    CHECK(of_answer("absent\n-\n" + nothing_left + "-\n", earlier).edit.empty());
    CHECK(of_answer("", earlier).json == known.json);
}

TEST_CASE("while nobody knows what the DCS holds, only what patroni.yml sets itself is in force for certain") {
    const Files files;
    const auto text = std::string("bootstrap:\n  dcs:\n    postgresql:\n      parameters: {archive_mode: 'on', "
                                  "archive_command: first}\n") +
                      "postgresql:\n  parameters: {ARCHIVE_MODE: always}\n";
    const auto archiving = [&](const std::string& answer) {
        ScopeState state;
        take_key(answer, state);
        return read_archiving(with_known_dcs({files.write("patroni.yml", text), {}}, "demo", state));
    };
    const auto command = [&](const std::string& answer) {
        return archiving(answer).command.value_or(Value{"none", ""}).text;
    };
    CHECK(command("") == "none");
    CHECK(archiving("").mode.value().text == "always");
    CHECK(command("absent\n-\n" + nothing_left + "-\n") == "first");
    const std::string held = R"({"postgresql": {"parameters": {"archive_command": "held", "archive_mode": "off"}}})";
    CHECK(command("initialized\n" + held + "\n" + nothing_left + "7710953412442782829\n") == "held");
    CHECK(archiving("initialized\n" + held + "\n" + nothing_left + "7710953412442782829\n").mode.value().text ==
          "always");
    CHECK_FALSE(read_archiving({std::nullopt, {}}).mode);
}

TEST_CASE("half a list of members leaves the leader unknown, and an empty one says that nobody leads") {
    const std::string whole = R"([{"Member": "n1", "Role": "Replica"}, {"Member": "n2", "Role": "Leader", "TL": 3}])";
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        const auto leadership = leader_in(whole.substr(0, length));
        CHECK(leadership.why_unknown == "patronictl list printed something that is not a list of members");
        CHECK_FALSE(leadership.leader);
        CHECK(members_in(whole.substr(0, length)).empty());
    }
    for (const std::string other :
         {"\n", "no JSON", "null", "{}", R"({"Member": "n2", "Role": "Leader"})", "[8]", "[[]]",
          R"([{"Member": "n1", "Role": "Leader"}, 8])", R"([{"Role": "Leader"}])", R"([{"Member": "n1", "Role": 7}])",
          R"([{"name": "n2", "role": "leader"}])", "[][]", "2026-11-27 02:00:00 - WARNING - a word\n[]"}) {
        CAPTURE(other);
        CHECK(leader_in(other).why_unknown == "patronictl list printed something that is not a list of members");
        CHECK_FALSE(leader_in(other).leader);
        CHECK(bootstrapping_in(other, InitializeKey::empty).empty());
    }
    for (const auto& answer : {whole, whole + "\n", std::string("[]\n")}) {
        CHECK(leader_in(answer).why_unknown.empty());
    }
    CHECK_FALSE(leader_in("[]\n").leader);
}

TEST_CASE("members that bootstrap are read from patronictl's JSON") {
    const auto list = R"([{"Member": "n1", "Role": "Replica", "State": "running custom bootstrap script"},
                                            {"Member": "n2", "Role": "Replica", "State": "streaming"},
                                            {"Member": "n3", "Role": "Replica", "State": "initializing new cluster"},
                                            {"Member": "n4", "Role": "Replica", "State": "starting"},
                                            {"Member": "n5", "Role": "Replica", "State": "stopped"}])";
    CHECK(bootstrapping_in(list, InitializeKey::initialized) == std::vector<std::string>{"n1", "n3"});
    CHECK(bootstrapping_in(list, InitializeKey::empty) == std::vector<std::string>{"n1", "n2", "n3", "n4"});
    CHECK(bootstrapping_in("no JSON", InitializeKey::empty).empty());
    CHECK(members_in(list) == std::vector<std::string>{"n1", "n2", "n3", "n4", "n5"});
}

TEST_CASE("the key's system identifier is told when there is one") {
    const auto told = [](const std::string& answer) {
        ScopeState state;
        take_key(answer, state);
        return state;
    };
    const auto state = told("initialized\n{\"loop_wait\": 10}\n" + nothing_left + "7710953412442782829\n");
    CHECK(state.initialize == InitializeKey::initialized);
    CHECK(state.system_identifier == "7710953412442782829");
    CHECK(state.configured);
    CHECK(state.loop_wait == 10);
    CHECK(state.configuration == R"({"loop_wait": 10})");
    CHECK(told("empty\n-\n" + nothing_left + "-\n").initialize == InitializeKey::empty);
    CHECK(told("empty\n-\n" + nothing_left + "-\n").system_identifier.empty());
    CHECK(told("absent\n-\n" + nothing_left + "-\n").initialize == InitializeKey::absent);
    CHECK(told("initialized\n-\n" + nothing_left + "not a number\n").system_identifier.empty());
    CHECK(told("absent\n{}\n" + nothing_left + "-\n").configured);
    CHECK(told("empty\n-\n" + nothing_left + "-\n").remainders == Remainders{});
    const std::string left =
        R"({"last_lsn": 50331648, "sync": ["n1", "n2"], "failsafe": ["n3"], "failover": true, "renewed": "12:00", )"
        R"("leader": "n1", "ended": ["n2"]})";
    CHECK(told("absent\n-\n" + left + "\n-\n").remainders ==
          Remainders{50331648, {"n1", "n2"}, {"n3"}, true, "12:00", "n1", {"n2"}});
    for (const auto& other :
         {std::string("Traceback (most recent call last):"), std::string(), "empty\n-\n" + nothing_left + "-",
          "initialized\n{\"loop_wait\": 10}\n" + nothing_left + "77109534",
          "initialized\n{\"loop_wait\": 10}\n" + nothing_left, std::string("empty\n-\n-\n"),
          "initialized\n{\"loop_w\n" + nothing_left + "7710953412442782829\n",
          "empty\n-\n" + nothing_left.substr(0, 20) + "\n-\n", "\nabsent\n-\n" + nothing_left + "-\n",
          "a warning\nabsent\n-\n" + nothing_left + "-\n", "gone\n-\n" + nothing_left + "7710953412442782829\n",
          "absent\n-\n" + nothing_left + "-\n\n", "absent\nnull\n" + nothing_left + "-\n"}) {
        CAPTURE(other);
        CHECK(told(other).initialize == InitializeKey::unknown);
        CHECK(told(other).system_identifier.empty());
        CHECK_FALSE(told(other).configured);
    }
}

TEST_CASE("the roles of patroni.yml, with the environment over them") {
    const Files files;
    ConfigurationSource source;
    source.path = files.write("patroni.yml", "postgresql:\n"
                                             "  authentication:\n"
                                             "    superuser:\n"
                                             "      username: postgres\n"
                                             "      password: one\n"
                                             "    replication:\n"
                                             "      username: replicator\n");
    source.environment = {{"PATRONI_REPLICATION_PASSWORD", "two"}, {"PATRONI_REWIND_USERNAME", "rewinder"}};
    const auto roles = read_roles(source);
    REQUIRE(roles.size() == 3);
    CHECK(roles[0].name == "postgres");
    CHECK(roles[0].password == "one");
    CHECK(roles[1].kind == Role::Kind::replication);
    CHECK(roles[1].password == "two");
    CHECK(roles[2].name == "rewinder");
    CHECK_FALSE(roles[2].password);
}

TEST_CASE("a superuser without a password is the one as which Patroni logs in all the same") {
    const Files files;
    ConfigurationSource source;
    source.path =
        files.write("patroni.yml", "postgresql:\n  authentication:\n    superuser:\n      username: postgres\n");
    REQUIRE(read_roles(source).size() == 1);
    CHECK(read_roles(source)[0].name == "postgres");
    CHECK_FALSE(read_roles(source)[0].password);
    CHECK(read_roles({}).empty());
}
