#include "staging/kept_base.hpp"

#include "staging/discard.hpp"
#include "support/catch.hpp"
#include "support/in_memory.hpp"
#include "support/restore.hpp"

#include <functional>

using namespace patroni_pgbackrest;

namespace {

CopyFacts fit_to_be_kept() {
    CopyFacts facts;
    facts.can_clone = true;
    facts.disk = {20ULL << 30, 1ULL << 30, 1ULL << 30};
    return facts;
}

/// As it lies there after a run that failed in its replay. Of empty files, which are cloned on every file system.
struct Kept : Restore {
    fs::path base = files.path("data.restoring.d/base");

    explicit Kept(const std::string& content = "") {
        StagingDirectory staging(request);
        copy(staging);
        files.write("data.restoring.d/base/PG_VERSION", content);
        files.write("data.restoring.d/base/global/pg_control", content);
        staging.journal().base = note();
        staging.enter(Phase::replaying);
        files.write("data.restoring/base/1/replayed", "pages");
    }

    KeptBase note() const {
        return {identity_of_copy(request, plan), boot_of(base), system::birth_of(base).value_or("")};
    }

    bool is_there_and_noted() const {
        return Journal::read(choose_layout(data()).journal())->base == note() && is_there(base / "PG_VERSION");
    }

    bool is_found() const { return has_base(request, plan, StagingDirectory(request)); }

