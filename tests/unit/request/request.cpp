#include "request/request.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"
#include "system/machine.hpp"

#include <algorithm>
#include <cstdlib>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;

namespace {

Request request_of(const std::string& block, const Given& given = {}) {
    return make_request(given, patroni_yml(with_block(block)));
}

Problems refusals_of(const std::string& yaml, const Given& given = {}) {
    return problems_of(ExitCode::usage, [&] { make_request(given, patroni_yml(yaml)); });
}

}  // namespace

TEST_CASE("a request needs no more than a data directory and a stanza") {
    const auto request = request_for();
    CHECK(request.data_directory == "/data");
    CHECK(request.pgbackrest.program == "pgbackrest");
    CHECK(request.pgbackrest.stanza == "demo");
    CHECK_FALSE(request.pgbackrest.configuration);
    CHECK(request.target.is_latest());
    CHECK_FALSE(request.target.exclusive);
    CHECK_FALSE(request.timeline);
    CHECK_FALSE(request.backup_set);
    CHECK_FALSE(request.repository);
    CHECK(request.restore_options.empty());
    CHECK_FALSE(request.processes);
    CHECK(request.recovery == Recovery::standalone);
    CHECK(request.retry.retries == 5);
    CHECK(request.retry.wait.count() == 5);
    CHECK(request.log_level == log::Level::info);
    CHECK_FALSE(request.report);
}

TEST_CASE("scope and data directory come from the command line, else from patroni.yml") {
    const auto by_file = request_of("");
    CHECK(by_file.scope == "demo");
    CHECK(by_file.data_directory == "/srv/data");
    const auto by_patroni = request_of("", {{"scope", "other"}, {"datadir", "/elsewhere/"}});
    CHECK(by_patroni.scope == "other");
    CHECK(by_patroni.data_directory == "/elsewhere");
}

TEST_CASE("a data directory is made absolute, and its symbolic links are not resolved") {
    CHECK(request_for({{"datadir", "/data//pg/../15/"}}).data_directory == "/data/15");
    CHECK(request_for({{"datadir", "data"}}).data_directory == std::filesystem::current_path() / "data");
}

TEST_CASE("the file system's root and nothing at all are no data directories") {
    CHECK(
        refusals({{"datadir", "/"}}) ==
        Problems{{"'/' is not a data directory", "name the directory that PostgreSQL's files belong in", "--datadir"}});
    CHECK(problems_of(ExitCode::usage,
                      [] {
                          make_request({{"stanza", "demo"}}, std::nullopt);
                      }) == Problems{{"no data directory is given",
                                      "pass --datadir, or set postgresql.data_dir in patroni.yml", "--datadir"}});
}

TEST_CASE("every target is understood") {
    CHECK(request_for({{"type", "latest"}}).target.text() == "latest");
    CHECK(request_for({{"type", "default"}}).target.text() == "latest");
    CHECK(request_for({{"type", "immediate"}}).target.text() == "immediate");
    CHECK(request_for({{"type", "time"}, {"target", "2026-11-22 10:00:00+01"}}).target.text() ==
          "time 2026-11-22 09:00:00+00");
    CHECK(request_for({{"type", "xid"}, {"target", "748"}}).target.text() == "xid 748");
    CHECK(request_for({{"type", "lsn"}, {"target", "0/3000028"}}).target.text() == "lsn 0/3000028");
    CHECK(request_for({{"type", "name"}, {"target", "before the upgrade"}}).target.text() == "name before the upgrade");
    CHECK(request_for({{"type", "xid"}, {"target", "748"}, {"target-exclusive", ""}}).target.text() ==
          "xid 748, exclusive");
    CHECK(request_for({{"type", " time "}, {"target", " 2026-11-22 10:00:00Z "}}).target.text() ==
          "time 2026-11-22 10:00:00+00");
}

TEST_CASE("a target is taken from the block as Patroni's YAML writes it") {
    CHECK(request_of("    type: time\n    target: '2026-11-22 10:00:00+01'\n    target-exclusive: True\n")
              .target.text() == "time 2026-11-22 09:00:00+00, exclusive");
    CHECK(request_of("    type: lsn\n    target: 0/3000028\n").target.text() == "lsn 0/3000028");
    CHECK(request_of("    type: xid\n    target: 748\n    target-exclusive: no\n").target.text() == "xid 748");
    CHECK(request_of("    type:\n    target:\n").target.text() == "latest");
}

