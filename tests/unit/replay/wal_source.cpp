#include "replay/wal_source.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/forked.hpp"

#include <csignal>
#include <filesystem>
#include <string>
#include <unistd.h>

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
