#include "request/patroni_mode.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;

namespace {

const std::string guard = "      restore_command: patroni_pgbackrest archive-get %f \"%p\"\n";

/// A patroni.yml in patroni mode. The block itself is line 3, its keys begin at line 5; those of recovery_conf follow.
struct Yaml {
    std::string block{};  ///< further keys of the method's block
    std::string recovery_conf = guard + "      recovery_target_action: promote\n";
    std::string postgresql = "  pg_hba: [local all all peer]\n";

    std::string text() const {
        return "bootstrap:\n"
               "  method: pgbackrest\n"
               "  pgbackrest:\n"
               "    command: patroni_pgbackrest bootstrap\n" +
               block + "    recovery_conf:\n" + recovery_conf + "postgresql:\n  data_dir: /data\n" + postgresql;
    }
};

Problems problems(const Yaml& yaml) {
    return problems_of(ExitCode::usage, [&] { make_request({{"stanza", "demo"}}, patroni_yml(yaml.text())); });
}

std::string yaml_of(const std::string& lines) {
    return "write this recovery_conf:\nrecovery_conf:\n  restore_command: patroni_pgbackrest archive-get %f \"%p\"\n" +
           lines + "  recovery_target_action: promote";
}

}  // namespace

TEST_CASE("recovery_conf may set nothing else for the replay") {
    for (const std::string name : {"recovery_end_command", "archive_cleanup_command", "recovery_min_apply_delay",
                                   "primary_conninfo", "primary_slot_name", "promote_trigger_file"}) {
        CHECK(problems({.recovery_conf = guard + "      recovery_target_action: promote\n      " + name + ": 6h\n"}) ==
              Problems{{name + " in recovery_conf counts more than what this program sets for the replay", yaml_of(""),
                        "patroni.yml:8"}});
    }
}

TEST_CASE("of recovery.conf's old settings only what changes the recovery is refused") {
    const auto with = [](const std::string& line) {
        return problems({.recovery_conf = guard + "      " + line + "\n"});
    };
    const auto promoted = [&](const std::string& line) {
        return with("recovery_target_action: promote\n      " + line);
    };
    CHECK(promoted("standby_mode: off") == Problems{});
    CHECK(promoted("standby_mode: 'false'") == Problems{});
    CHECK(promoted("trigger_file: /x") == Problems{});
    CHECK(promoted("pause_at_recovery_target: true") == Problems{});
    CHECK(with("pause_at_recovery_target: 'false'") == Problems{});
    CHECK(promoted("standby_mode: on") ==
          Problems{{"standby_mode in recovery_conf counts more than what this program sets for the replay", yaml_of(""),
                    "patroni.yml:8"}});
    CHECK(with("pause_at_recovery_target: true").front().message ==
          "recovery_target_action in recovery_conf is not promote");
}

TEST_CASE("a number that PostgreSQL reads as octal is another one") {
    CHECK(problems({.block = "    type: xid\n    target: 748\n",
                    .recovery_conf = guard + "      recovery_target_action: promote\n"
                                             "      recovery_target_xid: '0748'\n"})
              .size() == 1);
    CHECK(problems({.block = "    target-timeline: 2\n",
                    .recovery_conf = guard + "      recovery_target_action: promote\n"
                                             "      recovery_target_timeline: '02'\n"})
              .size() == 1);
}

TEST_CASE("recovery_conf that says what the request says is accepted, for every target") {
    struct Agreement {
        std::string block, conf;
    };
    const std::vector<Agreement> agreements = {
        {"", ""},
        {"    type: latest\n", "      recovery_target_timeline: latest\n"},
        {"    type: immediate\n", "      recovery_target: immediate\n"},
        {"    type: time\n    target: '2026-11-22 10:00:00+01'\n",
         "      recovery_target_time: '2026-11-22 09:00:00+00'\n"},
        {"    type: time\n    target: '2026-11-22 10:00:00+01'\n    target-exclusive: y\n",
         "      recovery_target_time: '2026-11-22 10:00:00+01'\n      recovery_target_inclusive: false\n"},
        {"    type: xid\n    target: 748\n", "      recovery_target_xid: 748\n"},
        {"    type: xid\n    target: 748\n    target-exclusive: y\n",
         "      recovery_target_xid: '748'\n      recovery_target_inclusive: 'off'\n"},
        {"    type: lsn\n    target: 0/3000028\n", "      recovery_target_lsn: 00/03000028\n"},
        {"    type: name\n    target: before the upgrade\n", "      recovery_target_name: before the upgrade\n"},
        {"    target-timeline: 2\n", "      recovery_target_timeline: 2\n"},
        {"    target-timeline: 2\n", "      recovery_target_timeline: '0x2'\n"},
        {"    target-timeline: latest\n", ""},
        {"    target-timeline: current\n", "      recovery_target_timeline: current\n"},
        {"", "      recovery_target_inclusive: true\n"},
    };
    for (const auto& agreement : agreements) {
        CAPTURE(agreement.block, agreement.conf);
        Yaml yaml;
        yaml.block = agreement.block;
        yaml.recovery_conf += agreement.conf;
        CHECK(problems(yaml) == Problems{});
    }
}