TEST_CASE("a target that cannot be right is refused with its place and what to write") {
    const std::string time_hint = "write it as 2026-11-22 10:00:00+00: without an offset pgBackRest and PostgreSQL "
                                  "would read it in different time zones";
    CHECK(refusals({{"type", "time"}, {"target", "2026-11-22 10:00:00"}}) ==
          Problems{{"'2026-11-22 10:00:00' is not a point in time with a UTC offset", time_hint, "--target"}});
    CHECK(refusals({{"type", "time"}, {"target", "2026-02-30 10:00:00+00"}}) ==
          Problems{{"'2026-02-30 10:00:00+00' is not a point in time with a UTC offset", time_hint, "--target"}});
    for (const std::string xid : {"abc", "2", "0", "-3", "1.5", "99999999999999999999", "4294967296", "4294967298"}) {
        CAPTURE(xid);
        CHECK(refusals({{"type", "xid"}, {"target", xid}}) ==
              Problems{{"'" + xid + "' is not a transaction number",
                        "give the number that pg_current_xact_id() returned, 3 or more", "--target"}});
    }
    for (const std::string lsn : {"16", "16/", "/16", "16/G", "0x16/1", "1/123456789"}) {
        CAPTURE(lsn);
        CHECK(refusals({{"type", "lsn"}, {"target", lsn}}) ==
              Problems{{"'" + lsn + "' is not an LSN", "write it as PostgreSQL does: 16/B374D848", "--target"}});
    }
    CHECK(request_for({{"type", "name"}, {"target", std::string(63, 'x')}}).target.value().size() == 63);
    CHECK(refusals({{"type", "name"}, {"target", std::string(64, 'x')}}) ==
          Problems{{"the restore point's name has 64 bytes", "PostgreSQL keeps 63 bytes at most", "--target"}});
    // 32 characters of two bytes each.
    std::string umlauts;
    for (int i = 0; i < 32; ++i) {
        umlauts += "\u00e4";
    }
    CHECK(refusals({{"type", "name"}, {"target", umlauts}}) ==
          Problems{{"the restore point's name has 64 bytes", "PostgreSQL keeps 63 bytes at most", "--target"}});
}

TEST_CASE("a type without its target, and a target without its type, are refused") {
    for (const std::string type : {"time", "xid", "lsn", "name"}) {
        CAPTURE(type);
        CHECK(refusals({{"type", type}}) ==
              Problems{{"type " + type + " needs a target", "set target as well", "--type"}});
    }
    const std::string hint = "set type to time, xid, lsn or name, or leave target out";
    CHECK(refusals({{"target", "748"}}) == Problems{{"target without a type", hint, "--target"}});
    for (const std::string type : {"latest", "default", "immediate"}) {
        CAPTURE(type);
        CHECK(refusals({{"type", type}, {"target", "748"}}) ==
              Problems{{"type " + type + " takes no target", hint, "--target"}});
    }
    CHECK(refusals({{"type", "point"}}) ==
          Problems{{"'point' is not a recovery type", "use latest, immediate, time, xid, lsn or name", "--type"}});
    CHECK(refusals_of(with_block("    type: time\n    target:\n")) ==
          Problems{{"type time needs a target", "set target as well", "patroni.yml:8"}});
}

TEST_CASE("target-exclusive is refused where there is nothing to stop before") {
    const Problems expected{
        {"target-exclusive without a time, xid or lsn target", "leave target-exclusive out", "--target-exclusive"}};
    CHECK(refusals({{"target-exclusive", "y"}}) == expected);
    CHECK(refusals({{"type", "immediate"}, {"target-exclusive", "y"}}) == expected);
    CHECK(refusals({{"type", "name"}, {"target", "x"}, {"target-exclusive", "y"}}) == expected);
    CHECK(refusals({{"target-exclusive", "n"}}).empty());
}

TEST_CASE("no action but promote and no archive-mode but preserve is accepted") {
    CHECK(refusals({{"target-action", "promote"}, {"archive-mode", "preserve"}}).empty());
    CHECK(request_for({{"archive-mode", "preserve"}}).restore_options.empty());
    for (const std::string action : {"pause", "shutdown"}) {
        CAPTURE(action);
        CHECK(refusals({{"target-action", action}}) ==
              Problems{{"target-action " + action + " is refused",
                        "use promote, the default: Patroni waits for a primary, and with pause or shutdown it gives up",
                        "--target-action"}});
    }
    CHECK(refusals({{"archive-mode", "off"}}) ==
          Problems{{"archive-mode off is refused",
                    "leave archive-mode out: pgBackRest would write archive_mode=off into postgresql.auto.conf, which "
                    "Patroni does not remove, so that archiving stays off after the bootstrap",
                    "--archive-mode"}});
    CHECK(refusals_of(with_block("    archive-mode: off\n")).size() == 1);
}

