#include "program.hpp"
#include "support/catch.hpp"

#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;

/// What the marker lines of a block look like is the business of the file that writes them: a real one.
const std::string before = "listen_addresses = 'localhost'\n";

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
    const std::string title = "patroni_pgbackrest: recovery under way, removed at its end";
    const auto with_block = before + "# patroni_pgbackrest: " + title +
                            ", begin\nrestore_command = 'x'\n# patroni_pgbackrest: " + title + ", end\n";
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
