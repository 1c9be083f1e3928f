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

TEST_CASE("where recovery_conf asks for the newest timeline, one that Patroni gave up is named as that") {
    const auto request = make_request({{"stanza", "demo"}}, patroni_yml("bootstrap:\n"
                                                                        "  method: pgbackrest\n"
                                                                        "  pgbackrest:\n"
                                                                        "    command: patroni_pgbackrest bootstrap\n"
                                                                        "    recovery_conf:\n"
                                                                        "      restore_command: patroni_pgbackrest "
                                                                        "archive-get %f \"%p\"\n"
                                                                        "      recovery_target_timeline: latest\n"
                                                                        "      recovery_target_action: promote\n"
                                                                        "postgresql:\n"
                                                                        "  data_dir: /data\n"
                                                                        "  pg_hba: [local all all peer]\n"));
    auto repository = one_timeline();
    const auto refused = [&] {
        return problems_of(ExitCode::usage, [&] { require_same_timeline(request, make_plan(request, repository)); });
    };
    CHECK(refused() == Problems{});
    const postgres::Timeline second{2};
    repository.archive.histories[second] = {
        second, {{postgres::Timeline{1}, postgres::Lsn{0x7000158}, "no recovery target specified"}}};
    repository.archive.rejected = {{second, ""}};
    CHECK(refused() ==
          Problems{{"recovery_conf asks for the newest timeline, and that is timeline 2 now, which was begun by a "
                    "restore that Patroni gave up: the target latest is on timeline 1",
                    "take recovery_target_timeline out of recovery_conf: this program sets the plan's"}});
}
