#include "staging/journal.hpp"

#include "staging/hand_over.hpp"
#include "support/catch.hpp"
#include "support/restore.hpp"

#include <chrono>

using namespace patroni_pgbackrest;

namespace {

void restore_and_hand_over(const Restore& restore) {
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    hand_over(staging);
}

}  // namespace

TEST_CASE("a journal comes back from its file as it was, in every phase") {
    const Files files;
    const auto file = files.path("journal.json");
    CHECK_FALSE(Journal::read(file));
    for (const auto phase :
         {Phase::copying, Phase::copied, Phase::replaying, Phase::recovered, Phase::handing_over, Phase::handed_over}) {
        CAPTURE(text(phase));
        Journal written;
        written.scope = "demo";
        written.member = "node1";
        written.request = "scope demo";
        written.backup_set = "20261122-080000F";
        written.system_identifier = "7710953412442782829";
        written.boot = "boot";
        written.phase = phase;
        written.places = Places({"/srv/ts 1", "/srv/\"wal\""}, {{"/srv/ts 1", "7 8.000000009"}});
        written.given_up = written.not_accepted = written.never_led = true;
        written.planning = BootstrapCall{"other", "node2", "more", PatronisCall{"block", {{"config", "1"}}, "given"}};
        written.of_patroni = PatronisCall{"older block", {}};
        written.hand_overs = 2;
        written.control_inode = 5;
        written.begun_timeline = BegunTimeline{{2}, 1000};
        written.followed = "2, from 1 at 0/5000000";
        written.handed_over = HandedOver{1, 2, 3, {"boot", 4}, "", postgres::Lsn{5}};
        written.base = KeptBase{"backup set 20261122-080000F", "boot", "7 8.000000009", true};
        written.save(file);
        const auto read = Journal::read(file);
        REQUIRE(read);
        CHECK(read->request == written.request);
        CHECK(read->backup_set == written.backup_set);
        CHECK(read->system_identifier == written.system_identifier);
        CHECK(read->boot == written.boot);
        CHECK(read->phase == phase);
        CHECK(read->places == written.places);
        CHECK(read->member == "node1");
        CHECK(read->given_up);
        CHECK(read->never_led);
        CHECK(read->last_call().scope == "other");
        CHECK(read->last_call().member == "node2");
        CHECK(read->last_call().request == "more");
        REQUIRE(read->last_call().of_patroni);
        CHECK(read->last_call().of_patroni->block == "block");
        CHECK(read->last_call().of_patroni->origin == pgbackrest::Origin{{"config", "1"}});
        CHECK(read->last_call().of_patroni->given == "given");
        REQUIRE(read->of_patroni);
        CHECK(read->of_patroni->block == "older block");
        CHECK(read->of_patroni->origin.empty());
        CHECK(read->not_accepted);
        CHECK(read->control_inode == 5);
        CHECK(read->base == written.base);
        CHECK(read->begun_timeline == written.begun_timeline);
        CHECK(read->followed == written.followed);
        CHECK(read->handed_over->inode == 1);
        CHECK(read->handed_over->at == 2);
        CHECK(read->handed_over->control_written_at == 3);
        CHECK(read->handed_over->redo == postgres::Lsn{5});
        CHECK(read->handed_over->uptime.seconds_since({"boot", 1}) == 3);
    }
}

TEST_CASE("a journal of an older version, or of a person's call, tells nothing of a call of Patroni") {
    const Files files;
    Journal written;
    written.planning = BootstrapCall{"demo", "node1", "scope demo"};
    written.save(files.path("journal.json"));
    CHECK(files.read("journal.json").find("patronis_call") == std::string::npos);
    CHECK_FALSE(Journal::read(files.path("journal.json"))->last_call().of_patroni);
    written.planning.reset();
    written.save(files.path("journal.json"));
    CHECK_FALSE(Journal::read(files.path("journal.json"))->last_call().of_patroni);
}