TEST_CASE("the names of recovery_conf may be written in capitals, as PostgreSQL reads them") {
    Yaml yaml;
    yaml.block = "    type: xid\n    target: 748\n";
    yaml.recovery_conf = "      Restore_Command: /usr/bin/patroni_pgbackrest archive-get %f %p\n"
                         "      RECOVERY_TARGET_XID: 748\n      recovery_target_action: promote\n";
    CHECK(problems(yaml) == Problems{});
}

TEST_CASE("the action must be promote, with a target and without one") {
    Yaml latest;
    latest.recovery_conf = guard;
    CHECK(problems(latest) ==
          Problems{{"recovery_target_action in recovery_conf is not promote",
                    "without it Patroni leaves hot_standby on, and PostgreSQL pauses for ever, or ends, where the WAL "
                    "raises max_connections or another limit; " +
                        yaml_of(""),
                    "patroni.yml:3"}});
    const std::string hint = "the default, pause, is a shutdown at the target under Patroni; ";
    Yaml paused;
    paused.recovery_conf = guard + "      recovery_target_action: pause\n";
    CHECK(problems(paused) ==
          Problems{{"recovery_target_action in recovery_conf is not promote", hint + yaml_of(""), "patroni.yml:7"}});
    Yaml target;
    target.block = "    type: xid\n    target: 748\n";
    target.recovery_conf = guard + "      recovery_target_xid: 748\n";
    CHECK(problems(target) == Problems{{"recovery_target_action in recovery_conf is not promote",
                                        hint + yaml_of("  recovery_target_xid: '748'\n"), "patroni.yml:3"}});
}

TEST_CASE("a restore_command that is not the guard is refused") {
    const std::string hint =
        "every error code of pgbackrest archive-get would end the recovery as if the archive had no "
        "more; " +
        yaml_of("");
    Yaml plain;
    plain.recovery_conf = "      recovery_target_action: promote\n"
                          "      restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n";
    CHECK(problems(plain) ==
          Problems{{"restore_command in recovery_conf is not patroni_pgbackrest archive-get", hint, "patroni.yml:7"}});
    Yaml missing;
    missing.recovery_conf = "      recovery_target_action: promote\n";
    CHECK(problems(missing) ==
          Problems{{"restore_command in recovery_conf is not patroni_pgbackrest archive-get", hint, "patroni.yml:3"}});
}

TEST_CASE("recovery_conf with another target than the request's is refused with the right one") {
    Yaml other;
    other.block = "    type: time\n    target: '2026-11-22 10:00:00+00'\n";
    other.recovery_conf += "      recovery_target_time: '2026-11-22 11:00:00+00'\n";
    const std::string right = yaml_of("  recovery_target_time: '2026-11-22 10:00:00+00'\n");
    CHECK(problems(other) ==
          Problems{{"recovery_target_time in recovery_conf is '2026-11-22 11:00:00+00', but the request's target is "
                    "time 2026-11-22 10:00:00+00",
                    right, "patroni.yml:10"}});

    Yaml missing;
    missing.block = other.block;
    CHECK(problems(missing) ==
          Problems{{"recovery_target_time in recovery_conf is '', but the request's target is time "
                    "2026-11-22 10:00:00+00",
                    right, "patroni.yml:3"}});

    Yaml quoted;
    quoted.block = "    type: name\n    target: 'it''s: the # one'\n";
    REQUIRE(problems(quoted).size() == 1);
    CHECK(problems(quoted).front().hint == yaml_of("  recovery_target_name: 'it''s: the # one'\n"));

    Yaml of_another_type;
    of_another_type.recovery_conf += "      recovery_target_name: before\n";
    CHECK(problems(of_another_type) ==
          Problems{{"recovery_target_name in recovery_conf is 'before', but the request's target is latest",
                    yaml_of(""), "patroni.yml:8"}});
}

TEST_CASE("a target in recovery_conf that is without an offset is another one") {
    Yaml yaml;
    yaml.block = "    type: time\n    target: '2026-11-22 10:00:00+00'\n";
    yaml.recovery_conf += "      recovery_target_time: '2026-11-22 10:00:00'\n";
    REQUIRE(problems(yaml).size() == 1);
    CHECK(problems(yaml)[0].place == "patroni.yml:10");
}

