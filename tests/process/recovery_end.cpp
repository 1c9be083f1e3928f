#include "program.hpp"
#include "support/catch.hpp"

#include <csignal>
#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;

/// What the marker lines of a block look like is the business of the file that writes them: a real one.
const std::string before = "listen_addresses = 'localhost'\n";
const std::string title = "patroni_pgbackrest: recovery under way, removed at its end";
const std::string with_block = before + "# patroni_pgbackrest: " + title +
                               ", begin\nrestore_command = 'x'\n# patroni_pgbackrest: " + title + ", end\n";

json ticket(const std::string& base_configuration) {
    return {{"version", 1},
            {"recovery", "patroni"},
            {"scope", "demo"},
            {"target", "xid 748"},
            {"latest", false},
            {"explicit_timeline", false},
            {"newest_timeline", true},
            {"timeline", 1},
            {"wal", json::array()},
            {"archive_get", {"pgbackrest"}},
            {"retries", 0},
            {"retry_wait", 0},
            {"base_configuration", base_configuration}};
}

struct Ended {
    Directory directory;
    std::string errors{};

    int run() {
        Program::How how;
        how.directory = directory.path();
        Program program({"recovery-end"}, how);
        const int code = program.wait();
        errors = program.errors();
        return code;
    }
};

}  // namespace

TEST_CASE("recovery-end does nothing where there is no ticket") {
    Ended ended;
    const auto block = before + "# patroni_pgbackrest: something\n";
    ended.directory.write("postgresql.base.conf", block);
    CHECK(ended.run() == 0);
    CHECK(ended.errors.empty());
    CHECK(ended.directory.read("postgresql.base.conf") == block);
    CHECK(ended.directory.entries() == Words{"postgresql.base.conf"});
}

TEST_CASE("recovery-end takes block, ticket and notes away, and leaves everything else as it was") {
    Ended ended;
    const auto base = ended.directory.write("conf/postgresql.base.conf", with_block).string();
    ended.directory.write("postgresql.base.conf.backup", with_block);
    ended.directory.write("patroni_pgbackrest.ticket", ticket(base).dump());
    ended.directory.write("patroni_pgbackrest.replay", "{}");
    ended.directory.write("PG_VERSION", "15\n");
    CHECK(ended.run() == 0);
    CHECK(contains(ended.errors, " INFO: recovery to xid 748 ended: block removed from " + base + "\n"));
    CHECK(ended.directory.read("conf/postgresql.base.conf") == before);
    CHECK(ended.directory.read("postgresql.base.conf.backup") == before);
    CHECK(ended.directory.entries() == Words{"PG_VERSION", "conf", "postgresql.base.conf.backup"});
    CHECK(ended.run() == 0);
}

TEST_CASE("recovery-end takes away what was fetched ahead, and ends who fetches it") {
    Ended ended;
    const auto spool = ended.directory.path("data.restoring.d/spool").string();
    ended.directory.write("data.restoring.d/spool/archive/demo/in/000000010000000000000002", "ahead");
    ended.directory.write("data.restoring.d/pgbackrest-lock/demo-archive-1.lock", "");
    auto content = ticket("");
    content["archive_get"] = {"pgbackrest", "--archive-async", "--spool-path=" + spool};
    ended.directory.write("patroni_pgbackrest.ticket", content.dump());
    SECTION("with the journal beside it") {
        ended.directory.write("data.restoring.d/journal.json", "{}");
        CHECK(ended.run() == 0);
        CHECK(ended.directory.entries("data.restoring.d") == Words{"journal.json"});
    }
    SECTION("while it is being fetched") {
        Program::How how;
        how.executable = "/bin/sh";
        how.name = "sh";
        const auto script = "echo $$ >" + ended.directory.path("pid").string() + "; while :; do sleep 0.1; done";
        Program fetching({"-c", script, "--spool-path=" + spool}, how);
        CHECK(ended.directory.pid_in("pid") > 0);
        CHECK(ended.run() == 0);
        CHECK(fetching.wait() == 128 + SIGTERM);
        CHECK_FALSE(ended.directory.has("data.restoring.d"));
    }
    SECTION("nothing that is not named as the program names it") {
        content["archive_get"] = {"pgbackrest", "--spool-path=" + spool + "/archive"};
        ended.directory.write("patroni_pgbackrest.ticket", content.dump());
        CHECK(ended.run() == 0);
        CHECK(ended.directory.has("data.restoring.d/spool/archive/demo/in/000000010000000000000002"));
    }
    CHECK_FALSE(ended.directory.has("patroni_pgbackrest.ticket"));
}

TEST_CASE("recovery-end in a directory that was set aside leaves the next restore's block and spool alone") {
    Ended ended;
    const auto base = ended.directory.write("next/postgresql.base.conf", with_block).string();
    const std::string ahead = "data.restoring.d/spool/archive/demo/in/000000010000000000000002";
    ended.directory.write(ahead, "ahead");
    auto content = ticket(base);
    content["archive_get"] = {"pgbackrest", "--archive-async",
                              "--spool-path=" + ended.directory.path("data.restoring.d/spool").string()};
    SECTION("that is in its place") {
        content["data_directory"] = ended.directory.path("next").string();
        ended.directory.write("patroni_pgbackrest.ticket", content.dump());
        CHECK(ended.run() == 0);
        CHECK(ended.directory.read("next/postgresql.base.conf") == with_block);
    }
    SECTION("that is being copied") {
        content["data_directory"] = ended.directory.path("absent").string();
        ended.directory.write("patroni_pgbackrest.ticket", content.dump());
        CHECK(ended.run() == 0);
    }
    CHECK(ended.directory.has(ahead));
    CHECK_FALSE(ended.directory.has("patroni_pgbackrest.ticket"));
}

TEST_CASE("recovery-end takes the ticket away where the block is gone already") {
    Ended ended;
    const auto base = ended.directory.write("postgresql.base.conf", before).string();
    ended.directory.write("patroni_pgbackrest.ticket", ticket(base).dump());
    CHECK(ended.run() == 0);
    CHECK(ended.directory.read("postgresql.base.conf") == before);
    CHECK(ended.directory.entries() == Words{"postgresql.base.conf"});
}

TEST_CASE("recovery-end says what is wrong with a damaged ticket, and leaves it") {
    Ended ended;
    ended.directory.write("patroni_pgbackrest.ticket", "{");
    CHECK(ended.run() == 8);
    CHECK(contains(ended.errors, " ERROR: patroni_pgbackrest.ticket is damaged: "));
    CHECK(ended.directory.has("patroni_pgbackrest.ticket"));
}