TEST_CASE("a journal keeps what was asked and what was reached, for every kind of target") {
    const Files files;
    const auto file = files.path("journal.json");
    const RecoveryTarget targets[] = {{Latest{}},
                                      {Immediate{}},
                                      {Time::parse("2026-11-22 10:00:00.5+01").value(), true},
                                      {Xid{748}, true},
                                      {LsnTarget{*postgres::Lsn::parse("0/7000028")}},
                                      {Name{"before \"it\""}},
                                      {Latest{}, false, true}};
    for (const auto& target : targets) {
        CAPTURE(target.text());
        Journal written;
        written.goal = RestoreGoal{target, {1}, "000000010000000000000009", {1ULL << 20}, true};
        written.goal->wal_end = postgres::Lsn{0x9000158};
        written.reached = Reached{{2}, *postgres::Lsn::parse("0/7000158"), "why", "2026-11-22 09:59:58+00"};
        written.save(file);
        const auto read = Journal::read(file);
        REQUIRE(read);
        REQUIRE(read->goal);
        CHECK(read->goal->target.text() == target.text());
        CHECK(read->goal->target.ends_with_plan == target.ends_with_plan);
        CHECK(read->goal->timeline == postgres::Timeline{1});
        CHECK(read->goal->last_segment == "000000010000000000000009");
        CHECK(read->goal->segment_size.bytes == 1ULL << 20);
        CHECK(read->goal->checksums);
        CHECK(read->goal->wal_end == postgres::Lsn{0x9000158});
        REQUIRE(read->reached);
        CHECK(read->reached->timeline == postgres::Timeline{2});
        CHECK(read->reached->lsn == *postgres::Lsn::parse("0/7000158"));
        CHECK(read->reached->reason == "why");
        CHECK(read->reached->time == "2026-11-22 09:59:58+00");
    }
}

TEST_CASE("a journal of an older version knows neither") {
    const Files files;
    const auto file = files.path("journal.json");
    Journal{}.save(file);
    const auto read = Journal::read(file);
    REQUIRE(read);
    CHECK_FALSE(read->goal);
    CHECK_FALSE(read->reached);
}

TEST_CASE("the words in the file stay what they were, so that a journal of an older version is read") {
    const Files files;
    const auto file = files.write("journal.json", R"({
  "version": 1, "scope": "demo", "member": "node1", "request": "scope demo", "backup_set": "20261122-080000F",
  "system_identifier": "7710953412442782829", "boot": "boot", "phase": "handed over", "outside": ["/srv/ts1"],
  "births": {"/srv/ts1": "7 8.000000009"}, "never_led": true, "given_up": true, "hand_overs": 2, "not_accepted": true,
  "begun": {"scope": "other", "member": "node2", "request": "more"},
  "handed_over": {"inode": 1, "at": 2, "control_written_at": 3},
  "asked": {"type": "immediate", "target": "", "exclusive": false, "timeline": 1,
            "last_segment": "000000010000000000000009", "segment_bytes": 16777216, "checksums": true},
  "reached": {"timeline": 2, "lsn": "0/7000158", "reason": "why"},
  "rejected": {"message": "m", "hint": "h", "configuration": 5}, "roles": 1234567890123
})");
    const auto read = Journal::read(file);
    REQUIRE(read);
    REQUIRE(read->planning);
    CHECK(read->planning->member == "node2");
    REQUIRE(read->goal);
    CHECK(read->goal->target.text() == "immediate");
    CHECK(read->reached->reason == "why");
    CHECK(read->rejected->configuration == 5);
    read->save(files.path("again.json"));
    for (const std::string word : {"begun", "asked", "reached", "rejected", "handed_over", "births", "never_led"}) {
        CAPTURE(word);
        CHECK(files.read("again.json").find('"' + word + "\": ") != std::string::npos);
    }
    // A hash of the roles' passwords, which one version kept.
    CHECK(files.read("again.json").find("1234567890123") == std::string::npos);
}

