#include "staging/discard.hpp"

#include "support/catch.hpp"
#include "support/restore.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("when the cluster lives, what an earlier run left goes, but for the source's dynamic configuration") {
    const Restore restore;
    restore.interrupt(Phase::handed_over);
    restore.files.write("data.restoring.d/failure.json", "{}");
    SECTION("with it") {
        restore.files.write("data.restoring.d/patroni.dynamic.json", "{}");
        discard_journal(choose_layout(restore.data()));
        CHECK(system::entries(restore.files.path("data.restoring.d")) ==
              std::vector<std::string>{"patroni.dynamic.json"});
    }
    SECTION("without it") {
        discard_journal(choose_layout(restore.data()));
        CHECK_FALSE(is_there(restore.files.path("data.restoring.d")));
    }
}

TEST_CASE("a plan that failed leaves nothing in a data directory that a replica may need empty") {
    const Restore restore;
    restore.files.write("data/.snapshot", "theirs");
    fs::permissions(restore.files.path(), fs::perms::owner_read | fs::perms::owner_exec);
    const auto layout = choose_layout(restore.data());
    record_bootstrap_call(restore.request, layout);
    const bool was_there = fs::exists(layout.journal());
    discard_plan(layout);
    fs::permissions(restore.files.path(), fs::perms::owner_all);
    REQUIRE(layout.inside);
    CHECK(was_there);
    CHECK(system::entries(restore.data()) == std::vector<std::string>{".snapshot"});
}
