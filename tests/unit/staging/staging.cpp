#include "staging/staging.hpp"

#include "staging/places.hpp"
#include "support/catch.hpp"
#include "support/restore.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("a data directory that holds anything is refused, and stays as it is") {
    const Restore restore;
    restore.files.write("data/PG_VERSION", "15\n");
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; }) ==
          Problems{{"data directory " + restore.data().string() + " is not empty: PG_VERSION is in it",
                    "move it away yourself if it is not needed: nothing in it is ever overwritten"}});
    CHECK(restore.files.read("data/PG_VERSION") == "15\n");
    CHECK(system::entries(restore.files.path()) == std::vector<std::string>{"data"});
}

TEST_CASE("dotfiles and lost+found do not make a data directory one that is in use") {
    const Restore restore;
    restore.files.write("data/.snapshot/x", "x");
    fs::create_directory(restore.files.path("data/lost+found"));
    const StagingDirectory staging(restore.request);
    CHECK_FALSE(staging.earlier());
}

TEST_CASE("a staging directory without a journal is somebody else's") {
    const Restore restore;
    restore.files.write("data.restoring/PG_VERSION", "15\n");
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; }) ==
          Problems{
              {"staging directory " + restore.files.path("data.restoring").string() + " is not ours: it has no journal",
               "move it away yourself if it is not needed"}});
    CHECK(restore.files.read("data.restoring/PG_VERSION") == "15\n");
}

TEST_CASE("a staging directory is somebody else's where the journal tells of no copy, or of one that was handed over") {
    const Restore restore;
    const auto layout = choose_layout(restore.data());
    SECTION("a bootstrap that only planned") {
        record_bootstrap_call(restore.request, layout);
    }
    SECTION("one that is over") {
        restore.interrupt(Phase::handed_over);
        fs::remove_all(layout.staging);
        record_bootstrap_call(restore.request, layout);
    }
    restore.files.write("data.restoring/PG_VERSION", "15\n");
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; }) ==
          Problems{{"staging directory " + restore.files.path("data.restoring").string() +
                        " is not ours: " + layout.journal().string() + " tells of no copy there",
                    "move it away yourself if it is not needed"}});
    CHECK(restore.files.read("data.restoring/PG_VERSION") == "15\n");
    fs::rename(layout.staging, restore.files.path("theirs"));  // as the hint says
    CHECK_FALSE(StagingDirectory(restore.request).earlier());
}

TEST_CASE("a staging directory that is a link is refused before anything is copied behind it") {
    const Restore restore;
    fs::create_directory(restore.files.path("elsewhere"));
    const auto link = restore.files.path("data.restoring");
    fs::create_directory_symlink(restore.files.path("elsewhere"), link);
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; }) ==
          Problems{{"staging directory " + link.string() +
                        " is a symbolic link, and the data directory is made of it by a rename",
                    "remove the link; if the restore is to go to that disk, let data_dir name a directory there"}});
    fs::remove(link);  // as the hint says
    CHECK_NOTHROW(StagingDirectory(restore.request));
}

TEST_CASE("an empty staging directory belongs to nobody") {
    const Restore restore;
    fs::create_directory(restore.files.path("data.restoring"));
    CHECK_FALSE(StagingDirectory(restore.request).earlier());
}

TEST_CASE("a copy begins with a journal, and everything of it is for us alone") {
    const Restore restore;
    StagingDirectory staging(restore.request);
    staging.begin_copy(restore.request, restore.plan, {restore.files.path("ts1")});
    CHECK(staging.journal().phase == Phase::copying);
    CHECK(staging.journal().places.paths() == std::vector<std::string>{restore.files.path("ts1")});
    const auto journal = Journal::read(staging.layout().journal());
    REQUIRE(journal);
    CHECK(journal->request == identity_of(restore.request));
    CHECK(journal->backup_set == "20261122-090000F");
    CHECK(journal->system_identifier == "7710953412442782829");
    CHECK(journal->boot == boot_of(staging.path(), Places({restore.files.path("ts1")})));
    CHECK(journal->phase == Phase::copying);
    for (const auto& directory : {staging.path(), staging.layout().workspace}) {
        CHECK((fs::status(directory).permissions() & fs::perms::all) == fs::perms::owner_all);
    }
    CHECK_FALSE(is_there(restore.data()));
}

TEST_CASE("the next run with the same request finds what the last one left") {
    const Restore restore;
    restore.interrupt(Phase::copied);
    const StagingDirectory next(restore.request);
    REQUIRE(next.earlier());
    CHECK(next.earlier()->phase == Phase::copied);
    CHECK(next.journal().phase == Phase::copied);
    CHECK(restore.files.read("data.restoring/PG_VERSION") == "15\n");
}

TEST_CASE("the next run with another request keeps the copy and starts over") {
    Restore restore;
    restore.interrupt(Phase::replaying);
    restore.request.target = {Immediate{}};
    StagingDirectory next(restore.request);
    CHECK_FALSE(next.earlier());
    next.begin_copy(restore.request, restore.plan, {});
    CHECK(next.journal().phase == Phase::copying);
    CHECK(restore.files.read("data.restoring/PG_VERSION") == "15\n");
}

