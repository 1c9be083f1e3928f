#include "commands/command_line.hpp"

#include "request/options.hpp"
#include "support/catch.hpp"
#include "system/failure.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::commands;
using Command = CommandLine::Command;

namespace {

using Words = std::vector<std::string>;

/// `name=value` of each option that bootstrap is given, in the table's order.
Words options(const Words& words) {
    Words line{"bootstrap"};
    line.insert(line.end(), words.begin(), words.end());
    const auto parsed = parse_command_line(line);
    CHECK(parsed.command == Command::bootstrap);
    Words result;
    for (const auto& option : parsed.options) {
        result.push_back(option.name + "=" + option.value);
    }
    return result;
}

std::string refusal(const Words& words) {
    try {
        parse_command_line(words);
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::usage);
        CHECK_FALSE(failure.problems().front().hint.empty());
        return failure.what();
    }
    return "accepted";
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("--help tells the commands and every exit code with its meaning") {
    const auto line = parse_command_line({"--help"});
    CHECK(line.command == Command::help);
    for (const char* part :
         {"bootstrap", "verify", "archive-get", "recovery-end", "status", "--version", "Exit codes:"}) {
        CAPTURE(part);
        CHECK(contains(line.text, part));
    }
    CHECK(contains(line.text, exit_code_help()));
    CHECK(contains(exit_code_help(), "    0  done\n"));
    CHECK(contains(exit_code_help(), "    2  usage or configuration error\n"));
    CHECK(contains(exit_code_help(), "  200  archive-get only: PostgreSQL must abort recovery\n"));
    for (const auto& entry : exit_code_table) {
        CHECK(contains(exit_code_help(), entry.meaning));
    }
}

TEST_CASE("bootstrap --help tells every option and the exit codes") {
    const auto line = parse_command_line({"bootstrap", "--help"});
    CHECK(line.command == Command::help);
    for (const auto& option : bootstrap_options()) {
        CAPTURE(std::string(option.name));
        CHECK(contains(line.text, "--" + std::string(option.name)));
    }
    CHECK(contains(line.text, "refused for safety"));
}

TEST_CASE("--version tells name and version, and nothing else") {
    const auto line = parse_command_line({"--version"});
    CHECK(line.command == Command::help);
    CHECK(line.text == std::string("patroni_pgbackrest ") + PATRONI_PGBACKREST_VERSION + "\n");
}

TEST_CASE("options are read with and without an equals sign") {
    CHECK(options({"--scope=demo", "--datadir", "/data"}) == Words{"scope=demo", "datadir=/data"});
    CHECK(options({"--target=2026-11-22 10:00:00+00", "--type", "time"}) ==
          Words{"type=time", "target=2026-11-22 10:00:00+00"});
    CHECK(options({}) == Words{});
}

TEST_CASE("a list may be repeated, and takes one value each time") {
    CHECK(options({"--db-include=a", "--db-include", "b", "--stanza=demo"}) ==
          Words{"stanza=demo", "db-include=a", "db-include=b"});
}

TEST_CASE("a flag may stand alone or have a value, and swallows no option behind it") {
    CHECK(options({"--target-exclusive"}) == Words{"target-exclusive="});
    CHECK(options({"--target-exclusive", "--stanza=demo"}) == Words{"stanza=demo", "target-exclusive="});
    CHECK(options({"--target-exclusive=False"}) == Words{"target-exclusive=False"});
}

TEST_CASE("a blank value counts as not set, and swallows no option behind it") {
    CHECK(options({"--target=", "--stanza=demo", "--type="}) == Words{"stanza=demo"});
}

TEST_CASE("an unknown option is kept, to be told with everything else that is wrong") {
    CHECK(options({"--tagret=x", "--stanza=demo"}) == Words{"stanza=demo", "tagret=given"});
    CHECK(options({"--tagret", "x"}) == Words{"tagret=given"});
}

TEST_CASE("what is no option is refused") {
    CHECK(refusal({"bootstrap", "demo"}) == "'demo' is no option");
    CHECK(refusal({"bootstrap", "--tagret=x", "demo"}) == "'demo' is no option");
}

TEST_CASE("a command line without a command, or with an unknown one, is refused") {
    CHECK(refusal({}) != "accepted");
    CHECK(refusal({"restore"}) != "accepted");
    CHECK(refusal({"--verbose"}) != "accepted");
    CHECK(refusal({"bootstrap", "--stanza"}) != "accepted");
}

TEST_CASE("archive-get takes a file and its destination, and where to ask outside of a bootstrap") {
    const auto line = parse_command_line({"archive-get", "000000010000000000000001", "pg_wal/RECOVERYXLOG"});
    CHECK(line.command == Command::archive_get);
    CHECK(line.archive_get.wanted == "000000010000000000000001");
    CHECK(line.archive_get.destination == "pg_wal/RECOVERYXLOG");
    CHECK(line.archive_get.program == "pgbackrest");
    CHECK(line.archive_get.stanza.empty());
    const auto full = parse_command_line({"archive-get", "--stanza=demo", "--pgbackrest-config=/etc/x.conf",
                                          "--pgbackrest=/opt/pgbackrest", "--config-path=/srv/pgbackrest",
                                          "--config-include-path=/srv/conf.d", "00000002.history", "x"});
    CHECK(full.archive_get.configuration_path == "/srv/pgbackrest");
    CHECK(full.archive_get.include_path == "/srv/conf.d");
    CHECK(full.archive_get.wanted == "00000002.history");
    CHECK(full.archive_get.stanza == "demo");
    CHECK(full.archive_get.configuration == "/etc/x.conf");
    CHECK(full.archive_get.program == "/opt/pgbackrest");
    CHECK(refusal({"archive-get"}) != "accepted");
    CHECK(refusal({"archive-get", "000000010000000000000001"}) != "accepted");
    CHECK(refusal({"archive-get", "a", "b", "c"}) != "accepted");
    CHECK(refusal({"archive-get", "--stanza=demo", "a"}) != "accepted");
    CHECK(refusal({"archive-get", "a", "-b"}) != "accepted");
    CHECK(refusal({"archive-get", "--stansa=demo", "a", "b"}) != "accepted");
}

TEST_CASE("status takes a data directory or a patroni.yml, and prints once unless it watches") {
    const auto once = parse_command_line({"status", "--datadir=/data"});
    CHECK(once.command == Command::status);
    CHECK(once.status.data_directory == "/data");
    CHECK_FALSE(once.status.patroni_config);
    CHECK_FALSE(once.status.watch);
    CHECK_FALSE(once.status.json);
    CHECK(parse_command_line({"status", "--metrics-file=/x/restore.prom"}).status.metrics_file == "/x/restore.prom");
    CHECK(refusal({"status", "--metrics-file=/etc/patroni/config.yml"}) ==
          "--metrics-file: its name must end in .prom");
    const auto watch = parse_command_line({"status", "--patroni-config", "p.yml", "--watch", "--format=json"});
    CHECK(watch.status.patroni_config == "p.yml");
    CHECK(watch.status.watch);
    CHECK(watch.status.json);
    CHECK(refusal({"status", "--format=xml"}) != "accepted");
    CHECK(refusal({"status", "now"}) != "accepted");
}

TEST_CASE("each command takes the log's format") {
    const std::vector<Words> lines = {{"resume"}, {"verify"},       {"configure"}, {"archive-get", "a", "b"},
                                      {"status"}, {"recovery-end"}, {"check"},     {"bootstrap"}};
    for (auto words : lines) {
        CAPTURE(words.front());
        words.emplace_back("--log-format=json");
        const auto line = parse_command_line(words);
        CHECK(line.command != Command::help);
        const bool is_restore = line.command == Command::bootstrap || line.command == Command::check;
        CHECK(line.options.size() == (is_restore ? 1 : 0));
        words.back() = "--log-format=xml";
        CHECK((is_restore || refusal(words) != "accepted"));  // those two tell everything that is wrong at once
    }
    CHECK(parse_command_line({"resume", "--log-format=json"}).resume.log_format == "json");
    CHECK(parse_command_line({"verify", "--log-format", "text"}).verify.log_format == "text");
}

TEST_CASE("rehearse takes the options of a restore, and its own") {
    const Words words{"rehearse",
                      "--scratch=/scratch",
                      "--set=20261122-090000F",
                      "--random",
                      "--seed",
                      "7",
                      "--checksums",
                      "--dump",
                      "--memory=1GB",
                      "--format",
                      "json"};
    const auto line = parse_command_line(words);
    CHECK(line.command == Command::rehearse);
    REQUIRE(line.options.size() == 1);
    CHECK(line.options[0].name == "set");
    CHECK(line.rehearse.words == words);
    CHECK(line.rehearse.scratch == "/scratch");
    CHECK(line.rehearse.seed == "7");
    CHECK(line.rehearse.memory == "1GB");
    CHECK(line.rehearse.disk_floor.empty());
    CHECK((line.rehearse.random && line.rehearse.checksums && line.rehearse.dump && line.rehearse.json));
    CHECK_FALSE((line.rehearse.amcheck || line.rehearse.keep || line.rehearse.history));
    CHECK(contains(parse_command_line({"rehearse", "--help"}).text, "--disk-floor"));
    CHECK(contains(refusal({"rehearse", "--format=xml"}), "xml"));
}

TEST_CASE("recovery-end takes nothing but that") {
    CHECK(parse_command_line({"recovery-end"}).command == Command::recovery_end);
    CHECK(refusal({"recovery-end", "now"}) != "accepted");
}

TEST_CASE("an unknown option with a blank value is told as well") {
    CHECK(parse_command_line({"bootstrap", "--tagret="}).options.size() == 1);
}

TEST_CASE("an unknown command is named") {
    try {
        parse_command_line({"restore"});
        FAIL("it was taken for a command");
    } catch (const Failure& failure) {
        CHECK(std::string(failure.what()) == "'restore' is no command");
    }
}

TEST_CASE("verify takes what Patroni appends, and its own options") {
    const auto line =
        parse_command_line({"verify", "--probe=select true", "--probe", "app=select 1 = 1", "--format=json",
                            "--patroni-config=/etc/patroni.yml", "dbname=postgres user=postgres port=1"});
    CHECK(line.command == Command::verify);
    CHECK(line.verify.connection == "dbname=postgres user=postgres port=1");
    CHECK(line.verify.patroni_config == "/etc/patroni.yml");
    CHECK(line.verify.probes == Words{"select true", "app=select 1 = 1"});
    CHECK(line.verify.json);
    CHECK_FALSE(line.verify.amcheck);
    const auto by_hand = parse_command_line({"verify", "--amcheck"});
    CHECK_FALSE(by_hand.verify.connection);
    CHECK_FALSE(by_hand.verify.json);
    CHECK(by_hand.verify.amcheck);
}

TEST_CASE("verify refuses what it does not know, and shows no connection string") {
    CHECK(refusal({"verify", "host=a", "password=topsecret"}) == "verify takes one connection string");
    CHECK(refusal({"verify", "--pasword=topsecret"}) == "unknown option 'pasword'");
    CHECK(refusal({"verify", "--format=xml"}) == "'xml' is no format");
}

TEST_CASE("configure takes its own options, and those of the method's block") {
    const auto line =
        parse_command_line({"configure", "--patroni-config=/p.yml", "--type", "time", "--target=2026-11-22 10:00:00+00",
                            "--target-exclusive", "--replicas", "--write"});
    CHECK(line.command == Command::configure);
    CHECK(line.configure.patroni_config == "/p.yml");
    CHECK_FALSE(line.configure.method);
    CHECK(line.configure.replicas);
    CHECK(line.configure.write);
    CHECK_FALSE(line.configure.remove);
    Words given;
    for (const auto& option : line.configure.options) {
        given.push_back(option.name + "=" + option.value);
    }
    CHECK(given == Words{"type=time", "target=2026-11-22 10:00:00+00", "target-exclusive="});
    CHECK(refusal({"configure", "--tagret=x"}) != "accepted");
    CHECK(refusal({"configure", "--db-include=x"}) != "accepted");
}
