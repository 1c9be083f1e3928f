#include "staging/lost_bootstrap.hpp"

#include "staging/memory.hpp"
#include "staging/rejected_directory.hpp"
#include "support/catch.hpp"
#include "support/restore.hpp"
#include "unit/staging/resume_cases.hpp"

using namespace patroni_pgbackrest;
using patroni::InitializeKey;

TEST_CASE("without a journal, Patroni would wait for a bootstrap that nobody is at: the one before data_dir changed") {
    Layout layout;
    layout.data_directory = "/new";
    layout.staging = "/new.restoring";
    layout.workspace = "/new.restoring.d";
    const BootstrapCall call{"demo", "node1", {}};
    patroni::ScopeState dcs;
    dcs.initialize = InitializeKey::empty;
    const auto decided = [&](const std::optional<std::filesystem::path>& elsewhere) {
        return decide_without_journal(call, layout, dcs, elsewhere);
    };
    const auto nothing = [&] {
        const auto verdict = decided("/old");
        return verdict.action == ResumeAction::start_patroni && !verdict.warning && !verdict.failure;
    };
    REQUIRE(decided("/old").failure);
    CHECK(decided("/old").failure->code() == ExitCode::unsafe);
    CHECK(decided("/old").failure->problems().front().message.find(
              "a restore into /old was interrupted, and postgresql.data_dir is /new now") == 0);
    REQUIRE(decided("/new").failure);
    CHECK(decided("/new").failure->problems().front() ==
          Problem{"a restore into /new was interrupted, which lies in /new/.restoring and would be looked for in "
                  "/new.restoring now: the directory has become a mount point since, or is none any more, or who may "
                  "write to / has changed; the DCS holds the key of that bootstrap, so Patroni would wait for its end "
                  "for ever",
                  "let /new be what it was then; or, if no other node restores, run patronictl remove demo and rm -rf "
                  "/new/.restoring /new/.restoring.d, and start Patroni: it restores anew"});
    REQUIRE(decided({}).warning);
    CHECK(decided({}).warning->hint.find("patronictl remove demo") != std::string::npos);
    CHECK_FALSE(decided({}).failure);
    dcs.bootstrapping = {"node1"};
    CHECK_FALSE(nothing());
    dcs.bootstrapping = {"node2"};
    CHECK(nothing());
    dcs.bootstrapping.clear();
    dcs.leadership.leader = "node2";
    CHECK(nothing());
    dcs.leadership.leader.reset();
    dcs.leadership.why_unknown = "patronictl does not answer";
    CHECK(nothing());
    dcs.leadership.why_unknown.clear();
    for (const auto key : {InitializeKey::absent, InitializeKey::initialized, InitializeKey::unknown}) {
        dcs.initialize = key;
        CHECK(nothing());
    }
}

TEST_CASE("what was rejected stays so when it is renamed, whatever data_dir is now") {
    const Restore restore;
    {
        StagingDirectory staging(restore.request);
        restore.copy(staging);
        hand_over(staging);
    }
    const auto file = choose_layout(restore.data()).journal();
    auto journal = Journal::read(file).value();
    const auto renamed = restore.files.path("data2");
    fs::rename(restore.data(), renamed);
    CHECK_FALSE(is_refused_by(journal, renamed));
    journal.rejected = Rejection{"probe 1 returned 'false'", "choose another target", 0};
    CHECK(is_refused_by(journal, renamed));
    CHECK_FALSE(is_refused_by(journal, restore.data()));
    const auto refusal = refusal_of_rejected(renamed, file, journal);
    CHECK(refusal.code() == ExitCode::unsafe);
    CHECK(refusal.problems().front().message ==
          renamed.string() + " holds what " + file.string() +
              " tells of, and verify rejected it: probe 1 returned 'false': the next start would promote it, or take "
              "it for a replica");
    CHECK(refusal.problems().front().hint == "if the data is right and no other node has it, remove " + file.string() +
                                                 ", else move the data directory away");
    journal.begun_timeline = BegunTimeline{{2}, 1};  // where one is known, the inode of a mount point tells nothing
    CHECK_FALSE(is_refused_by(journal, renamed));
}

TEST_CASE("what was rejected is known by its own mark under another parent, where no journal lies beside it") {
    const Restore restore;
    {
        StagingDirectory staging(restore.request);
        restore.copy(staging);
        hand_over(staging);
    }
    const auto layout = choose_layout(restore.data());
    CHECK_FALSE(is_there(restore.data() / rejection_mark));
    remember_rejection(layout, {"probe 1 returned 'false'", "choose another target", ""}, std::nullopt);
    CHECK(is_there(restore.data() / rejection_mark));
    const auto in_place = find_rejection(layout).value().problems().front();
    CHECK(in_place.message == restore.data().string() + " holds what " + layout.journal().string() +
                                  " tells of, and verify rejected it: probe 1 returned 'false': the next start would "
                                  "promote it, or take it for a replica");
    CHECK(in_place.hint == "if the data is right and no other node has it, remove " + layout.journal().string() +
                               " and " + (restore.data() / rejection_mark).string() +
                               ", else move the data directory away");
    CHECK_FALSE(find_rejection_elsewhere(layout));

    const auto moved = restore.files.path("elsewhere/data");
    fs::create_directory(restore.files.path("elsewhere"));
    fs::rename(restore.data(), moved);
    const auto mark = moved / rejection_mark;
    const auto marked = Journal::read(mark).value();
    CHECK_FALSE(find_rejection(layout));  // nothing is there
    CHECK(find_rejection(choose_layout(moved))->problems() == refusal_of_rejected(moved, mark, marked).problems());
    CHECK(is_refused_by(marked, moved));
    CHECK(refusal_of_rejected(moved, mark, marked).problems().front().hint ==
          "if the data is right and no other node has it, remove " + mark.string() +
              ", else move the data directory away");
    const auto with_journal = refusal_of_rejected(moved, layout.journal(), marked);
    CHECK(with_journal.problems().front().hint == "if the data is right and no other node has it, remove " +
                                                      layout.journal().string() + " and " + mark.string() +
                                                      ", else move the data directory away");

    // A replica of it, or what its backup brings back, is another directory with the same file.
    const auto replica = restore.files.path("elsewhere/replica");
    fs::copy(moved, replica, fs::copy_options::recursive);
    CHECK_FALSE(is_refused_by(Journal::read(replica / rejection_mark).value(), replica));
    CHECK_FALSE(find_rejection(choose_layout(replica)));

    fs::remove(mark);  // as the hint has it
    CHECK_FALSE(find_rejection(choose_layout(moved)));
}

