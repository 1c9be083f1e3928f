#include "commands/status.hpp"

#include "show/status.hpp"
#include "support/catch.hpp"
#include "support/forked.hpp"
#include "support/restore.hpp"
#include "system/text.hpp"

#include <cstdio>
#include <ctime>
#include <unistd.h>

using namespace patroni_pgbackrest;

namespace {

/// The exit code of `status`, and what it printed.
struct Printed {
    int code;
    std::string text, errors;
};

Printed run_status(const Files& files, const commands::StatusArguments& arguments) {
    const auto output = files.write("output", "");
    system::Forked process([&] {
        if (std::freopen(output.c_str(), "w", stdout) == nullptr) {
            return 99;
        }
        const auto code = static_cast<int>(commands::status(arguments));
        std::fflush(stdout);
        return code;
    });
    const int code = process.wait();
    return {code, files.read("output"), process.errors()};
}

RunStatus copying(RunStatus::State state) {
    RunStatus status;
    status.process = ProcessMark::of_this_process();
    status.state = state;
    status.updated = std::time(nullptr);
    status.phase.phase = "copy";
    return status;
}

}  // namespace

TEST_CASE("status finds what runs beside a data directory, and in it") {
    const Restore restore;
    for (const std::string workspace : {"data.restoring.d", "data/.restoring.d"}) {
        restore.files.write(workspace + "/journal.json", "{");
        write_status(copying(RunStatus::State::running), restore.files.path(workspace + "/status.json"));
        const auto printed = run_status(restore.files, {.data_directory = restore.data().string()});
        CHECK(printed.code == 0);
        CHECK(printed.text == "restore    running, in the phase copy\ndirectory  " + restore.data().string() + "\n");
        CHECK(printed.errors.empty());
        fs::remove_all(restore.files.path(workspace));
    }
}

TEST_CASE("status finds what runs behind a link whose directory is lost") {
    const Restore restore;
    fs::create_directories(restore.files.path("disk"));
    fs::create_directory_symlink(restore.files.path("disk/pg"), restore.data());
    restore.files.write("disk/pg.restoring.d/x", "");
    write_status(copying(RunStatus::State::running), restore.files.path("disk/pg.restoring.d/status.json"));
    const auto printed = run_status(restore.files, {.data_directory = restore.data().string()});
    CHECK(printed.text.starts_with("restore    running, in the phase copy\n"));
}

TEST_CASE("status knows a run by its process, and ends with its exit code") {
    const Restore restore;
    auto status = copying(RunStatus::State::running);
    ++status.process.start_time;
    restore.files.write("data.restoring.d/x", "");
    const auto file = restore.files.path("data.restoring.d/status.json");
    write_status(status, file);
    const commands::StatusArguments json{.data_directory = restore.data().string(), .json = true};
    const auto interrupted = run_status(restore.files, json);
    CHECK(interrupted.code == 143);
    CHECK(RunStatus::from_json(interrupted.text)->state == RunStatus::State::interrupted);
    status.state = RunStatus::State::failed;
    status.last_error = RunStatus::Error{6, "away", "bring it back", 1};
    write_status(status, file);
    CHECK(run_status(restore.files, json).code == 6);
    fs::remove(file);
    const auto none = run_status(restore.files, json);
    CHECK(none.code == 0);
    CHECK(RunStatus::from_json(none.text)->state == RunStatus::State::none);
}

TEST_CASE("status does not take what a newer program runs for nothing") {
    const Restore restore;
    const auto file = restore.files.write("data.restoring.d/status.json", R"({"schema": 2, "state": "running"})");
    const auto printed = run_status(restore.files, {.data_directory = restore.data().string()});
    CHECK(printed.code == 9);
    CHECK(printed.text.empty());
    CHECK(printed.errors.find("the status file " + file.string() + " has schema 2, and this program reads schema 1") !=
          std::string::npos);
}

TEST_CASE("a status that a crash has left damaged is not taken for none") {
    const Restore restore;
    for (const std::string content : {"", "{\"schema\": 1, \"state\": "}) {
        CAPTURE(content);
        const auto file = restore.files.write("data.restoring.d/status.json", content);
        const auto printed = run_status(restore.files, {.data_directory = restore.data().string()});
        CHECK(printed.code == 9);
        CHECK(printed.text.empty());
        CHECK(printed.errors.find("the status file " + file.string() + " is damaged") != std::string::npos);
    }
}

TEST_CASE("status writes the metrics of a restore that has ended, which its process could not when it was killed") {
    const Restore restore;
    auto status = copying(RunStatus::State::running);
    restore.files.write("data.restoring.d/x", "");
    const auto file = restore.files.path("data.restoring.d/status.json");
    write_status(status, file);
    const commands::StatusArguments arguments{.data_directory = restore.data().string(),
                                              .metrics_file = restore.files.path("x.prom").string()};
    CHECK(run_status(restore.files, arguments).code == 0);
    CHECK_FALSE(is_there(restore.files.path("x.prom")));
    ++status.process.start_time;
    write_status(status, file);
    CHECK(run_status(restore.files, arguments).code == 143);
    CHECK(restore.files.read("x.prom").find("patroni_pgbackrest_last_run_exit_code{run=\"restore\",scope=\"\","
                                            "stanza=\"\"} 143\n") != std::string::npos);
    fs::remove(restore.files.path("x.prom"));
    fs::remove(file);
    CHECK(run_status(restore.files, arguments).code == 0);  // none is known
    CHECK_FALSE(is_there(restore.files.path("x.prom")));
}

TEST_CASE("status watches until the restore ends") {
    const Restore restore;
    restore.files.write("data.restoring.d/x", "");
    const auto file = restore.files.path("data.restoring.d/status.json");
    write_status(copying(RunStatus::State::running), file);
    system::Forked ending([&] {
        ::usleep(300000);
        auto status = copying(RunStatus::State::done);
        status.updated += 2;
        write_status(status, file);
        return 0;
    });
    const auto printed =
        run_status(restore.files, {.data_directory = restore.data().string(), .watch = true, .json = true});
    CHECK(printed.code == 0);
    const auto lines = system::lines(printed.text);
    REQUIRE(lines.size() == 2);
    CHECK(RunStatus::from_json(lines[0])->state == RunStatus::State::running);
    CHECK(RunStatus::from_json(lines[1])->state == RunStatus::State::done);
}

TEST_CASE("a status that may not be read is not taken for none") {
    const Restore restore;
    restore.files.write("data.restoring.d/status.json", "{}");
    fs::permissions(restore.files.path("data.restoring.d"), fs::perms::none);
    const auto printed = run_status(restore.files, {.data_directory = restore.data().string()});
    fs::permissions(restore.files.path("data.restoring.d"), fs::perms::owner_all);
    const auto file = restore.files.path("data.restoring.d/status.json").string();
    if (::geteuid() != 0) {
        CHECK(printed.code == 2);
        CHECK(printed.errors == "cannot read " + file + ": Permission denied\n");
    }
}

TEST_CASE("status needs a data directory") {
    const Files files;
    const auto printed = run_status(files, {.patroni_config = files.write("patroni.yml", "scope: demo\n").string()});
    CHECK(printed.code == 2);
    CHECK(printed.errors == "neither a data directory nor a patroni.yml with postgresql.data_dir is given\n");
}
