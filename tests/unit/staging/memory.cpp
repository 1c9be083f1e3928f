#include "staging/memory.hpp"

#include "support/catch.hpp"
#include "support/restore.hpp"

#include <cstdlib>

using namespace patroni_pgbackrest;
using namespace std::chrono_literals;

namespace {

EarlierFailure lasting_failure() {
    EarlierFailure failure;
    failure.request = "scope demo";
    failure.exit_code = 4;
    failure.message = "the archive does not reach the target";
    failure.hint = "choose another target";
    failure.lasts = true;
    failure.facts = "facts";
    failure.in_a_row = 1;
    failure.at = 1795347600;
    return failure;
}

}  // namespace

TEST_CASE("a failure is written down and read again") {
    const Files files;
    const auto file = files.path("failure.json");
    CHECK_FALSE(EarlierFailure::read(file));
    lasting_failure().save(file);
    const auto read = EarlierFailure::read(file);
    REQUIRE(read);
    CHECK(read->message == "the archive does not reach the target");
    CHECK(read->in_a_row == 1);
    CHECK(read->at == 1795347600);
}

TEST_CASE("a damaged memory is none: it must not stand in the way of a restore") {
    const Files files;
    files.write("failure.json", "{");
    CHECK_FALSE(EarlierFailure::read(files.path("failure.json")));
    lasting_failure().save(files.path("failure.json"));
    const auto whole = files.read("failure.json");
    for (const std::string number : {"1.76e58", "-1", "0.5", "18446744073709551615", "true"}) {
        CAPTURE(number);
        auto text = whole;
        text.replace(text.find("1795347600"), 10, number);
        CHECK_FALSE(EarlierFailure::read(files.write("failure.json", text)));
        text = whole;
        text.replace(text.find("\"in_a_row\": 1"), 13, "\"in_a_row\": " + number);
        CHECK_FALSE(EarlierFailure::read(files.write("failure.json", text)));
    }
}

TEST_CASE("a memory of a newer version counts for nothing, and an older one is read") {
    const Files files;
    const std::string oldest = R"({"request": "scope demo", "exit_code": 4, "message": "too far", "hint": "choose",
        "lasts": true, "facts": "facts", "in_a_row": 3, "at": 1795347600})";
    const auto read = [&](const std::string& begin) {
        return EarlierFailure::read(files.write("failure.json", begin + oldest.substr(1)));
    };
    CHECK(read("{").value().in_a_row == 3);
    CHECK(read("{\"version\": 1, ").value().message == "too far");
    CHECK_FALSE(read("{\"version\": 2, "));
    lasting_failure().save(files.path("failure.json"));  // the next failure takes its place
    CHECK(EarlierFailure::read(files.path("failure.json")).value().in_a_row == 1);
}

TEST_CASE("the same lasting failure is not tried again until something changes") {
    const auto again = repeated(lasting_failure(), "facts", "/srv/data.restoring.d/failure.json");
    REQUIRE(again);
    CHECK(again->code() == ExitCode::target_not_reachable);
    CHECK(
        std::string(again->what()) ==
        "the same restore failed at 2026-11-22 11:40:00 UTC, and nothing has changed since: the archive does not reach "
        "the target");
    CHECK(again->problems().front().hint ==
          "remove /srv/data.restoring.d/failure.json to try it again, when this is done: choose another target");
    CHECK_FALSE(repeated(lasting_failure(), "other facts", "failure.json"));
    auto passing = lasting_failure();
    passing.lasts = false;
    CHECK_FALSE(repeated(passing, "facts", "failure.json"));
}

TEST_CASE("another setting of the replay is worth another try") {
    Request request;
    const auto plan = make_plan(request, one_timeline());
    const auto before = facts_of(request, plan);
    CHECK(facts_of(request, plan) == before);
    request.replay_settings = {{"shared_buffers", "64GB"}};
    const auto tried = facts_of(request, plan);
    CHECK(tried != before);
    request.replay_settings = {{"shared_buffers", "1GB"}};
    CHECK(facts_of(request, plan) != tried);
}

