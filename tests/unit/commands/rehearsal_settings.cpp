#include "commands/rehearsal_settings.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::commands;

namespace {

namespace fs = std::filesystem;

const std::string yml = "scope: demo\n"
                        "bootstrap:\n"
                        "  method: pgbackrest\n"
                        "  pgbackrest:\n"
                        "    command: /usr/bin/patroni_pgbackrest bootstrap\n"
                        "    stanza: demo\n"
                        "    recovery: patroni\n"
                        "    repo: 2\n"
                        "    process-max: 8\n"
                        "    report: /var/log/restore.json\n"
                        "    tablespace-map: [ts1=/srv/ts1]\n"
                        "    link-all: y\n"
                        "    preload: pg_cron\n"
                        "    replay-setting: [shared_buffers=64GB]\n"
                        "    probe: [select true, app=select 1 = 1]\n"
                        "    rehearsals: /srv/history.jsonl\n"
                        "    recovery_conf:\n"
                        "      restore_command: patroni_pgbackrest archive-get %f \"%p\"\n"
                        "postgresql:\n"
                        "  data_dir: /data\n"
                        "  bin_dir: /usr/lib/postgresql/15/bin\n";

BootstrapArguments called_with(const Given& options) {
    BootstrapArguments given;
    given.options = options;
    given.patroni = patroni_yml(yml);
    return given;
}

RehearseArguments in_a_scratch_directory() {
    RehearseArguments arguments;
    arguments.scratch = "/scratch";
    return arguments;
}

Problems refusals_of(const RehearseArguments& arguments, const Given& options) {
    return problems_of(ExitCode::usage, [&] { rehearsal_settings(arguments, called_with(options)); });
}

bool has_option(const Request& request, const std::string& name) {
    const auto& options = request.restore_options;
    return std::any_of(options.begin(), options.end(), [&](const auto& option) { return option.name == name; });
}

}  // namespace

TEST_CASE("sizes are written with a unit, in multiples of 1024") {
    CHECK(bytes_in_words("1048576") == 1048576U);
    CHECK(bytes_in_words("512MB") == 512U << 20);
    CHECK(bytes_in_words("2g") == 2ULL << 30);
    CHECK(bytes_in_words(" 1.5 KB") == std::nullopt);
    CHECK(bytes_in_words("1.5KB") == 1536U);
    CHECK(bytes_in_words("0") == 0U);
    for (const char* text : {"", "b", "MB", "-1", "1x", "1.2.3GB", ".", "99999999999999PB"}) {
        CAPTURE(text);
        CHECK_FALSE(bytes_in_words(text));
    }
}

TEST_CASE("a rehearsal takes the method's block, but for where this node's restore puts its files and who replays") {
    const auto settings = rehearsal_settings(in_a_scratch_directory(), called_with({}));
    const auto& request = settings.request;
    CHECK(request.recovery == Recovery::standalone);
    CHECK_FALSE(request.patroni);
    CHECK(request.pgbackrest.stanza == "demo");
    CHECK(request.repository == 2U);
    CHECK(request.processes == 1U);
    CHECK_FALSE(request.report);
    CHECK_FALSE(has_option(request, "tablespace-map"));
    CHECK_FALSE(has_option(request, "link-all"));
    CHECK(request.preload_libraries.empty());
    CHECK(request.replay_settings.empty());
    CHECK(request.memory == 512U << 20);
    CHECK(settings.disk_floor == 1U << 30);
    CHECK(settings.scratch == "/scratch");
    CHECK(settings.data_directory == fs::path("/data"));
    CHECK(settings.bin_directory == fs::path("/usr/lib/postgresql/15/bin"));
    CHECK(settings.history == "/srv/history.jsonl");
    CHECK(settings.probes.size() == 2);
    CHECK_FALSE(settings.seed);
}

TEST_CASE("scope and stanza are known although the request is in error") {
    const auto of_block = called_with({{"process-max", "many"}});
    CHECK(names_of_cluster(of_block.options, of_block.patroni).scope == "demo");
    CHECK(names_of_cluster(of_block.options, of_block.patroni).stanza == "demo");
    const auto given = called_with({{"scope", "other"}, {"stanza", "old"}});
    CHECK(names_of_cluster(given.options, given.patroni).scope == "other");
    CHECK(names_of_cluster(given.options, given.patroni).stanza == "old");
    CHECK(names_of_cluster({}, std::nullopt).stanza.empty());
}

TEST_CASE("the command line of a rehearsal counts more than the block") {
    auto arguments = in_a_scratch_directory();
    arguments.memory = "2GB";
    arguments.disk_floor = "10MB";
    const auto settings = rehearsal_settings(arguments, called_with({{"process-max", "4"},
                                                                     {"report", "/tmp/report.json"},
                                                                     {"datadir", "/other"},
                                                                     {"probe", "select 2 > 1"},
                                                                     {"rehearsals", "/tmp/history"},
                                                                     {"set", "20261122-090000F"}}));
    CHECK(settings.request.processes == 4U);
    CHECK(settings.request.report == fs::path("/tmp/report.json"));
    CHECK(settings.request.backup_set == "20261122-090000F");
    CHECK(settings.request.memory == 2ULL << 30);
    CHECK(settings.disk_floor == 10U << 20);
    CHECK(settings.data_directory == fs::path("/other"));
    CHECK(settings.history == "/tmp/history");
    REQUIRE(settings.probes.size() == 1);
    CHECK(settings.probes[0].query == "select 2 > 1");
}

