#include "replay/delivery.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("with a target PostgreSQL does not read ahead, whatever ALTER SYSTEM said of the source") {
    const std::string source = "work_mem = '4MB'\nrestore_command = 'theirs'\nRecovery_Prefetch = 'try'\n";
    CHECK(auto_conf_for_replay(source, time_target("2026-11-22 12:00:00Z")) == "work_mem = '4MB'\n");
    CHECK(auto_conf_for_replay(source, {Immediate{}}) == "work_mem = '4MB'\n");
    CHECK(auto_conf_for_replay(source, latest) == "work_mem = '4MB'\nRecovery_Prefetch = 'try'\n");
}