    void change(const std::function<void(KeptBase&)>& edit) const {
        change_journal(choose_layout(data()), [&](Journal& journal) { edit(journal.base.value()); });
    }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a copy is kept where it lies in one directory, clones are free, and a replay follows") {
    CHECK(why_not_kept(fit_to_be_kept()).empty());
    auto facts = fit_to_be_kept();
    SECTION("a rehearsal begins anew each time") {
        facts.is_rehearsal = true;
        CHECK(why_not_kept(facts) == "it is a rehearsal's");
    }
    SECTION("in patroni mode no replay fails before the hand-over") {
        facts.is_replayed_here = false;
        CHECK(why_not_kept(facts) == "Patroni's PostgreSQL replays, after the hand-over");
    }
    SECTION("tablespaces and links") {
        facts.has_places = true;
        CHECK(why_not_kept(facts) == "a part of it lies in tablespaces or links, outside of the staging directory");
    }
    SECTION("no clones") {
        facts.can_clone = false;
        CHECK(why_not_kept(facts) == "the file system of the staging directory has no clones (reflinks)");
    }
    SECTION("no room") {
        --facts.disk.available;
        CHECK(why_not_kept(facts) == "less than 1 GiB or 5 % of the disk is free");
    }
    SECTION("no room on a large disk") {
        facts.disk.capacity += 20;
        CHECK(why_not_kept(facts) == "less than 1 GiB or 5 % of the disk is free");
        CHECK(is_short_of_room(facts.disk));
    }
    CHECK_FALSE(is_short_of_room(fit_to_be_kept().disk));
}

TEST_CASE("a base is another copy, was made before a boot or a mount, or is another directory") {
    const KeptBase kept{"set", "boot", "7 8.000000009"};
    CHECK(is_still(kept, kept));
    CHECK_FALSE(is_still(kept, {"another set", "boot", "7 8.000000009"}));
    CHECK_FALSE(is_still(kept, {"set", "another boot", "7 8.000000009"}));
    CHECK_FALSE(is_still(kept, {"set", "boot", "8 8.000000009"}));
    CHECK_FALSE(is_still(kept, {"set", "boot", ""}));
    CHECK_FALSE(is_still({"set", "", "7 8.000000009"}, {"set", "", "7 8.000000009"}));
    CHECK_FALSE(is_still({"set", "boot", ""}, {"set", "boot", ""}));
}

TEST_CASE("what is copied is the same for every target, and another for another backup set or option") {
    const Restore restore;
    const auto copied = identity_of_copy(restore.request, restore.plan);
    auto request = restore.request;
    request.target = {Immediate{}};
    request.nearest = true;
    CHECK(identity_of_copy(request, restore.plan) == copied);
    request.restore_options.push_back({"db-include", "one"});
    CHECK(identity_of_copy(request, restore.plan) != copied);
    auto plan = restore.plan;
    plan.backup.label = "20261122-080000F";
    CHECK(identity_of_copy(restore.request, plan) != copied);
    plan = restore.plan;
    plan.backup.repository = 2;
    CHECK(identity_of_copy(restore.request, plan) != copied);
    plan = restore.plan;
    plan.database.system_identifier = "1";
    CHECK(identity_of_copy(restore.request, plan) != copied);
}

TEST_CASE("on a file system without clones the copy goes on without one") {
    const InMemory in_memory;
    const Restore restore;
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    staging.enter(Phase::copied);
    keep_base(restore.request, restore.plan, staging);
    CHECK_FALSE(staging.journal().base);
    CHECK_FALSE(is_there(staging.layout().base()));
    CHECK_FALSE(has_base(restore.request, restore.plan, staging));
    CHECK(restore.journalled() == Phase::copied);
    CHECK(restore.files.read("data.restoring/base/1/1259") == "pages");
}

TEST_CASE("another target begins with a clone of the base, which stays for the next one") {
    Kept restore;
    restore.request.target = {Immediate{}};
    StagingDirectory staging(restore.request);
    CHECK_FALSE(staging.earlier());
    REQUIRE(has_base(restore.request, restore.plan, staging));
    staging.begin_copy(restore.request, restore.plan, {});
    REQUIRE(take_base(staging));
    CHECK(system::entries(staging.path()) == Names{"PG_VERSION", "global"});
    CHECK(system::entries(restore.base) == Names{"PG_VERSION", "global"});
    CHECK(has_base(restore.request, restore.plan, staging));
    staging.enter(Phase::copied);
    auto taken = restore.note();
    taken.was_taken = true;
    CHECK(Journal::read(staging.layout().journal())->base == taken);
}

TEST_CASE("a base with which a replay failed a second time is checked against the backup") {
    KeptBase base{"set", "boot", "7 8.000000009"};
    CHECK_FALSE(is_doubtful(base, ExitCode::replay_failed));
    base.was_taken = true;
    CHECK(is_doubtful(base, ExitCode::replay_failed));
    // A target that was not reached, a probe that was not true, a signal.
    for (const auto code : {ExitCode::target_not_reachable, ExitCode::verification_failed, ExitCode::terminated}) {
        CHECK_FALSE(is_doubtful(base, code));
    }
    const Kept restore;
    restore.change([](KeptBase& kept) { kept.was_taken = true; });
    StagingDirectory staging(restore.request);
    leave_base_after(ExitCode::replay_failed, staging);
    CHECK_FALSE(is_there(restore.base));
}

TEST_CASE("one that was killed while it took the base takes it again") {
    const Kept restore;
    {
        StagingDirectory staging(restore.request);
        staging.begin_copy(restore.request, restore.plan, {});
        fs::remove_all(staging.path());
        restore.files.write("data.restoring/PG_VERSION", "");
    }
    StagingDirectory staging(restore.request);
    CHECK(staging.earlier()->phase == Phase::copying);
    REQUIRE(has_base(restore.request, restore.plan, staging));
    staging.begin_copy(restore.request, restore.plan, {});
    REQUIRE(take_base(staging));
    CHECK(system::entries(staging.path()) == Names{"PG_VERSION", "global"});
}

TEST_CASE("a base that cannot be cloned any more is removed, and the backup copied again") {
    const InMemory in_memory;
    const Kept restore("15\n");
    StagingDirectory staging(restore.request);
    staging.begin_copy(restore.request, restore.plan, {});
    CHECK_FALSE(take_base(staging));
    CHECK_FALSE(staging.journal().base);
    CHECK_FALSE(is_there(restore.base));
    staging.begin_copy(restore.request, restore.plan, {});
    CHECK(fs::is_directory(staging.path()));
    CHECK_FALSE(Journal::read(staging.layout().journal())->base);
}

TEST_CASE("a base is not believed") {
    Kept restore;
    REQUIRE(restore.is_found());
    SECTION("after a boot") {
        restore.change([](KeptBase& base) { base.boot = "another boot"; });
    }
    SECTION("in place of another directory") {
        fs::rename(restore.base, restore.files.path("elsewhere"));
        fs::create_directory(restore.base);
    }
    SECTION("for another backup set") {
        restore.plan.backup.label = "20261122-080000F";
    }
    SECTION("in a copy of the directory") {
        fs::copy(restore.files.path("data.restoring.d"), restore.files.path("copied"), fs::copy_options::recursive);
        fs::remove_all(restore.files.path("data.restoring.d"));
        fs::rename(restore.files.path("copied"), restore.files.path("data.restoring.d"));
    }
    SECTION("whose removal has begun") {
        fs::rename(restore.base, choose_layout(restore.data()).unwanted_base());
    }
    CHECK_FALSE(restore.is_found());
    StagingDirectory staging(restore.request);
    leave_unfit_base(restore.request, restore.plan, staging);
    CHECK_FALSE(staging.journal().base);
    CHECK_FALSE(is_there(restore.base));
    CHECK_FALSE(is_there(staging.layout().unwanted_base()));
    CHECK(restore.files.read("data.restoring/base/1/replayed") == "pages");
}

TEST_CASE("one that was not finished is removed by the next run") {
    const Restore restore;
    restore.interrupt(Phase::copied);
    restore.files.write("data.restoring.d/base/PG_VERSION", "15\n");
    StagingDirectory staging(restore.request);
    CHECK_FALSE(has_base(restore.request, restore.plan, staging));
    leave_unfit_base(restore.request, restore.plan, staging);
    CHECK_FALSE(is_there(staging.layout().base()));
}

TEST_CASE("a base that is wanted stays") {
    const Kept restore;
    StagingDirectory staging(restore.request);
    leave_unfit_base(restore.request, restore.plan, staging);
    CHECK(has_base(restore.request, restore.plan, staging));
}

TEST_CASE("the hand-over removes the base, and what of it a kill had left") {
    const Kept restore;
    restore.files.write("data.restoring.d/base.removed/PG_VERSION", "15\n");
    StagingDirectory staging(restore.request);
    staging.enter(Phase::recovered);
    hand_over(staging);
    CHECK(system::entries(restore.files.path("data.restoring.d")) == Names{"journal.json", "lock"});
    CHECK_FALSE(Journal::read(staging.layout().journal())->base);
    CHECK(restore.files.read("data/base/1/replayed") == "pages");
}

TEST_CASE("the base is removed behind the hand-over, and stays where that fails") {
    const Kept restore;
    StagingDirectory staging(restore.request);
    staging.enter(Phase::recovered);
    HandOverCalls calls;
    calls.rename = [](const fs::path&, const fs::path&) { return std::make_error_code(std::errc::io_error); };
    CHECK(problems_of(ExitCode::system_refused, [&] { hand_over(staging, calls); }).size() == 1);
    CHECK(restore.is_there_and_noted());
    calls.rename = [&](const fs::path& from, const fs::path& to) {
        CHECK(restore.is_there_and_noted());
        return HandOverCalls::rename_entry(from, to);
    };
    hand_over(staging, calls);
    CHECK_FALSE(is_there(restore.base));
    CHECK_FALSE(is_there(staging.layout().unwanted_base()));
}

TEST_CASE("what a kill behind the hand-over leaves of it is told, with the command that removes it") {
    const Kept restore;
    {
        StagingDirectory staging(restore.request);
        staging.enter(Phase::recovered);
        hand_over(staging);
    }
    const auto layout = choose_layout(restore.data());
    auto journal = Journal::read(layout.journal()).value();
    CHECK_FALSE(forgotten_base(layout, journal));
    restore.files.write("data.restoring.d/base.removed/base/1/1259", "pages");
    const auto problem = forgotten_base(layout, journal);
    REQUIRE(problem);
    CHECK(problem->message == "a clone of the restored copy is left in " + layout.workspace.string() +
                                  ": with each page that the cluster writes it takes more room");
    CHECK(problem->hint == "unless the restore still removes it, run rm -r " + layout.unwanted_base().string());
    journal.phase = Phase::replaying;
    CHECK_FALSE(forgotten_base(layout, journal));
}

TEST_CASE("while a replay lasts it is removed once there is no room") {
    const Kept restore;
    StagingDirectory staging(restore.request);
    const auto with_room = fit_to_be_kept().disk;
    auto short_of_room = with_room;
    --short_of_room.available;
    BaseRemoval removal(staging);
    removal.look(with_room);
    CHECK(staging.journal().base);
    CHECK(is_there(restore.base));
    removal.look(short_of_room);
    CHECK_FALSE(staging.journal().base);
    for (int looks = 0; looks < 100 && is_there(staging.layout().unwanted_base()); ++looks) {
        removal.look(with_room);
    }
    CHECK_FALSE(is_there(restore.base));
    CHECK_FALSE(is_there(staging.layout().unwanted_base()));
}

TEST_CASE("what a replay without room has left of it goes after a failure") {
    const Kept restore;
    restore.files.write("data.restoring.d/base.removed/PG_VERSION", "15\n");
    StagingDirectory staging(restore.request);
    staging.journal().base.reset();
    leave_base_after(ExitCode::system_refused, staging);
    CHECK_FALSE(is_there(restore.base));
    CHECK_FALSE(is_there(staging.layout().unwanted_base()));
}

TEST_CASE("a cluster that lives elsewhere needs no base") {
    const Kept restore;
    discard_journal(choose_layout(restore.data()));
    CHECK_FALSE(is_there(restore.files.path("data.restoring.d")));
}
