#include "patroni/replica_methods.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

/// `name: program name=value …` of each.
Strings methods(const std::string& block) {
    const Files files;
    Strings shown;
    for (const auto& method : restoring_methods({files.write("patroni.yml", "postgresql:\n" + block), {}})) {
        auto line = method.name + ": " + method.program;
        for (const auto& [name, value] : method.options) {
            line += " " + name + "=" + value;
        }
        shown.push_back(line);
    }
    return shown;
}

}  // namespace

TEST_CASE("a replica method restores from pgBackRest when its command runs pgbackrest restore") {
    CHECK(methods("  create_replica_methods: [one, basebackup, two, three, missing]\n"
                  "  one: {command: /usr/bin/pgbackrest --stanza=demo --config /etc/p.conf --delta restore, keep_data: "
                  "true}\n"
                  "  two: {command: 'bash -c \"nice pgbackrest --stanza=demo restore\"'}\n"
                  "  three: {command: wal-g backup-fetch}\n"
                  "  basebackup: {checkpoint: fast}\n") ==
          Strings{"one: /usr/bin/pgbackrest stanza=demo config=/etc/p.conf delta=", "two: pgbackrest stanza=demo"});
    CHECK(methods("  create_replica_methods: [one]\n  one: {command: pgbackrest --stanza=demo backup}\n").empty());
    CHECK(methods("  create_replica_methods: [basebackup]\n  one: {command: pgbackrest restore}\n").empty());
}

TEST_CASE("what Patroni appends from the block counts, and counts more") {
    const Files files;
    const auto file = files.write("patroni.yml", "postgresql:\n  create_replica_method: [one]\n  one:\n"
                                                 "    command: pgbackrest --stanza=a restore\n    no_params: true\n"
                                                 "    stanza: b\n    repo: 2\n");
    const auto found = restoring_methods({file, {}});
    REQUIRE(found.size() == 1);
    CHECK(found.front().option("stanza") == "b");
    CHECK(found.front().option("repo") == "2");
    CHECK(found.front().option("set").empty());
    CHECK(found.front().place == "patroni.yml:3");
}