TEST_CASE("a cluster that verify rejected is not handed over again until something changes") {
    const Files files;
    Request request;
    request.data_directory = files.path("data");
    const auto layout = choose_layout(request.data_directory);
    std::filesystem::create_directories(layout.workspace);
    auto plan = make_plan(request, one_timeline());
    CHECK_NOTHROW(refuse_rejected(request, plan, layout));
    Journal journal;
    journal.request = identity_of(request);
    journal.backup_set = plan.backup.label;
    journal.phase = Phase::handed_over;
    journal.goal = RestoreGoal{request.target, plan.timeline(), plan.wal.last(), plan.segment_size, false};
    journal.save(layout.journal());
    CHECK_NOTHROW(refuse_rejected(request, plan, layout));
    remember_rejection(layout, {"probe 1 returned 'false'", "choose another target", ""}, std::nullopt);
    CHECK(problems_of(ExitCode::verification_failed, [&] { refuse_rejected(request, plan, layout); }) ==
          Problems{
              {"the same restore was rejected by verify, and nothing has changed since: probe 1 returned 'false'",
               "choose another target; or remove " + layout.journal().string() + " to have the same restored again"}});
    auto other = request;
    other.backup_set = "20261122-080000F";
    CHECK_NOTHROW(refuse_rejected(other, plan, layout));
    // The rejected cluster's own timeline is in the archive now.
    plan = make_plan(request, two_timelines());
    plan.archive_end.last_segments[postgres::Timeline{1}] = {segment(1, 9), 0};
    CHECK(problems_of(ExitCode::verification_failed, [&] { refuse_rejected(request, plan, layout); }).size() == 1);
    plan.archive_end.last_segments[postgres::Timeline{1}] = {segment(1, 10), 0};
    CHECK_NOTHROW(refuse_rejected(request, plan, layout));
    plan = make_plan(request, one_timeline());
    plan.backup.label = "20261122-100000F";
    CHECK_NOTHROW(refuse_rejected(request, plan, layout));
    plan = make_plan(request, one_timeline());
    request.patroni = patroni_yml("scope: demo\n");
    CHECK_NOTHROW(refuse_rejected(request, plan, layout));
}

TEST_CASE("that verify rejected it is written down before anything in the directory is read") {
    const Restore restore;
    restore.interrupt(Phase::handed_over);
    const auto layout = choose_layout(restore.data());
    auto journal = Journal::read(layout.journal()).value();
    journal.goal = RestoreGoal{restore.request.target, {1}, restore.plan.wal.last(), restore.plan.segment_size, false};
    journal.save(layout.journal());
    const auto pg_wal = restore.data() / "pg_wal";
    fs::create_directories(pg_wal);
    fs::permissions(pg_wal, fs::perms::none);
    try {
        remember_rejection(layout, {"probe 1 returned 'false'", "", ""}, std::nullopt);
    } catch (const Failure& failure) {  // root may read it all the same
        CHECK(std::string(failure.what()).find("pg_wal") != std::string::npos);
    }
    fs::permissions(pg_wal, fs::perms::owner_all);
    CHECK(Journal::read(layout.journal())->rejected);
}

TEST_CASE("every further failure in a row waits longer, from its own end on") {
    CHECK(pause_after(0, 1000, 1000) == 0s);
    CHECK(pause_after(1, 1000, 1000) == 0s);
    CHECK(pause_after(2, 1000, 1000) == 10s);
    CHECK(pause_after(3, 1000, 1000) == 20s);
    CHECK(pause_after(3, 1000, 1015) == 5s);
    CHECK(pause_after(3, 1000, 2000) == 0s);
    CHECK(pause_after(4, 1000, 900) == 40s);  // the clock was set back
    CHECK(pause_after(50, 1000, 1000) == 300s);
}

TEST_CASE("failures are counted, interruptions are not") {
    const auto first = remembered(Failure(ExitCode::pgbackrest_failed, "m", "h").lasting(), std::nullopt, "r", "f", 7);
    REQUIRE(first);
    CHECK(first->lasts);
    CHECK(first->in_a_row == 1);
    CHECK(first->at == 7);
    const auto second = remembered(Failure(ExitCode::repository_unreachable, "m", "h"), first, "r", "f", 8);
    CHECK_FALSE(second->lasts);
    CHECK(second->in_a_row == 2);
    CHECK_FALSE(remembered(Failure(ExitCode::terminated, "m", "h"), std::nullopt, "r", "f", 9));
    CHECK(remembered(Failure(ExitCode::hangup, "m", "h"), second, "r", "f", 9)->in_a_row == 2);
}