TEST_CASE("an exclusive target and recovery_target_inclusive must agree") {
    Yaml exclusive;
    exclusive.block = "    type: xid\n    target: 748\n    target-exclusive: y\n";
    exclusive.recovery_conf += "      recovery_target_xid: 748\n";
    CHECK(problems(exclusive) ==
          Problems{{"recovery_target_inclusive in recovery_conf disagrees with target-exclusive",
                    yaml_of("  recovery_target_xid: '748'\n  recovery_target_inclusive: 'false'\n"), "patroni.yml:3"}});
    Yaml inclusive;
    inclusive.block = "    type: xid\n    target: 748\n";
    inclusive.recovery_conf += "      recovery_target_xid: 748\n      recovery_target_inclusive: no\n";
    REQUIRE(problems(inclusive).size() == 1);
    CHECK(problems(inclusive)[0].place == "patroni.yml:11");
}

TEST_CASE("timelines must agree") {
    const std::string message = "recovery_target_timeline in recovery_conf disagrees with target-timeline";
    Yaml only_there;
    only_there.recovery_conf += "      recovery_target_timeline: 2\n";
    CHECK(problems(only_there) == Problems{{message, yaml_of(""), "patroni.yml:8"}});
    Yaml only_asked;
    only_asked.block = "    target-timeline: 2\n";
    CHECK(problems(only_asked) == Problems{{message, yaml_of("  recovery_target_timeline: '2'\n"), "patroni.yml:3"}});
    Yaml current;
    current.block = "    target-timeline: current\n";
    CHECK(problems(current) == Problems{{message, yaml_of("  recovery_target_timeline: current\n"), "patroni.yml:3"}});
}

TEST_CASE("what is right in a recovery_conf is in the corrected one as well") {
    const auto corrected = [](const std::string& lines) {
        Yaml yaml;
        yaml.recovery_conf = lines;
        const auto found = problems(yaml);
        REQUIRE(found.size() == 1);
        return found.front().hint.substr(found.front().hint.find("write this recovery_conf:"));
    };
    CHECK(corrected("      restore_command: /opt/ppb/bin/patroni_pgbackrest archive-get --stanza=demo %f \"%p\"\n"
                    "      recovery_prefetch: try\n") ==
          "write this recovery_conf:\nrecovery_conf:\n  restore_command: /opt/ppb/bin/patroni_pgbackrest archive-get "
          "--stanza=demo %f \"%p\"\n  recovery_prefetch: try\n  recovery_target_action: promote");
    CHECK(corrected("      restore_command: \"/opt/ppb/bin/patroni_pgbackrest archive-get %f '%p'\"\n")
              .find("  restore_command: /opt/ppb/bin/patroni_pgbackrest archive-get %f '%p'\n") != std::string::npos);
}

TEST_CASE("any other restore_command that would replay after a restart of Patroni is refused") {
    const std::string message = "another restore_command than the guard's would replay after a restart of Patroni";
    const std::string hint = "remove it, or make it the guard's: patroni_pgbackrest archive-get %f \"%p\"";
    Yaml yaml;
    yaml.postgresql += "  recovery_conf:\n    restore_command: cp /archive/%f %p\n";
    CHECK(problems(yaml) == Problems{{message, hint, "patroni.yml:12"}});
    Yaml parameters;
    parameters.postgresql += "  parameters:\n    restore_command: ''\n";
    CHECK(problems(parameters) == Problems{{message, hint, "patroni.yml:12"}});
    Yaml same;
    same.postgresql += "  recovery_conf:\n    restore_command: /usr/bin/patroni_pgbackrest archive-get %f %p\n";
    CHECK(problems(same) == Problems{});
}

TEST_CASE("custom_conf is refused, since nothing of ours would survive a restart") {
    Yaml yaml;
    yaml.postgresql += "  custom_conf: /etc/postgresql/custom.conf\n";
    CHECK(
        problems(yaml) ==
        Problems{{"custom_conf keeps PostgreSQL from reading the base configuration file",
                  "remove custom_conf, or remove recovery_conf to let this program replay (standalone mode): there is "
                  "no other place where a restore_command survives a restart of Patroni",
                  "patroni.yml:11"}});
}

TEST_CASE("without pg_hba or hba_file Patroni's trust rules could stay for good") {
    Yaml yaml;
    yaml.postgresql = "";
    CHECK(problems(yaml) ==
          Problems{{"neither postgresql.pg_hba nor hba_file is set",
                    "set postgresql.pg_hba: Patroni's temporary trust rules would stay after an interrupted bootstrap",
                    "patroni.yml:3"}});
}