TEST_CASE("timeline, set and repository are understood or refused") {
    const auto request = request_for({{"target-timeline", "0x2"}, {"set", "20261122-072841F"}, {"repo", "2"}});
    REQUIRE(request.timeline);
    CHECK(std::get<postgres::Timeline>(request.timeline->choice).number == 2);
    CHECK(request.backup_set == "20261122-072841F");
    CHECK(request.repository == 2U);
    CHECK_FALSE(request_for({{"set", "latest"}}).backup_set);
    CHECK(refusals({{"target-timeline", "newest"}}) ==
          Problems{{"'newest' is not a timeline", "use a number, latest or current", "--target-timeline"}});
    CHECK(refusals({{"repo", "0"}}) ==
          Problems{{"'0' is not a value for repo", "use a whole number from 1 to 256", "--repo"}});
}

TEST_CASE("pgBackRest's own options are passed on under their names") {
    const auto request = request_of("    db-include: [one, two]\n"
                                    "    tablespace-map: {ts1: /srv/ts1, ts2: /srv/ts2}\n"
                                    "    tablespace-map-all: /srv/all\n"
                                    "    link-all: True\n"
                                    "    link-map:\n      pg_wal: /srv/wal\n"
                                    "    io-timeout: 60\n");
    std::string options;
    for (const auto& option : request.restore_options) {
        options += option.name + "=" + option.value + " ";
    }
    CHECK(options == "db-include=one db-include=two tablespace-map=ts1=/srv/ts1 tablespace-map=ts2=/srv/ts2 "
                     "tablespace-map-all=/srv/all link-map=pg_wal=/srv/wal link-all= io-timeout=60 ");
    CHECK(request_of("    link-all: False\n").restore_options.empty());
}

TEST_CASE("a map entry without a name or a directory is refused") {
    for (const std::string entry : {"ts1", "ts1=", "=/srv/ts1"}) {
        CAPTURE(entry);
        CHECK(refusals({{"tablespace-map", entry}}) == Problems{{"'" + entry + "' is not a value for tablespace-map",
                                                                 "write NAME=DIRECTORY", "--tablespace-map"}});
    }
}

TEST_CASE("our own settings are understood or refused") {
    const Files files;
    const auto file = files.write("other.conf", "[demo]\n");
    const auto request = request_for({{"pgbackrest", "/opt/pgbackrest"},
                                      {"pgbackrest-config", file.string()},
                                      {"config-include-path", files.path().string()},
                                      {"process-max", "3"},
                                      {"retry", "0"},
                                      {"retry-wait", "7"},
                                      {"report", "/tmp/report.json"},
                                      {"log-level", "DEBUG"},
                                      {"preload", "extension"}});
    CHECK(request.pgbackrest.program == "/opt/pgbackrest");
    CHECK(request.pgbackrest.configuration == file);
    REQUIRE(request.pgbackrest.common.size() == 1);
    CHECK(request.pgbackrest.common[0].name == "config-include-path");
    CHECK(request.restore_options.empty());
    CHECK(request.processes == 3U);
    CHECK(request.retry.retries == 0);
    CHECK(request.retry.wait.count() == 7);
    CHECK(request.report == "/tmp/report.json");
    CHECK(request.log_level == log::Level::debug);
    CHECK(request.preload_libraries == "extension");
    CHECK_FALSE(request.reuse_data);
    CHECK_FALSE(request.reuses_set_aside);
    CHECK_FALSE(request.writes_late);
    CHECK(request_for({{"write-back", "late"}}).writes_late);
    CHECK_FALSE(request_for({{"write-back", "early"}}).writes_late);
    CHECK(refusals({{"write-back", "never"}}) ==
          Problems{{"'never' is not a value for write-back", "use early or late", "--write-back"}});
    CHECK(refusals({{"log-format", "xml"}}) ==
          Problems{{"'xml' is not a log format", "use text or json", "--log-format"}});
    CHECK(refusals({{"log-level", "loud"}}) ==
          Problems{{"'loud' is not a log level", "use debug, info, warning or error", "--log-level"}});
}