TEST_CASE("a run knows the failures of its own request, and adds its own") {
    const Restore restore;
    const auto layout = choose_layout(restore.data());
    fs::create_directories(layout.workspace);
    const auto memory = [&](const Request& request) { return FailureMemory(request, restore.plan, layout, {}); };
    const Failure failure = Failure(ExitCode::pgbackrest_failed, "it failed", "mend it").lasting();
    CHECK_FALSE(memory(restore.request).last());
    memory(restore.request).remember(Failure(ExitCode::terminated, "terminated", ""));
    CHECK_FALSE(fs::exists(layout.failure()));
    memory(restore.request).remember(failure);
    memory(restore.request).remember(failure);
    REQUIRE(memory(restore.request).last());
    CHECK(memory(restore.request).last()->in_a_row == 2);
    CHECK(problems_of(ExitCode::pgbackrest_failed, [&] { memory(restore.request).refuse_repetition(); }).front().hint ==
          "remove " + layout.failure().string() + " to try it again, when this is done: mend it");
    auto other = restore.request;
    other.target = {Immediate{}};
    CHECK_FALSE(memory(other).last());
    CHECK_NOTHROW(memory(other).refuse_repetition());
}

TEST_CASE("the state of what PostgreSQL's last words name is looked at again") {
    const Files files;
    Restore restore;
    restore.request.patroni = patroni_yml("postgresql: {bin_dir: " + files.path("15/bin").string() + "}\n");
    const auto layout = choose_layout(restore.data());
    fs::create_directories(layout.workspace);
    const auto is_refused = [&] {
        return !problems_of(ExitCode::preflight_refused, [&] {
                    FailureMemory(restore.request, restore.plan, layout, files.path("15/bin")).refuse_repetition();
                }).empty();
    };
    FailureMemory(restore.request, restore.plan, layout, files.path("15/bin"))
        .remember(Failure(ExitCode::preflight_refused, "set aside", "change something").lasting(),
                  "FATAL:  could not access file \"pgaudit\": No such file or directory");
    CHECK(is_refused());
    files.write("15/lib/other.so", "");
    CHECK(is_refused());
    files.write("15/lib/pgaudit.so", "");
    CHECK_FALSE(is_refused());
}

TEST_CASE("patroni.yml belongs to the circumstances, but no password in it: they are kept in every backup") {
    const auto circumstances = [](const std::string& superuser) {
        Request request;
        request.patroni = patroni_yml("scope: demo\npostgresql: {authentication: {superuser: {" + superuser + "}}}\n");
        return circumstances_of(request);
    };
    const auto before = circumstances("username: postgres, password: one");
    CHECK(circumstances("username: postgres, password: two") == before);
    CHECK(circumstances("username: postgres") != before);
    CHECK(circumstances("username: chief, password: one") != before);
}

TEST_CASE("whatever pgBackRest reads belongs to the circumstances") {
    const Files files;
    Request request;
    const auto differs_after = [&](const auto& change) {
        const auto before = circumstances_of(request);
        CHECK(circumstances_of(request) == before);
        change();
        return circumstances_of(request) != before;
    };
    CHECK(
        differs_after([&] { request.pgbackrest.configuration = files.write("a.conf", "[global]\nrepo1-path=/a\n"); }));
    CHECK(differs_after([&] { files.write("a.conf", "[global]\nrepo1-path=/b\n"); }));
    CHECK_FALSE(differs_after([&] { files.write("a.conf", "# as before\n[global]\nrepo1-path = /b\n"); }));
    CHECK(differs_after([&] { files.write("a.conf", "broken\n"); }));
    CHECK(differs_after([&] { std::filesystem::remove(files.path("a.conf")); }));

    request.pgbackrest.configuration.reset();
    CHECK(differs_after([&] { ::setenv("PGBACKREST_CONFIG", files.write("b.conf", "[a]\n").c_str(), 1); }));
    files.write("more/c.conf", "[global]\n");
    CHECK(differs_after([&] { ::setenv("PGBACKREST_CONFIG_INCLUDE_PATH", files.path("more").c_str(), 1); }));
    CHECK(differs_after([&] { files.write("more/c.conf", "[global]\nrepo1-cipher-pass=corrected\n"); }));
    CHECK(circumstances_of(request).find("corrected") == std::string::npos);
    CHECK_FALSE(differs_after([&] { ::setenv("PGBACKREST_REPO1_S3_TOKEN", "of this session", 1); }));
    ::unsetenv("PGBACKREST_REPO1_S3_TOKEN");
    ::unsetenv("PGBACKREST_CONFIG_INCLUDE_PATH");
    ::unsetenv("PGBACKREST_CONFIG");
}
