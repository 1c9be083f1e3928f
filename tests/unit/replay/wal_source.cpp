#include "replay/wal_source.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/forked.hpp"

#include <csignal>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

using namespace patroni_pgbackrest;

TEST_CASE("what an earlier run fetched ahead is removed, and what may still fetch into it is ended") {
    const Files files;
    Layout layout;
    layout.workspace = files.path();
    files.write("spool/archive/demo/in/000000010000000000000002", "of an earlier run");
    const auto argument = "--spool-path=" + layout.spool().string();
    const auto script = "echo $$ >" + files.path("pid").string() + "; while :; do sleep 0.1; done";
    system::Forked fetching([=] { return ::execlp("sh", "sh", "-c", script.c_str(), argument.c_str(), nullptr); });
    system::pid_in(files.path("pid"));
    CHECK_FALSE(empty_spool(layout));
    CHECK(fetching.wait() == 128 + SIGTERM);
    CHECK_FALSE(std::filesystem::exists(layout.spool()));
    CHECK_FALSE(empty_spool(layout));  // nothing is left to do
}

TEST_CASE("what a ticket's guard fetched ahead is removed, and no directory of another name") {
    const Files files;
    const auto leave = [&](const std::string& spool) {
        Ticket ticket;
        ticket.archive_get = {"pgbackrest", "--archive-async", "--spool-path=" + files.path(spool).string()};
        leave_spool(ticket);
    };
    for (const std::string spool : {"data.restoring.d/queue", "data.d/spool", "data.restoring.d/spool"}) {
        CAPTURE(spool);
        const auto file = files.write(spool + "/archive/demo/in/000000010000000000000002", "ahead");
        leave(spool);
        CHECK(std::filesystem::exists(file) == (spool != "data.restoring.d/spool"));
    }
    leave_spool(Ticket{});
}

TEST_CASE("archive-get fetches ahead into the restore's own spool, with the locks beside it") {
    Request request;
    request.processes = 3;
    Layout layout;
    layout.workspace = "/data.restoring.d";
    std::vector<std::string> words;
    for (const auto& option : options_ahead(request, layout, 33554432)) {
        words.push_back(option.name + " " + option.value);
    }
    CHECK(words == std::vector<std::string>{"archive-async ", "archive-get-queue-max 33554432", "process-max 3",
                                            "spool-path /data.restoring.d/spool",
                                            "lock-path /data.restoring.d/pgbackrest-lock"});
}