TEST_CASE("a replica method without a leader is refused together with a target only") {
    Yaml yaml;
    yaml.postgresql += "  create_replica_methods: [pgbackrest, basebackup]\n"
                       "  pgbackrest:\n    command: pgbackrest restore\n    no_leader: true\n";
    CHECK(problems(yaml) == Problems{});
    yaml.block = "    type: immediate\n";
    yaml.recovery_conf += "      recovery_target: immediate\n";
    const auto found = problems(yaml);
    REQUIRE(found.size() == 1);
    CHECK(found[0].message == "replica method pgbackrest works without a leader, and there is a recovery target");
    CHECK(found[0].hint ==
          "remove no_leader until the cluster is up: another node could replay past the target and become leader");
}

TEST_CASE("reading ahead of a target is refused wherever it is set behind our block") {
    const std::string target = guard + "      recovery_target_action: promote\n";
    const std::string with_time = target + "      recovery_target_time: '2026-11-22 12:00:00+00'\n";
    const std::string block = "    type: time\n    target: '2026-11-22 12:00:00+00'\n";
    const std::string set = "  pg_hba: [local all all peer]\n  parameters: {recovery_prefetch: ";
    const auto refused = [](const std::string& value, const std::string& place) {
        return Problems{{"recovery_prefetch is " + value +
                             ", and there is a recovery target: PostgreSQL would ask for WAL behind the target, and "
                             "the recovery fails where that is not in the archive",
                         "remove it, or set it to off, until the cluster is up", place}};
    };
    CHECK(problems({.block = block, .recovery_conf = with_time, .postgresql = set + "try}\n"}) ==
          refused("try", "patroni.yml:14"));
    CHECK(problems({.block = block, .recovery_conf = with_time + "      recovery_prefetch: 'on'\n"}) ==
          refused("on", "patroni.yml:11"));
    CHECK(problems({.block = block, .recovery_conf = with_time, .postgresql = set + "'off'}\n"}).empty());
    CHECK(problems({.block = block, .recovery_conf = with_time, .postgresql = set + "off}\n"}).empty());
    CHECK(problems({.recovery_conf = target, .postgresql = set + "try}\n"}).empty());
}

TEST_CASE("all that is unsafe is told at once") {
    Yaml yaml;
    yaml.block = "    type: xid\n    target: 748\n    target-exclusive: y\n    target-timeline: 2\n";
    yaml.recovery_conf = "      restore_command: cp /archive/%f %p\n      recovery_target_name: x\n";
    yaml.postgresql = "  custom_conf: /etc/custom.conf\n  parameters: {restore_command: cp}\n";
    CHECK(problems(yaml).size() == 9);
}

TEST_CASE("standalone mode looks at none of this") {
    const auto request = make_request({{"stanza", "demo"}},
                                      patroni_yml("bootstrap:\n  method: m\n  m:\n    command: x\n"
                                                  "postgresql:\n  data_dir: /data\n  custom_conf: /etc/custom.conf\n"
                                                  "  recovery_conf: {restore_command: cp /archive/%f %p}\n"));
    CHECK(problems_of_patroni_mode(request).empty());
}

TEST_CASE("the guard is known by its program's name and its command") {
    CHECK(is_guard("patroni_pgbackrest archive-get %f \"%p\""));
    CHECK(is_guard("/usr/bin/patroni_pgbackrest archive-get %f %p"));
    CHECK(is_guard("'/opt/our programs/patroni_pgbackrest' archive-get %f %p --stanza=demo"));
    CHECK_FALSE(is_guard(""));
    CHECK_FALSE(is_guard("patroni_pgbackrest"));
    CHECK_FALSE(is_guard("patroni_pgbackrest archive-get"));
    CHECK_FALSE(is_guard("patroni_pgbackrest archive-get %f \"%p"));
    CHECK_FALSE(is_guard("pgbackrest --stanza=demo archive-get %f %p"));
    CHECK_FALSE(is_guard("my_patroni_pgbackrest archive-get %f %p"));
    CHECK_FALSE(is_guard("echo patroni_pgbackrest archive-get %f %p"));
}

TEST_CASE("a restore_command that forgives the guard is not the guard") {
    CHECK_FALSE(is_guard("patroni_pgbackrest archive-get %f %p || exit 1"));
    CHECK_FALSE(is_guard("patroni_pgbackrest archive-get %f %p; true"));
    CHECK_FALSE(is_guard("patroni_pgbackrest archive-get %p %f"));
}
