#include "show/metrics.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "support/requests.hpp"
#include "system/lock.hpp"

#include <chrono>
#include <ctime>
#include <future>
#include <list>
#include <utility>
#include <vector>

using namespace patroni_pgbackrest;
using State = RunStatus::State;

namespace {

constexpr std::int64_t begin = 1795330800;
const std::string name = "patroni_pgbackrest_";

RunStatus done() {
    RunStatus status;
    status.state = State::done;
    status.scope = "prod";
    status.stanza = "demo";
    status.target = "latest";
    status.started = begin;
    status.updated = begin + 100;
    status.plan = {"20261122-090000F",         1,       2, "standalone", 200, "000000010000000000000005",
                   "0000000200000000000000CC", 31457280};
    status.phase.phase = "hand-over";
    status.phases = {{"copy", 40.25}, {"replay", 30}, {"copy", 0.126}};
    status.reached = "0/7000158 (no recovery target specified), new timeline 3";
    status.reached_time = begin - 60;
    status.window_end = begin - 60;
    return status;
}

RunStatus failed() {
    RunStatus status;
    status.state = State::failed;
    status.started = begin + 1000;
    status.updated = begin + 1001;
    status.phase.phase = "request";
    status.last_error = RunStatus::Error{2, "unknown option", "leave it out", begin + 1001};
    return status;
}

RunStatus of_cluster(RunStatus status, const std::string& scope, const std::string& stanza) {
    status.scope = scope;
    status.stanza = stanza;
    return status;
}

bool has(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + name + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("the metrics of a restore tell how it ended, when, how long each phase took, and what was reached") {
    CHECK(metrics_text(restore_metrics, done(), "")
              .starts_with("# HELP patroni_pgbackrest_last_run_success Whether the last run was done (1), or failed or "
                           "was interrupted (0).\n"
                           "# TYPE patroni_pgbackrest_last_run_success gauge\n"
                           "patroni_pgbackrest_last_run_success{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 1\n"
                           "# HELP patroni_pgbackrest_last_run_exit_code "));
    const auto text = metrics_text(restore_metrics, done(), "");
    const std::string labels = "{run=\"restore\",scope=\"prod\",stanza=\"demo\"";
    for (const auto* line :
         {"last_run_exit_code{} 0", "last_run_start_timestamp_seconds{} 1795330800",
          "last_run_end_timestamp_seconds{} 1795330900", "last_success_timestamp_seconds{} 1795330900",
          "last_run_phase_duration_seconds{,phase=\"copy\"} 40.38",
          "last_run_phase_duration_seconds{,phase=\"replay\"} 30", "last_run_backup_size_bytes{} 31457280",
          "last_run_wal_segments{} 200", "last_run_target_reached{} 1",
          "last_run_reached_timestamp_seconds{} 1795330740", "last_run_window_end_timestamp_seconds{} 1795330740"}) {
        CAPTURE(line);
        auto wanted = std::string(line);
        CHECK(has(text, wanted.replace(wanted.find('{'), 1, labels)));
    }
    CHECK(
        has(text, "last_run_info" + labels +
                      ",phase=\"hand-over\",backup_set=\"20261122-090000F\",recovery=\"standalone\",target=\"latest\","
                      "version=\"" PATRONI_PGBACKREST_VERSION "\"} 1"));
}

TEST_CASE("what is not known of a run has no metric, and a failure keeps the time of the last success") {
    const auto before = metrics_text(restore_metrics, done(), "");
    const auto text = metrics_text(restore_metrics, of_cluster(failed(), "prod", "demo"), before);
    CHECK(has(text, "last_run_success{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 0"));
    CHECK(has(text, "last_run_exit_code{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 2"));
    CHECK(has(text, "last_run_target_reached{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 0"));
    CHECK(has(text, "last_success_timestamp_seconds{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 1795330900"));
    CHECK_FALSE(has(text, "last_run_success{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 1"));
    for (const auto* absent : {"backup_size", "wal_segments", "reached_timestamp", "window_end", "phase_duration"}) {
        CAPTURE(absent);
        CHECK(text.find(absent) == std::string::npos);
    }
    CHECK(metrics_text(restore_metrics, done(), text) == before);
}

TEST_CASE("the metrics of two clusters stand beside each other, and neither's success hides the other's failure") {
    const auto first = metrics_text(drill_metrics, of_cluster(done(), "first", "demo"), "");
    const auto both = metrics_text(drill_metrics, of_cluster(failed(), "second", "demo"), first);
    const std::string of_first = "last_run_success{run=\"drill\",scope=\"first\",stanza=\"demo\"}";
    const std::string of_second = "last_run_success{run=\"drill\",scope=\"second\",stanza=\"demo\"}";
    CHECK(has(both, of_first + " 1"));
    CHECK(has(both, of_second + " 0"));
    const auto again = metrics_text(drill_metrics, of_cluster(done(), "first", "demo"), both);
    CHECK(has(again, of_first + " 1"));
    CHECK(has(again, of_second + " 0"));
    CHECK(again.find(of_first) == again.rfind(of_first));
    const auto of_another = metrics_text(drill_metrics, of_cluster(done(), "first", "demonstration"), again);
    CHECK(has(of_another, of_first + " 1"));
}

TEST_CASE("a run that failed before its cluster was known is told beside all, until one that may be its own ends") {
    const auto before = metrics_text(restore_metrics, done(), "");
    for (const auto& [scope, stanza] : {std::pair("", ""), std::pair("prod", ""), std::pair("", "demo")}) {
        CAPTURE(scope);
        CAPTURE(stanza);
        const auto text = metrics_text(restore_metrics, of_cluster(failed(), scope, stanza), before);
        const auto labels = "{run=\"restore\",scope=\"" + std::string(scope) + "\",stanza=\"" + stanza + "\"}";
        CHECK(has(text, "last_run_success" + labels + " 0"));
        CHECK(has(text, "last_run_success{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 1"));
        CHECK(metrics_text(restore_metrics, done(), text) == before);
    }
}

TEST_CASE("in patroni mode nobody knows at the hand-over whether the target is reached") {
    auto status = done();
    status.plan->recovery = "patroni";
    status.reached.clear();
    status.reached_time.reset();
    CHECK(metrics_text(restore_metrics, status, "").find("target_reached") == std::string::npos);
}

TEST_CASE("the metrics of restores and of drills stand beside each other, and each family is told once") {
    const auto both = metrics_text(drill_metrics, failed(), metrics_text(restore_metrics, done(), ""));
    CHECK(has(both, "last_run_success{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 1"));
    CHECK(has(both, "last_run_success{run=\"drill\",scope=\"\",stanza=\"\"} 0"));
    const std::string type = "# TYPE " + name + "last_run_success gauge\n";
    CHECK(both.find(type) == both.rfind(type));
    auto later = done();
    later.updated += 1;
    const auto again = metrics_text(restore_metrics, later, both);
    CHECK(has(again, "last_run_success{run=\"drill\",scope=\"\",stanza=\"\"} 0"));
    CHECK(has(again, "last_success_timestamp_seconds{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 1795330901"));
    CHECK_FALSE(
        has(again, "last_success_timestamp_seconds{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 1795330900"));
}

TEST_CASE("a label holds any text, and what is no metric of ours is not kept") {
    auto status = done();
    status.target = "name a\\b\"c\nd\xE9";
    const auto text = metrics_text(restore_metrics, status, "node_load1 5\nnonsense\n");
    CHECK(text.find("target=\"name a\\\\b\\\"c\\nd\xEF\xBF\xBD\"") != std::string::npos);
    CHECK(text.find("node_load1") == std::string::npos);
    CHECK(text.find("nonsense") == std::string::npos);
}

TEST_CASE("runs that end at the same time keep each other's metrics") {
    const Files files;
    const auto file = files.path("patroni_pgbackrest.prom");
    const std::vector<std::string> scopes = {"one", "two", "three", "four"};
    std::list<system::Forked> writers;
    for (const auto& scope : scopes) {
        writers.emplace_back([&file, scope] {
            write_metrics(file, restore_metrics, of_cluster(done(), scope, "demo"));
            return 0;
        });
    }
    for (auto& writer : writers) {
        CHECK(writer.wait() == 0);
    }
    for (const auto& scope : scopes) {
        CHECK(has(files.read("patroni_pgbackrest.prom"),
                  "last_run_success{run=\"restore\",scope=\"" + scope + "\",stanza=\"demo\"} 1"));
    }
}

TEST_CASE("who writes metrics waits until another one has written, and keeps what that has told") {
    using namespace std::chrono_literals;
    const Files files;
    const auto file = files.path("patroni_pgbackrest.prom");
    auto other = system::lock_for_replacing(file, 0ms);
    REQUIRE(other.is_open());
    auto writer = std::async(std::launch::async, [&] { write_metrics(file, restore_metrics, done()); });
    CHECK(writer.wait_for(200ms) == std::future_status::timeout);
    system::replace_public_file(file, metrics_text(drill_metrics, failed(), ""), 0644);
    other = system::Descriptor();
    writer.get();
    const auto text = files.read("patroni_pgbackrest.prom");
    CHECK(has(text, "last_run_success{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 1"));
    CHECK(has(text, "last_run_success{run=\"drill\",scope=\"\",stanza=\"\"} 0"));
}

TEST_CASE("whoever tells of a run that could not do it itself leaves what a later run has told") {
    const Files files;
    const auto file = files.path("patroni_pgbackrest.prom");
    auto known = done();
    known.started = known.updated = 1000;
    auto later = failed();
    later.updated = 2000;
    write_metrics(file, restore_metrics, later);
    const auto told = files.read("patroni_pgbackrest.prom");
    write_metrics(file, restore_metrics, known, Teller::finder);
    CHECK(files.read("patroni_pgbackrest.prom") == told);
    known.updated = 2000;
    write_metrics(file, restore_metrics, known, Teller::finder);
    CHECK(has(files.read("patroni_pgbackrest.prom"),
              "last_run_success{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 1"));
    known.updated = std::time(nullptr) + 3600;  // the clock was wrong
    write_metrics(file, restore_metrics, known);
    write_metrics(file, restore_metrics, of_cluster(later, "prod", "demo"), Teller::finder);
    CHECK(has(files.read("patroni_pgbackrest.prom"),
              "last_run_success{run=\"restore\",scope=\"prod\",stanza=\"demo\"} 0"));
}

TEST_CASE("the metrics file is replaced in one step, and everybody may read it") {
    const Files files;
    const auto file = files.path("patroni_pgbackrest.prom");
    write_metrics(file, restore_metrics, done());
    write_metrics(file, drill_metrics, failed());
    CHECK(files.read("patroni_pgbackrest.prom") ==
          metrics_text(drill_metrics, failed(), metrics_text(restore_metrics, done(), "")));
    CHECK(system::entries(files.path()) == std::vector<std::string>{"patroni_pgbackrest.prom"});
    using std::filesystem::perms;
    CHECK((std::filesystem::status(file).permissions() & perms::all) ==
          (perms::owner_read | perms::owner_write | perms::group_read | perms::others_read));
    for (const std::string foreign : {"node_load1 5\n", "# HELP other x\n", "scope: demo\n"}) {
        const auto before = files.read("patroni_pgbackrest.prom") + foreign;
        files.write("patroni_pgbackrest.prom", before);
        CHECK(problems_of(ExitCode::unsafe, [&] { write_metrics(file, restore_metrics, done()); }).size() == 1);
        CHECK(files.read("patroni_pgbackrest.prom") == before);
        files.write("patroni_pgbackrest.prom", "");
    }
    CHECK(problems_of(ExitCode::system_refused, [&] {
              write_metrics(files.path("away/x.prom"), restore_metrics, done());
          }).size() == 1);
}