TEST_CASE("what was handed over is known by its journal, also where none would be made by now") {
    const Restore restore;
    {
        StagingDirectory staging(restore.request);
        restore.copy(staging);
        hand_over(staging);
    }
    const auto beside = choose_layout(restore.data());
    REQUIRE_FALSE(beside.inside);
    const auto found = [&] {
        fs::permissions(restore.files.path(), fs::perms::owner_read | fs::perms::owner_exec);
        const auto layout = layout_with_journal(restore.data());
        const bool would_be_inside = choose_layout(restore.data()).inside;
        fs::permissions(restore.files.path(), fs::perms::owner_all);
        CHECK(would_be_inside);
        return layout.journal();
    };
    CHECK(layout_with_journal(restore.data()).journal() == beside.journal());
    CHECK(found() == beside.journal());
    SECTION("but not while it is at work on another restore") {
        auto journal = Journal::read(beside.journal()).value();
        journal.phase = Phase::copying;
        journal.save(beside.journal());
        CHECK(found() == beside.data_directory / ".restoring.d" / "journal.json");
    }
    SECTION("but not in another directory's place") {
        fs::rename(restore.data(), restore.files.path("data2"));
        fs::create_directory(restore.data());
        CHECK(found() == beside.data_directory / ".restoring.d" / "journal.json");
    }
    SECTION("but not where one lies in its place") {
        restore.files.write("data/.restoring.d/journal.json", restore.files.read("data.restoring.d/journal.json"));
        CHECK(found() == beside.data_directory / ".restoring.d" / "journal.json");
    }
}

TEST_CASE("what another member was handed over is started here only where somebody leads, or the cluster is known") {
    resume_cases::Case at;
    at.phase = Phase::handed_over;
    at.in_place = InPlace::handed_over;
    at.life = resume_cases::Life::started;
    at.dcs = resume_cases::Dcs::answers;
    at.key = InitializeKey::initialized;
    const auto decided = [&] {
        auto facts = resume_cases::see(at);
        facts.own_name = "node2";
        return decide_on_anothers(facts);
    };
    CHECK(decided().warning->message == "/data was handed over to member node1, and this is node2; nobody leads");
    CHECK(decided().action == ResumeAction::start_patroni);
    at.key = InitializeKey::unknown;
    CHECK(decided().warning);
    for (const auto key : {InitializeKey::absent, InitializeKey::empty}) {
        at.key = key;
        at.leader = resume_cases::Who::nobody;
        REQUIRE(decided().failure);
        CHECK(decided().failure->code() == ExitCode::unsafe);
        CHECK(decided().failure->problems().front().message ==
              "/data was handed over to member node1, and this is node2: nobody leads the cluster, and it was not "
              "initialised, so Patroni would make a second history of it here");
        at.leader = resume_cases::Who::another;
        CHECK(decided().warning->message == "/data was handed over to member node1, and this is node2; node2 leads");
    }
    at.dcs = resume_cases::Dcs::silent;
    CHECK(decided().warning);
    at.dcs = resume_cases::Dcs::not_asked;
    CHECK(decided().action == ResumeAction::ask_dcs);
    at.life = resume_cases::Life::untouched;
    REQUIRE(decided().failure);
    CHECK(decided().failure->problems().front().message ==
          "/data was handed over to member node1, and this is node2: it was never started, so Patroni would make a "
          "second history of it here");
    CHECK(decided().failure->problems().front().hint ==
          "if node1 has it, move /data away: Patroni makes a replica then; if this node is to lead with it, and no "
          "other has it, remove /data.restoring.d/journal.json");
}

TEST_CASE("a base backup of what another member was handed over is not the same directory") {
    const Restore restore;
    {
        StagingDirectory staging(restore.request);
        restore.copy(staging);
        hand_over(staging);
    }
    auto journal = Journal::read(choose_layout(restore.data()).journal()).value();
    journal.member = "node1";
    CHECK(is_handed_over_to_another(journal, "node2", restore.data()));
    CHECK_FALSE(is_handed_over_to_another(journal, "node1", restore.data()));
    CHECK_FALSE(is_handed_over_to_another(journal, "node2", restore.files.path("elsewhere")));
    journal.is_copy = true;  // two mount points have one inode
    CHECK_FALSE(is_handed_over_to_another(journal, "node2", restore.data()));
}