TEST_CASE("a damaged journal is refused by its name, since it protects what is beside it") {
    const Files files;
    Journal{}.save(files.path("whole"));
    auto unknown_phase = files.read("whole");
    unknown_phase.replace(unknown_phase.find("copying"), 7, "sleeping");
    std::vector<std::string> damaged = {"", "{}", "[1]", unknown_phase};
    for (const std::string number : {"1.76e58", "-1", "0.5", "4294967296"}) {
        damaged.push_back(files.read("whole"));
        damaged.back().replace(damaged.back().find("\"hand_overs\": 0"), 15, "\"hand_overs\": " + number);
    }
    for (const auto& text : damaged) {
        CAPTURE(text);
        const auto file = files.write("journal.json", text);
        const auto problems = problems_of(ExitCode::unsafe, [&] { Journal::read(file); });
        REQUIRE(problems.size() == 1);
        CHECK(problems[0].message.find("the journal " + file.string() + " is damaged: ") == 0);
        CHECK(problems[0].hint == "move it and the staging directory beside it away; the next run starts over");
    }
}

TEST_CASE("a journal whose segments have an impossible size is damaged") {
    const Files files;
    Journal journal;
    journal.goal = RestoreGoal{RecoveryTarget{Latest{}}, {7}, "000000070000000000000009", {16 << 20}, true};
    journal.save(files.path("journal.json"));
    CHECK(Journal::read(files.path("journal.json")).value().goal->segment_size == postgres::SegmentSize{});
    auto text = files.read("journal.json");
    text.replace(text.find("16777216"), 8, "0");
    const auto file = files.write("journal.json", text);
    CHECK(problems_of(ExitCode::unsafe, [&] { Journal::read(file); }).front().message.find("is damaged: ") !=
          std::string::npos);
}

TEST_CASE("a journal of a newer version is refused by its name, and an older one is read") {
    const Files files;
    const std::string oldest = R"({"request": "scope demo", "backup_set": "20261122-080000F",
        "system_identifier": "7710953412442782829", "boot": "boot", "phase": "copied", "outside": ["/srv/ts1"]})";
    const auto with_version = [&](const std::string& version) {
        return files.write("journal.json", "{\"version\": " + version + ", " + oldest.substr(1));
    };
    CHECK(Journal::read(files.write("journal.json", oldest)).value().phase == Phase::copied);
    CHECK(Journal::read(with_version("0")).value().phase == Phase::copied);
    CHECK(Journal::read(with_version("1")).value().phase == Phase::copied);
    const auto file = with_version("2");
    CHECK(problems_of(ExitCode::unsafe, [&] { Journal::read(file); }) ==
          Problems{{"the journal " + file.string() + " has version 2, and this program reads version 1 and older",
                    "use the newer patroni_pgbackrest that wrote it, or move it and the staging directory beside it "
                    "away: the next run starts over then"}});
    // Whatever else is in it.
    files.write("journal.json", R"({"version": 7, "phase": "sleeping"})");
    CHECK(problems_of(ExitCode::unsafe, [&] { Journal::read(file); }).front().message ==
          "the journal " + file.string() + " has version 7, and this program reads version 1 and older");
    files.write("journal.json", R"({"version": "new"})");
    CHECK(problems_of(ExitCode::unsafe, [&] { Journal::read(file); }).front().message.find("is damaged: ") !=
          std::string::npos);
}

TEST_CASE("two requests for the same thing are the same, whatever does not change the data") {
    const auto identity = [](const Given& more) { return identity_of(request_for(more)); };
    const auto plain = identity({});
    CHECK(identity({{"type", "latest"}}) == plain);
    CHECK(identity({{"process-max", "7"}, {"retry", "1"}, {"log-level", "debug"}, {"report", "/tmp/r"}}) == plain);
    CHECK(identity({{"type", "time"}, {"target", "2026-11-22 10:00:00+01"}}) ==
          identity({{"type", "time"}, {"target", "2026-11-22T09:00:00Z"}}));
    CHECK(identity({{"target-timeline", "0x2"}}) == identity({{"target-timeline", "2"}}));
}

TEST_CASE("whatever changes the data makes another request") {
    const std::vector<Given> requests = {
        {},
        {{"scope", "other"}},
        {{"stanza", "other"}},
        {{"repo", "2"}},
        {{"set", "20261122-080000F"}},
        {{"type", "immediate"}},
        {{"type", "xid"}, {"target", "748"}},
        {{"type", "lsn"}, {"target", "0/7000028"}},
        {{"type", "lsn"}, {"target", "0/7000028"}, {"nearest", "y"}},
        {{"type", "xid"}, {"target", "748"}, {"target-exclusive", "y"}},
        {{"target-timeline", "1"}},
        {{"target-timeline", "latest"}},
        {{"target-timeline", "current"}},
        {{"db-include", "one"}},
        {{"tablespace-map", "ts1=/srv/ts1"}},
        {{"link-all", "y"}},
    };
    for (std::size_t one = 0; one < requests.size(); ++one) {
        for (std::size_t other = one + 1; other < requests.size(); ++other) {
            CAPTURE(one, other);
            CHECK(identity_of(request_for(requests[one])) != identity_of(request_for(requests[other])));
        }
    }
}