TEST_CASE("a rehearsal reads and writes as fast as it may unless a bandwidth is given") {
    auto arguments = in_a_scratch_directory();
    CHECK(rehearsal_settings(arguments, called_with({})).bandwidth == 0);
    arguments.bandwidth = "20MB";
    CHECK(rehearsal_settings(arguments, called_with({})).bandwidth == 20U << 20);
    for (const char* none : {"0", "0MB", "0.5"}) {
        CAPTURE(none);
        arguments.bandwidth = none;
        const auto problems = refusals_of(arguments, {});
        REQUIRE(problems.size() == 1);
        CHECK(problems.front() == Problem{fmt::format("'{}' would let nothing be read or written", none),
                                          "write it as 50MB; for no limit leave it out", "--bandwidth"});
    }
}

TEST_CASE("all of it lies in the scratch directory") {
    auto request = request_for({{"tablespace-map", "ts1=/srv/ts1"}, {"link-map", "pg_wal=/wal"}, {"link-all", "y"}});
    request = in_scratch(request, "/scratch", "/scratch/data", "/scratch/tablespaces");
    CHECK(request.data_directory == "/scratch/data");
    CHECK(request.scratch == fs::path("/scratch"));
    CHECK_FALSE(has_option(request, "tablespace-map"));
    CHECK_FALSE(has_option(request, "link-map"));
    CHECK_FALSE(has_option(request, "link-all"));
    REQUIRE(has_option(request, "tablespace-map-all"));
    CHECK(request.restore_options.back().value == "/scratch/tablespaces");
}

TEST_CASE("no tablespace's name leads out of the scratch directory") {
    using Kind = pgbackrest::BackupTarget::Kind;
    const auto request = in_scratch(request_for({}), "/scratch/own", "/scratch/own/data", "/scratch/own/tablespaces");
    for (const char* name : {"ts1", "a/b", "..."}) {
        CAPTURE(name);
        CHECK_FALSE(place_outside(request, {{Kind::tablespace, name, "16385", "/srv/ts1"}}));
    }
    for (const char* name : {"../../../srv/x", "..", ".", "../data.restoring", "a/../../../x"}) {
        CAPTURE(name);
        const auto outside = place_outside(request, {{Kind::tablespace, name, "16385", "/srv/ts1"}});
        REQUIRE(outside);
        CHECK(outside->message.starts_with("pg_tblspc/16385 would be restored to /"));
    }
    CHECK_FALSE(place_outside(request, {{Kind::link, "pg_wal", "", "/wal"}}));
}

TEST_CASE("this node's own restore is judged without what is said of the rehearsal alone") {
    const auto options = options_of_node(
        called_with({{"type", "immediate"}, {"set", "20261122-090000F"}, {"probe", "select 1"}, {"stanza", "other"}}));
    REQUIRE(options.size() == 2);
    CHECK(options[0].name == "stanza");
    CHECK(options[1].name == "datadir");
    CHECK(options[1].value == "/data");
}

TEST_CASE("a random moment keeps the block's set, which may say which cluster is meant") {
    auto arguments = in_a_scratch_directory();
    arguments.random = true;
    auto given = called_with({});
    given.patroni->method->entries.push_back({"set", {{"20261122-090000F", "patroni.yml:9"}}, "patroni.yml:9"});
    const auto settings = rehearsal_settings(arguments, given);
    CHECK(settings.request.target.is_latest());
    CHECK(settings.request.backup_set == "20261122-090000F");
}

TEST_CASE("a random moment is chosen by a seed, whatever target the block has") {
    auto arguments = in_a_scratch_directory();
    arguments.random = true;
    auto given = called_with({});
    given.patroni->method->entries.push_back({"type", {{"immediate", "patroni.yml:9"}}, "patroni.yml:9"});
    const auto settings = rehearsal_settings(arguments, given);
    CHECK(settings.seed);
    CHECK(is_for_latest(settings.request));
    arguments.seed = "42";
    CHECK(rehearsal_settings(arguments, called_with({})).seed == 42U);
    CHECK_FALSE(is_for_latest(rehearsal_settings(in_a_scratch_directory(), given).request));
}

TEST_CASE("what cannot be rehearsed is refused, all of it at once") {
    CHECK(refusals_of({}, {}).front().place == "--scratch");
    auto arguments = in_a_scratch_directory();
    arguments.memory = "much";
    arguments.bandwidth = "fast";
    arguments.seed = "7";
    arguments.dump = true;
    const auto problems = refusals_of(arguments, {{"link-all", ""},
                                                  {"reuse-data", "/lost"},
                                                  {"recovery", "patroni"},
                                                  {"db-exclude", "big"},
                                                  {"no-such-option", "given"}});
    const auto is_refused = [&](const std::string& place) {
        return std::any_of(problems.begin(), problems.end(), [&](const auto& each) { return each.place == place; });
    };
    for (const char* place :
         {"--link-all", "--reuse-data", "--recovery", "--memory", "--bandwidth", "--seed", "--no-such-option"}) {
        CAPTURE(place);
        CHECK(is_refused(place));
    }
    auto dumping = in_a_scratch_directory();
    dumping.dump = true;
    CHECK(refusals_of(dumping, {{"db-exclude", "big"}}).front().place == "--dump");
    auto random = in_a_scratch_directory();
    random.random = true;
    random.seed = "seven";
    CHECK(refusals_of(random, {{"type", "immediate"}}).size() == 2);
    auto kept = in_a_scratch_directory();
    kept.keep = true;
    kept.scratch = "/" + std::string(100, 'x');
    CHECK(refusals_of(kept, {}).front().place == "--scratch");
}
