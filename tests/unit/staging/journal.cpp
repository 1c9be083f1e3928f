#include "staging/journal.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;

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
        written.outside = {"/srv/ts 1", "/srv/\"wal\""};
        written.births = {{"/srv/ts 1", "7 8.000000009"}};
        written.given_up = written.not_accepted = written.never_led = true;
        written.begun = Begun{"other", "node2", "more"};
        written.hand_overs = 2;
        written.handed_over = HandedOver{1, 2, 3};
        written.save(file);
        const auto read = Journal::read(file);
        REQUIRE(read);
        CHECK(read->request == written.request);
        CHECK(read->backup_set == written.backup_set);
        CHECK(read->system_identifier == written.system_identifier);
        CHECK(read->boot == written.boot);
        CHECK(read->phase == phase);
        CHECK(read->outside == written.outside);
        CHECK(read->member == "node1");
        CHECK(read->births == written.births);
        CHECK(read->given_up);
        CHECK(read->never_led);
        CHECK(read->last().scope == "other");
        CHECK(read->last().member == "node2");
        CHECK(read->last().request == "more");
        CHECK(read->not_accepted);
        CHECK(read->handed_over->inode == 1);
        CHECK(read->handed_over->at == 2);
        CHECK(read->handed_over->control_written_at == 3);
    }
}

TEST_CASE("a journal keeps what was asked and what was reached, for every kind of target") {
    const Files files;
    const auto file = files.path("journal.json");
    const RecoveryTarget targets[] = {{Latest{}},
                                      {Immediate{}},
                                      {Time::parse("2026-11-22 10:00:00.5+01").value(), true},
                                      {Xid{748}, true},
                                      {LsnTarget{*postgres::Lsn::parse("0/7000028")}},
                                      {Name{"before \"it\""}}};
    for (const auto& target : targets) {
        CAPTURE(target.text());
        Journal written;
        written.asked = Asked{target, {1}, "000000010000000000000009", {1ULL << 20}, true};
        written.reached = Reached{{2}, *postgres::Lsn::parse("0/7000158"), "why", "2026-11-22 09:59:58+00"};
        written.save(file);
        const auto read = Journal::read(file);
        REQUIRE(read);
        REQUIRE(read->asked);
        CHECK(read->asked->target.text() == target.text());
        CHECK(read->asked->timeline == postgres::Timeline{1});
        CHECK(read->asked->last_segment == "000000010000000000000009");
        CHECK(read->asked->segment_size.bytes == 1ULL << 20);
        CHECK(read->asked->checksums);
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
    CHECK_FALSE(read->asked);
    CHECK_FALSE(read->reached);
}

TEST_CASE("a damaged journal is refused by its name, since it protects what is beside it") {
    const Files files;
    Journal{}.save(files.path("whole"));
    auto unknown_phase = files.read("whole");
    unknown_phase.replace(unknown_phase.find("copying"), 7, "sleeping");
    for (const auto& text : {std::string(), std::string("{}"), std::string("[1]"), unknown_phase}) {
        CAPTURE(text);
        const auto file = files.write("journal.json", text);
        const auto problems = problems_of(ExitCode::unsafe, [&] { Journal::read(file); });
        REQUIRE(problems.size() == 1);
        CHECK(problems[0].message.find("the journal " + file.string() + " is damaged: ") == 0);
        CHECK(problems[0].hint == "move it and the staging directory beside it away; the next run starts over");
    }
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

TEST_CASE("the boot has an identifier that stays while the machine runs") {
    CHECK(boot_of({"/proc"}).size() == 36);
    CHECK(boot_of({"/tmp", "/tmp"}) == boot_of({"/tmp"}));
}