TEST_CASE("reuse-data names a directory, and auto is none") {
    CHECK(request_for({{"reuse-data", "/srv/../old"}}).reuse_data == "/old");
    CHECK_FALSE(request_for({{"reuse-data", "/old"}}).reuses_set_aside);
    const auto found = request_for({{"reuse-data", "auto"}});
    CHECK(found.reuses_set_aside);
    CHECK_FALSE(found.reuse_data);
    const auto named = request_for({{"reuse-data", "./auto"}});
    CHECK_FALSE(named.reuses_set_aside);
    CHECK(named.reuse_data == (std::filesystem::current_path() / "auto").string());
    CHECK(refusals({{"reuse-data", "/data"}}) ==
          Problems{{"reuse-data is the data directory itself", "move it away under another name, and name that",
                    "--reuse-data"}});
}

TEST_CASE("everything that is wrong is told in one run, each with its place") {
    const auto problems = refusals_of(with_block("    type: time\n"
                                                 "    target: yesterday\n"
                                                 "    target-action: pause\n"
                                                 "    archive-mode: off\n"
                                                 "    proces-max: 4\n"
                                                 "    target-timeline: newest\n"
                                                 "    repo: first\n"),
                                      {{"link-all", "perhaps"}, {"retry", "often"}, {"target-exclusive", "really"}});
    std::vector<std::string> places;
    for (const auto& problem : problems) {
        CHECK_FALSE(problem.message.empty());
        CHECK_FALSE(problem.hint.empty());
        places.push_back(problem.place);
    }
    CHECK(places == std::vector<std::string>{"patroni.yml:12", "patroni.yml:14", "patroni.yml:9", "--target-exclusive",
                                             "patroni.yml:13", "patroni.yml:10", "patroni.yml:11", "--link-all",
                                             "--retry"});
}

TEST_CASE("a stanza that is left out is the only one of pgBackRest's configuration") {
    const Files files;
    const auto request_with = [&](const std::string& configuration) {
        return make_request(
            {{"datadir", "/data"}, {"pgbackrest-config", files.write("pgbackrest.conf", configuration).string()}},
            std::nullopt);
    };
    const auto refused = [&](const std::string& configuration) {
        return problems_of(ExitCode::usage, [&] { request_with(configuration); });
    };
    CHECK(request_with("[global]\nrepo1-path=/repo\n[main]\npg1-path=/data\n[main:restore]\n").pgbackrest.stanza ==
          "main");
    CHECK(refused("[global]\nrepo1-path=/repo\n[one]\n[two]\n") ==
          Problems{{"no stanza is given, and pgBackRest's configuration has several: one, two",
                    "set stanza to one of them", "--stanza"}});
    CHECK(refused("[global]\nrepo1-path=/repo\n[global:restore]\n") ==
          Problems{{"no stanza is given, and pgBackRest's configuration has none",
                    "set stanza, or pgbackrest-config if the configuration is elsewhere", "--stanza"}});
}

TEST_CASE("a pgBackRest configuration that cannot be read is told with the option that named it") {
    const auto problems = problems_of(ExitCode::usage, [] {
        make_request({{"datadir", "/data"}, {"pgbackrest-config", "/nonexistent/pgbackrest.conf"}}, std::nullopt);
    });
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].place == "--pgbackrest-config");
    CHECK(problems[0].message.find("/nonexistent/pgbackrest.conf") != std::string::npos);
}

TEST_CASE("who replays follows from the block, and an assertion that contradicts it is refused") {
    CHECK(request_of("").recovery == Recovery::standalone);
    CHECK(request_of("    keep_existing_recovery_conf: true\n").recovery == Recovery::standalone);
    CHECK(request_of("    recovery: standalone\n").recovery == Recovery::standalone);
    const std::string recovery_conf = "    recovery_conf:\n"
                                      "      restore_command: patroni_pgbackrest archive-get %f %p\n"
                                      "      recovery_target_action: promote\n";
    CHECK(request_of(recovery_conf).recovery == Recovery::patroni);
    CHECK(request_of("    recovery: patroni\n" + recovery_conf).recovery == Recovery::patroni);
    CHECK(refusals_of(with_block("    recovery: standalone\n" + recovery_conf)) ==
          Problems{{"recovery is standalone, but the method's block has recovery_conf",
                    "remove recovery_conf from the block, or set recovery: patroni", "patroni.yml:8"}});
    CHECK(refusals_of(with_block("    recovery: patroni\n")) ==
          Problems{{"recovery is patroni, but the method's block has no recovery_conf",
                    "add recovery_conf to the block (see examples/patroni-recovery-conf.yml), or set recovery: "
                    "standalone",
                    "patroni.yml:8"}});
    CHECK(refusals_of(with_block("    recovery: mine\n")) ==
          Problems{{"'mine' is not a value for recovery",
                    "use standalone or patroni, or leave it out: it follows from patroni.yml", "patroni.yml:8"}});
}