TEST_CASE("a staging directory of another cluster is not continued") {
    Restore restore;
    restore.interrupt(Phase::copied);
    restore.plan.database.system_identifier = "1";
    StagingDirectory next(restore.request);
    CHECK(problems_of(ExitCode::unsafe, [&] { next.begin_copy(restore.request, restore.plan, {}); }) ==
          Problems{{"staging directory " + restore.files.path("data.restoring").string() +
                        " belongs to another cluster (system identifier 7710953412442782829, not 1)",
                    "move it away yourself if it is not needed"}});
}

TEST_CASE("a damaged journal is refused, and what it protects stays") {
    const Restore restore;
    restore.interrupt(Phase::copied);
    restore.files.write("data.restoring.d/journal.json", "{");
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; }).size() == 1);
    CHECK(restore.files.read("data.restoring/PG_VERSION") == "15\n");
}

TEST_CASE("the entry that makes a data directory one in use is named, not lost+found") {
    const Restore restore;
    restore.files.write("data/base/x", "x");
    fs::create_directory(restore.files.path("data/lost+found"));
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory{restore.request}; })[0].message ==
          "data directory " + restore.data().string() + " is not empty: base is in it");
}

TEST_CASE("a bootstrap that only planned is known, and leaves nothing to go on with") {
    const Restore restore;
    const auto layout = choose_layout(restore.data());
    record_bootstrap_call(restore.request, layout);
    const auto journal = Journal::read(layout.journal()).value();
    CHECK(journal.last_call().request == identity_of(restore.request));
    StagingDirectory staging(restore.request);
    CHECK_FALSE(staging.earlier());
    restore.copy(staging);
    CHECK(Journal::read(layout.journal())->backup_set == restore.plan.backup.label);
}

TEST_CASE("what Patroni's call came with is known from the plan to the end, and that a person called as well") {
    const Restore restore;
    const auto layout = choose_layout(restore.data());
    const PatronisCall call{"block", {{"config", "1"}}};
    const auto known = [&] { return Journal::read(layout.journal())->last_call().of_patroni; };
    record_bootstrap_call(restore.request, layout, call);
    REQUIRE(known());
    CHECK(known()->block == "block");
    restore.interrupt(Phase::copied);
    CHECK_FALSE(Journal::read(layout.journal())->planning);
    REQUIRE(known());
    CHECK(known()->origin == call.origin);
    SECTION("the same call again goes on") {
        record_bootstrap_call(restore.request, layout, PatronisCall{"block", {}});
        StagingDirectory staging(restore.request);
        REQUIRE(staging.earlier());
        staging.enter(Phase::replaying);
        REQUIRE(known());
        CHECK(known()->origin.empty());
    }
    SECTION("a person goes on with it") {
        record_bootstrap_call(restore.request, layout);
        StagingDirectory(restore.request).enter(Phase::replaying);
        CHECK_FALSE(known());
    }
    SECTION("of another request there is nothing before its copy") {
        auto other = restore.request;
        other.scope = "other";
        record_bootstrap_call(other, layout, PatronisCall{"other block", {}});
        StagingDirectory staging(other);
        staging.enter(Phase::copying);
        CHECK(known()->block == "block");
        staging.begin_copy(other, restore.plan, {});
        CHECK(known()->block == "other block");
    }
}

TEST_CASE("a tablespace that another restore is about to fill is refused, and free when that has ended") {
    const Restore one, other;
    const auto place = one.files.path("ts1");
    fs::create_directory(place);
    {
        StagingDirectory first(one.request);
        first.begin_copy(one.request, one.plan, {place});
        first.note_places({place});
        StagingDirectory second(other.request);
        CHECK(problems_of(ExitCode::unsafe, [&] { second.begin_copy(other.request, other.plan, {place}); }) ==
              Problems{{place.string() + " is held by another restore that runs on this machine",
                        "wait for it to end, or give one of the two another place with tablespace-map or link-map"}});
        CHECK(second.journal().places.paths().empty());
    }
    StagingDirectory second(other.request);
    second.begin_copy(other.request, other.plan, {place});
    CHECK(second.journal().places.paths() == std::vector<std::string>{place.string()});
}

TEST_CASE("the places of another scope's restore are not taken for this one's") {
    Restore restore;
    restore.request.scope = "demo";
    const auto place = restore.files.path("ts1");
    fs::create_directory(place);
    restore.interrupt(Phase::recovered, {place});
    restore.files.write("ts1/PG_15_202209061/1", "another cluster's");
    auto other = restore.request;
    other.scope = "other";
    StagingDirectory staging(other);
    const auto problem = problems_of(ExitCode::unsafe, [&] { staging.begin_copy(other, restore.plan, {place}); });
    REQUIRE_FALSE(problem.empty());
    CHECK(problem.front().message.find(place.string()) == 0);
    CHECK(fs::exists(place / "PG_15_202209061" / "1"));
}