TEST_CASE("a request stays the same when the plan has put the end of the WAL in its target's place") {
    const auto request = request_for({{"type", "lsn"}, {"target", "0/7000028"}, {"nearest", "y"}});
    auto planned = request;
    planned.replaced_target = request.target;
    planned.target = {Latest{}, false, true};
    CHECK(identity_of(planned) == identity_of(request));
}

TEST_CASE("what was handed over is known again by its inode and its cluster") {
    const Restore restore;
    restore_and_hand_over(restore);
    const auto journal = Journal::read(restore.files.path("data.restoring.d/journal.json")).value();
    CHECK(journal.handed_over_is(restore.data()));
    fs::rename(restore.data(), restore.files.path("data.failed"));
    CHECK_FALSE(journal.handed_over_is(restore.data()));
    CHECK(journal.handed_over_is(restore.files.path("data.failed")));
    auto other = journal;
    other.handed_over->birth = "another directory's, which had this inode once";
    CHECK_FALSE(other.handed_over_is(restore.files.path("data.failed")));
    other.handed_over->birth.clear();  // as in a journal of an older version
    CHECK(other.handed_over_is(restore.files.path("data.failed")));
    restore.files.write("data.failed/global/pg_control", std::string(80, 'x'));
    CHECK_FALSE(journal.handed_over_is(restore.files.path("data.failed")));
}

TEST_CASE("a copy of what was handed over is known by the time of the timeline that was begun in it") {
    const Restore restore;
    restore_and_hand_over(restore);
    auto journal = Journal::read(restore.files.path("data.restoring.d/journal.json")).value();
    journal.goal = RestoreGoal{restore.request.target, {1}, restore.plan.wal.last(), restore.plan.segment_size, false};
    restore.files.write("data/pg_wal/00000001.history", "");
    journal.note_begun_timeline(restore.data());
    CHECK_FALSE(journal.begun_timeline);
    restore.files.write("data/pg_wal/00000002.history", "1\t0/7000158\tno recovery target specified\n");
    const auto history = restore.data() / "pg_wal" / "00000002.history";
    fs::last_write_time(history, fs::last_write_time(history) - std::chrono::hours(1));
    journal.note_begun_timeline(restore.data());
    REQUIRE(journal.begun_timeline);
    CHECK(journal.begun_timeline->timeline == postgres::Timeline{2});
    CHECK_FALSE(journal.refuses(restore.data()));
    journal.not_accepted = true;
    CHECK(journal.refuses(restore.data()));

    const auto copy = restore.files.path("copy");
    fs::copy(restore.data(), copy, fs::copy_options::recursive);
    CHECK_FALSE(journal.handed_over_is(copy));
    CHECK_FALSE(journal.refuses(copy));  // a base backup, or another restore to the same point
    fs::last_write_time(copy / "pg_wal" / "00000002.history", fs::last_write_time(history));
    CHECK(journal.is_copied_to(copy));
    CHECK(journal.refuses(copy));
    restore.files.write("copy/global/pg_control", control_file("1"));
    CHECK_FALSE(journal.refuses(copy));
}

TEST_CASE("a bootstrap that begins is not the one that was given up") {
    const Restore restore;
    restore.interrupt(Phase::copied);
    const auto layout = choose_layout(restore.data());
    const auto given_up = [&] { return Journal::read(layout.journal())->given_up; };
    record_bootstrap_call(restore.request, layout);
    CHECK_FALSE(given_up());
    auto journal = Journal::read(layout.journal()).value();
    journal.given_up = true;
    journal.save(layout.journal());
    record_bootstrap_call(restore.request, layout);
    CHECK_FALSE(given_up());
    CHECK(restore.journalled() == Phase::copied);
}