TEST_CASE("a method without its block is refused, since Patroni would run initdb without a word") {
    CHECK(refusals_of("scope: demo\npostgresql: {data_dir: /data}\nbootstrap:\n  method: pgbackrst\n"
                      "  pgbackrest:\n    command: patroni_pgbackrest bootstrap\n",
                      {{"stanza", "demo"}}) ==
          Problems{{"bootstrap.method is pgbackrst, but there is no such block with a command",
                    "without it Patroni silently runs initdb: add the block under bootstrap, or correct the name",
                    "patroni.yml:4"}});
    CHECK(refusals_of("postgresql: {data_dir: /data}\nbootstrap:\n  method: initdb\n", {{"stanza", "demo"}}).empty());
}

TEST_CASE("the report's path is known even when the request is in error") {
    CHECK(report_path({{"report", "/tmp/report.json"}, {"nonsense", "x"}}, std::nullopt) == "/tmp/report.json");
    CHECK(report_path({}, patroni_yml(with_block("    report: /var/log/report.json\n    nonsense: x\n"))) ==
          "/var/log/report.json");
    CHECK_FALSE(report_path({{"report", ""}}, std::nullopt));
    CHECK(page_path({{"html", "/tmp/report.html"}, {"nonsense", "x"}}, std::nullopt) == "/tmp/report.html");
}

TEST_CASE("the path of the metrics is known even when the request is in error, and has a name that is read") {
    CHECK(metrics_path({}, patroni_yml(with_block("    metrics-file: /var/lib/x/restore.prom\n    nonsense: x\n"))) ==
          "/var/lib/x/restore.prom");
    CHECK_FALSE(metrics_path({{"metrics-file", "/x/restore.txt"}}, std::nullopt));
    CHECK(refusals({{"metrics-file", "/x/restore.txt"}}) ==
          Problems{{"'/x/restore.txt' does not end in .prom", "give it such a name: node_exporter reads no other file",
                    "--metrics-file"}});
}

TEST_CASE("the log's format is known even when the request is in error, and the command line counts more") {
    const auto block = patroni_yml(with_block("    log-format: json\n    nonsense: x\n"));
    CHECK(log_format({}, block) == log::Format::json);
    CHECK(log_format({{"log-format", "text"}}, block) == log::Format::text);
    CHECK_FALSE(log_format({{"log-format", "xml"}}, std::nullopt));
    CHECK_FALSE(log_format({}, std::nullopt));
}

TEST_CASE("more processes read a repository over a network, and only the one that is read counts") {
    const Files files;
    const auto processes = [&](const std::string& lines, unsigned repository) {
        const auto file = files.write("a.conf", "[global]\n" + lines);
        return processes_for(request_for({{"pgbackrest-config", file.string()}}), "restore", repository);
    };
    const auto* two = "repo1-path=/r\nrepo2-host=backup\n";
    CHECK(processes(two, 1) == std::min(system::processors(), 999U));
    CHECK(processes(two, 2) >= 4);
    CHECK(processes("repo1-host=backup\nprocess-max=1\n", 1) == 1);
}

TEST_CASE("where each file is flushed, more processes copy the smaller the files are") {
    const Files files;
    bool is_counted = false;
    const auto processes = [&](const std::string& lines, std::optional<std::uint64_t> number, std::uint64_t bytes) {
        const auto file = files.write("a.conf", "[global]\n" + lines);
        is_counted = false;
        return processes_with_flushes(request_for({{"pgbackrest-config", file.string()}}), 1, bytes, [&] {
            is_counted = true;
            return number;
        });
    };
    const auto usual = std::min(system::processors(), 999U);
    const auto most = std::max(usual, 16U);
    CHECK(processes("repo1-path=/r\n", 15, 15ULL << 30) == usual);
    CHECK(processes("repo1-path=/r\n", 1000, 200'000'000) == std::min(2 * usual, most));
    CHECK(processes("repo1-path=/r\n", 21'000, 300'000'000) == most);
    CHECK(is_counted == (usual < 16));
    CHECK(processes("repo1-path=/r\n", std::nullopt, 300'000'000) == usual);
    CHECK(processes("repo1-path=/r\n", 21'000, 0) == usual);
    CHECK(processes("repo1-path=/r\nprocess-max=3\n", 21'000, 300'000'000) == 3);
    CHECK_FALSE(is_counted);
    CHECK(processes("repo1-host=backup\n", 21'000, 300'000'000) == std::max(usual, std::min(4 * usual, 8U)));
    CHECK_FALSE(is_counted);
}

TEST_CASE("what pgBackRest's configuration says of a restore counts as if it stood in the block") {
    const Files files;
    const auto given = [&](const std::string& lines, Given more = {}) {
        const auto file = files.write("a.conf", "[global:restore]\n" + lines);
        more.push_back({"pgbackrest-config", file.string()});
        return more;
    };
    const auto request = request_for(given("tablespace-map=a=/1\nlink-all=y\nprocess-max=7\n"));
    CHECK(request.processes == 7U);
    REQUIRE(request.restore_options.size() == 2);
    CHECK(request.restore_options[0].value == "a=/1");
    CHECK(request_for(given("tablespace-map=a=/1\n", {{"tablespace-map", "a=/2"}})).restore_options[0].value == "a=/2");
    CHECK(request_for(given("link-all=n\n")).restore_options.empty());
    for (const std::string option : {"db-include=a", "db-exclude=a", "repo1-target-time=2026-11-22 10:00:00+00"}) {
        const auto problems = refusals(given(option + "\n"));
        REQUIRE(problems.size() == 1);
        CHECK(problems[0].place == files.path("a.conf").string() + ":2");
    }
    CHECK(request_for(given("db-include=a\n", {{"db-include", "b"}})).restore_options[0].value == "b");
    CHECK(refusals(given("[broken\n")).size() == 1);
}

TEST_CASE("a line feed in a value is refused before anything is copied") {
    const auto message = [](const Problems& problems) {
        return problems.size() == 1 ? problems.front().message : std::to_string(problems.size()) + " problems";
    };
    CHECK(message(refusals_of(with_block("    type: name\n    target: \"before\\nupgrade\"\n"))) ==
          "the restore point's name has a line feed or another control character");
    CHECK(message(refusals_of(with_block("    preload: \"timescaledb\\nx\"\n"))) ==
          "preload has a line feed or another control character");
    CHECK(message(refusals_of(with_block("    tablespace-map: [\"a=/b\\rc\"]\n"))) ==
          "tablespace-map has a line feed or another control character");
    CHECK(message(refusals_of(with_block(""), {{"datadir", "/srv/da\nta"}})) ==
          "datadir has a line feed or another control character");
    // One at the end, as a block scalar leaves it, would be the last letter of a directory's name.
    CHECK(message(refusals_of(with_block("    tablespace-map: |\n      a=/b\n    process-max: 2\n"))) ==
          "tablespace-map has a line feed or another control character");
    CHECK(message(refusals_of(with_block("    buffer-size: \"16MB\\x7f\"\n"))) ==
          "buffer-size has a line feed or another control character");
    CHECK(message(refusals_of(with_block("    type: name\n    target: \"before\\x7f\"\n"))) ==
          "the restore point's name has a line feed or another control character");
    CHECK(message(refusals_of(with_block("    probe: \"SELECT true\\0 AND false\"\n"))) ==
          "probe has a control character that is no white space");
    CHECK(message(refusals_of("scope: \"demo\\n\"\n" + with_block("").substr(std::string("scope: demo\n").size()))) ==
          "scope has a line feed or another control character");
    CHECK(message(refusals_of(with_block("") + "name: \"node\\r1\"\n")) ==
          "name has a line feed or another control character");
    CHECK(request_of("    type: name\n    target: \"with\\ta tab\"\n").target.value() == "with\ta tab");
    CHECK(request_of("    type: time\n    target: |\n      2026-11-22 10:00:00+00\n").target.type() == "time");
    CHECK_NOTHROW(request_of("    probe: |\n      SELECT\n      true\n"));
}

TEST_CASE("a hint that is followed on the command line leaves nothing to refuse") {
    struct Hint {
        Given wrong;
        std::string said;
        Given right;
    };
    const std::string time = "2026-11-22 10:00:00";
    const std::vector<Hint> hints = {
        {{{"type", "time"}, {"target", time}},
         "write it as 2026-11-22 10:00:00+00: without an offset pgBackRest and PostgreSQL would read it in different "
         "time zones",
         {{"type", "time"}, {"target", time + "+00"}}},
        {{{"type", "xid"}, {"target", "abc"}},
         "give the number that pg_current_xact_id() returned, 3 or more",
         {{"type", "xid"}, {"target", "3"}}},
        {{{"type", "lsn"}, {"target", "16"}},
         "write it as PostgreSQL does: 16/B374D848",
         {{"type", "lsn"}, {"target", "16/B374D848"}}},
        {{{"type", "name"}, {"target", std::string(64, 'x')}},
         "PostgreSQL keeps 63 bytes at most",
         {{"type", "name"}, {"target", std::string(63, 'x')}}},
        {{{"type", "xid"}}, "set target as well", {{"type", "xid"}, {"target", "748"}}},
        {{{"target", "748"}},
         "set type to time, xid, lsn or name, or leave target out",
         {{"type", "xid"}, {"target", "748"}}},
        {{{"type", "point"}}, "use latest, immediate, time, xid, lsn or name", {{"type", "immediate"}}},
        {{{"target-exclusive", "y"}}, "leave target-exclusive out", {}},
        {{{"target-timeline", "newest"}}, "use a number, latest or current", {{"target-timeline", "latest"}}},
        {{{"repo", "0"}}, "use a whole number from 1 to 256", {{"repo", "1"}}},
        {{{"tablespace-map", "ts1"}}, "write NAME=DIRECTORY", {{"tablespace-map", "ts1=/srv/ts1"}}},
        {{{"metrics-file", "/x/restore.txt"}},
         "give it such a name: node_exporter reads no other file",
         {{"metrics-file", "/x/restore.prom"}}},
        {{{"log-format", "xml"}}, "use text or json", {{"log-format", "json"}}},
        {{{"log-level", "loud"}}, "use debug, info, warning or error", {{"log-level", "debug"}}},
        {{{"link-all", "perhaps"}}, "use y or n", {{"link-all", "y"}}},
        {{{"preload", "a\nb"}}, "write it in one line, without a line feed at its end", {{"preload", "a"}}},
        {{{"replay-setting", "jit"}},
         "write NAME=VALUE, or NAME= for PostgreSQL's default",
         {{"replay-setting", "jit="}}},
        {{{"replay-setting", "fsync=on"}},
         "leave it out: everything is flushed to disk once, before the hand-over",
         {}},
        {{{"system-identifier", "demo"}},
         "write the number that pg_controldata and pgbackrest info --output=json show",
         {{"system-identifier", "7710953412442782829"}}},
        {{{"source", "gone"}},
         "write fenced when the old cluster cannot come back, or leave source out",
         {{"source", "fenced"}}},
        {{{"recovery", "both"}},
         "use standalone or patroni, or leave it out: it follows from patroni.yml",
         {{"recovery", "standalone"}}},
    };
    for (const auto& hint : hints) {
        CAPTURE(hint.said);
        const auto refused = refusals(hint.wrong);
        REQUIRE(refused.size() == 1);
        CHECK(refused.front().hint == hint.said);
        CHECK(refusals(hint.right) == Problems{});
    }
}

TEST_CASE("a hint that is followed in the block leaves nothing to refuse") {
    struct Hint {
        std::string wrong, said, right;
    };
    for (const auto& hint : std::vector<Hint>{
             {"    type: name\n    target: 1_000\n", "put it in quotes: '1_000'",
              "    type: name\n    target: '1_000'\n"},
             {"    db-include: {a: {b: c}}\n", "write a value, a list of values, or a map of names and values",
              "    db-include: [a]\n"},
             {"    type: [a, b]\n", "give one value instead of a list", "    type: immediate\n"},
             {"    proces-max: 4\n", "did you mean 'process-max'?", "    process-max: 4\n"},
         }) {
        CAPTURE(hint.wrong);
        const auto refused = refusals_of(with_block(hint.wrong));
        REQUIRE_FALSE(refused.empty());
        CHECK(refused.front().hint == hint.said);
        CHECK(refusals_of(with_block(hint.right)) == Problems{});
    }
}