TEST_CASE("a bootstrap that begins after a hand-over is under way until it does something") {
    const Restore restore;
    restore_and_hand_over(restore);
    const auto layout = choose_layout(restore.data());
    CHECK(problems_of(ExitCode::unsafe, [&] { record_bootstrap_call(restore.request, layout); }).size() == 1);
    fs::rename(restore.data(), restore.files.path("data.failed"));
    record_bootstrap_call(restore.request, layout);
    const auto journal = Journal::read(layout.journal()).value();
    CHECK(journal.planning);
    CHECK(journal.phase == Phase::handed_over);
    CHECK(journal.handed_over_is(restore.files.path("data.failed")));
    StagingDirectory staging(restore.request);
    restore.copy(staging);
    CHECK_FALSE(Journal::read(layout.journal())->planning);
}

TEST_CASE("a journal in a copy of its directory owns nothing outside of it") {
    const Restore restore;
    const auto place = restore.files.path("ts1");
    fs::create_directory(place);
    restore.interrupt(Phase::replaying, {place});
    const auto layout = choose_layout(restore.data());
    CHECK_FALSE(Journal::read(layout.journal())->is_copy);
    const auto elsewhere = restore.files.path("elsewhere.restoring.d");
    SECTION("copied") {
        fs::copy(layout.workspace, elsewhere, fs::copy_options::recursive);
        const auto copied = Journal::read(elsewhere / "journal.json").value();
        CHECK(copied.is_copy);
        CHECK(copied.places.paths().empty());
        CHECK(copied.phase == Phase::copying);
        SECTION("and it stays one when it is changed") {
            copied.save(elsewhere / "journal.json");
            CHECK(Journal::read(elsewhere / "journal.json")->is_copy);
        }
    }
    SECTION("renamed, which a snapshot of the disk looks like at another place") {
        fs::rename(layout.workspace, elsewhere);
        const auto renamed = Journal::read(elsewhere / "journal.json").value();
        CHECK(renamed.is_copy);
        CHECK(renamed.places.paths().empty());
        fs::rename(elsewhere, layout.workspace);
        const auto back = Journal::read(layout.journal()).value();
        CHECK_FALSE(back.is_copy);
        CHECK(back.places.paths() == std::vector<std::string>{place.string()});
    }
}

TEST_CASE("what a copied journal was handing over is copied anew, with tablespaces that are its own") {
    const Restore restore;
    restore.interrupt(Phase::handing_over);
    const auto layout = choose_layout(restore.data());
    auto journal = Journal::read(layout.journal()).value();
    journal.is_copy = true;
    journal.save(layout.journal());
    const StagingDirectory staging(restore.request);
    CHECK(restore.journalled() == Phase::handing_over);
    REQUIRE(staging.earlier());
    CHECK(staging.earlier()->phase == Phase::copying);
}

TEST_CASE("an unfinished restore of another member is refused") {
    Restore restore;
    restore.request.patroni.emplace();
    restore.request.patroni->name = patroni::Value{"node1", "patroni.yml:2"};
    restore.interrupt(Phase::replaying);
    restore.request.patroni->name->text = "node2";
    CHECK(problems_of(ExitCode::unsafe, [&] { StagingDirectory(restore.request); }).front().message ==
          restore.files.path("data.restoring").string() +
              " is an unfinished restore of member node1, and this is node2");
}

TEST_CASE("another member's that is all in place already is named with where it lies") {
    Restore restore;
    restore.request.patroni.emplace();
    restore.request.patroni->name = patroni::Value{"node1", "patroni.yml:2"};
    restore.interrupt(Phase::handing_over);
    fs::rename(restore.files.path("data.restoring"), restore.data());
    restore.request.patroni->name->text = "node2";
    const auto problem = problems_of(ExitCode::unsafe, [&] { StagingDirectory(restore.request); }).front();
    CHECK(problem.message == restore.data().string() + " is an unfinished restore of member node1, and this is node2");
    CHECK(problem.hint == "if no other node has it, rm -r " + restore.files.path("data.restoring.d").string() + " " +
                              restore.data().string() + " and run it again; else give this node a disk of its own");
}
