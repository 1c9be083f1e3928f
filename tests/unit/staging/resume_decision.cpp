#include "staging/resume_decision.hpp"

#include "support/catch.hpp"
#include "system/text.hpp"
#include "unit/staging/resume_cases.hpp"

#include <filesystem>
#include <stdexcept>
#include <utility>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::resume_cases;

namespace {

std::string text(const ResumeVerdict& verdict) {
    return fmt::format("action {}, {} s, {} {}", static_cast<int>(verdict.action), verdict.pause.count(), verdict.log,
                       verdict.warning   ? verdict.warning->message
                       : verdict.failure ? verdict.failure->what()
                                         : "");
}

bool asks_the_dcs(const ResumeVerdict& verdict) {
    return verdict.action == ResumeAction::ask_dcs || verdict.action == ResumeAction::ask_dcs_until_it_tells ||
           verdict.action == ResumeAction::ask_dcs_again;
}

// The table of docs/architecture.md

enum class Does {
    nothing,
    removes_the_journal,
    abandons,
    abandons_for_others,
    refuses,
    refuses_from_now_on,
    asks,
    asks_again,
    asks_once_more,
    finishes,
    continues,
};

struct Row {
    std::string seen, does;  ///< as in the document
    bool (*fits)(const Case&);
    Does action;
    std::string says{};  ///< a part of the line or the message
};

const std::vector<Row> in_any_case{
    {"no journal of this scope and member, or the method names no block with a command",
     "0: nothing to do; a journal that is not ended is named", [](const Case& at) { return !at.journal; },
     Does::nothing},
};

const std::vector<Row> in_its_place{
    {"`verify` rejected it", "9", [](const Case& at) { return at.rejected; }, Does::refuses,
     "/data was handed over, but verify rejected it: probe 1 returned 'false': the next start would promote it"},
    {"Patroni was seen not to accept it", "9", [](const Case& at) { return at.not_accepted; }, Does::refuses,
     "/data was handed over, but Patroni did not accept it: the next start would promote it"},
    {"it was in use for a day after its recovery ended", "removes the journal, 0",
     [](const Case& at) { return at.life == Life::a_day; }, Does::removes_the_journal,
     "/data has been in use since its restore, which is over"},
    {"the DCS was not asked", "asks it", [](const Case& at) { return at.dcs == Dcs::not_asked; }, Does::asks},
    {"the DCS does not answer", "asks again, then 6", [](const Case& at) { return at.dcs == Dcs::silent; },
     Does::asks_again, "the DCS cannot be asked about scope demo: patronictl list exited with code 1"},
    {"nobody leads, and the key cannot be read", "asks again, then 6",
     [](const Case& at) { return !at.has_leader() && at.key == InitializeKey::unknown; }, Does::asks_again,
     "patronictl answers, but the initialize key cannot be read"},
    {"the first answer, while other members are there: nobody leads, the key is empty, and no other node bootstraps",
     "asks once more, `loop_wait` and 5 s later",
     [](const Case& at) {
         return !at.asked_twice && at.others && !at.has_leader() && at.key == InitializeKey::empty &&
                !at.another_bootstraps();
     },
     Does::asks_once_more, "node2 is there too: asking the DCS again in "},
    {"the first answer, while other members are there: somebody leads on its timeline, an earlier or an unknown one, "
     "and it was a primary last",
     "asks once more, `loop_wait` and 5 s later",
     [](const Case& at) { return !at.asked_twice && at.others && at.leads_on_own_timeline() && at.was_primary(); },
     Does::asks_once_more, "node2 is there too: asking the DCS again in "},
    {"another leads, and it never started", "9: it would be a second history",
     [](const Case& at) { return at.another_leads() && at.never_started(); }, Does::refuses,
     "/data was handed over, but never started, and node2 leads without it: "},
    {"another leads on its timeline, an earlier or an unknown one, and it was a primary last",
     "9: they may be two histories of one timeline",
     [](const Case& at) { return at.another_leads() && at.leads_on_own_timeline() && at.was_primary(); }, Does::refuses,
     "/data was handed over, but node2 leads without it, on "},
    {"nobody leads, and another bootstraps", "9, now and later: Patroni did not accept it",
     [](const Case& at) { return !at.has_leader() && at.another_bootstraps(); }, Does::refuses_from_now_on,
     "/data was handed over, but node2 bootstraps the cluster now: "},
    {"it never started, the key holds the system identifier, and the DCS has a configuration that was not there when "
     "the key was empty",
     "9: the cluster has had a leader without it",
     [](const Case& at) { return at.never_started() && at.is_initialized() && at.configured && at.never_led; },
     Does::refuses, "/data was handed over, but never started, and the cluster has had a leader without it: "},
    {"it never started, and the key holds the system identifier", "0: Patroni goes on with it",
     [](const Case& at) { return at.never_started() && at.is_initialized(); }, Does::nothing,
     "/data is in place, and PostgreSQL has not started there yet: Patroni goes on with it"},
    {"somebody leads, or the key holds the system identifier", "removes the journal, 0: the restore is over",
     [](const Case& at) { return at.lives(); }, Does::removes_the_journal,
     "scope demo is initialised: the restore of /data is over"},
    {"there is no key", "9, now and later: Patroni did not accept it",
     [](const Case& at) { return at.key == InitializeKey::absent; }, Does::refuses_from_now_on,
     "/data was handed over, but Patroni did not accept it: "},
    {"the key is empty, and this bootstrap was abandoned before", "9, now and later: the key is another's",
     [](const Case& at) { return at.given_up; }, Does::refuses_from_now_on,
     "/data was handed over, but Patroni gave its bootstrap up, and the one that is under way is another node's: "},
    {"the key is empty", "0: Patroni goes on with it", [](const Case& at) { return at.key == InitializeKey::empty; },
     Does::nothing, "/data is in place: Patroni goes on with it"},
};

const std::vector<Row> unfinished{
    {"all of it is in place, and only the journal says otherwise", "finishes the hand-over, and looks anew",
     [](const Case& at) { return at.in_place == InPlace::whole; }, Does::finishes,
     "all of the restore is in /data: its hand-over, which was interrupted, is finished now"},
    {"somebody's data is in place", "abandons it for others, 0",
     [](const Case& at) { return at.in_place == InPlace::something_else; }, Does::abandons_for_others,
     "/data holds data meanwhile: nothing to resume"},
    {"the DCS was not asked", "asks it", [](const Case& at) { return at.dcs == Dcs::not_asked; }, Does::asks},
    {"the DCS does not answer", "asks again, then 6", [](const Case& at) { return at.dcs == Dcs::silent; },
     Does::asks_again, "the DCS cannot be asked about scope demo: patronictl list exited with code 1"},
    {"somebody leads", "abandons it for others, 0", [](const Case& at) { return at.has_leader(); },
     Does::abandons_for_others, " leads meanwhile: the cluster went on without this restore"},
    {"the key holds the system identifier", "abandons it for others, 0",
     [](const Case& at) { return at.is_initialized(); }, Does::abandons_for_others,
     "nothing to resume, the cluster was initialised meanwhile: it went on without this restore"},
    {"there is no key", "abandons it, 0: Patroni calls the bootstrap method itself",
     [](const Case& at) { return at.key == InitializeKey::absent; }, Does::abandons,
     "nothing to resume, the DCS does not know the cluster: Patroni calls the bootstrap method itself"},
    {"another bootstraps", "abandons it for others, 0", [](const Case& at) { return at.another_bootstraps(); },
     Does::abandons_for_others, "nothing to resume, node2 bootstraps the cluster now"},
    {"the first answer, while other members are there", "asks once more, `loop_wait` and 5 s later",
     [](const Case& at) { return at.others && !at.asked_twice; }, Does::asks_once_more,
     "node2 is there too: asking the DCS again in "},
    {"this bootstrap was abandoned before", "0, with a warning: the key is another's",
     [](const Case& at) { return at.given_up; }, Does::nothing,
     "nothing to resume, Patroni gave that bootstrap of scope demo up: the one that is under way is another node's"},
    {"the key cannot be read", "asks again, then 6", [](const Case& at) { return at.key == InitializeKey::unknown; },
     Does::asks_again, "patronictl answers, but the initialize key cannot be read"},
    {"a script asked for something else than the block does", "9",
     [](const Case& at) { return at.command == Command::script_with_more; }, Does::refuses,
     "the interrupted restore was asked for with options that are not in the block pgbackrest (something else)"},
    {"in patroni mode, with a target or an explicit timeline", "9: a restarted Patroni would lose it",
     [](const Case& at) { return at.asks == Asks::for_target_by_patroni; }, Does::refuses,
     "the restore of scope demo to time 2026-11-22 10:00:00+00 was interrupted, and in patroni mode only"},
    {"an empty key", "continues the bootstrap", [](const Case& at) { return at.key == InitializeKey::empty; },
     Does::continues, "the bootstrap of scope demo was interrupted ("},
};

const std::vector<Row> gone{
    {"the DCS was not asked", "asks it", [](const Case& at) { return at.dcs == Dcs::not_asked; }, Does::asks},
    {"the DCS does not answer", "0, with a warning", [](const Case& at) { return at.dcs == Dcs::silent; },
     Does::nothing, ", and the DCS cannot be asked what became of scope demo: patronictl list exited with code 1"},
    {"somebody leads, or the key holds the system identifier", "removes the journal, 0",
     [](const Case& at) { return at.lives(); }, Does::removes_the_journal,
     "scope demo went on without the restore that Patroni set aside"},
    {"somebody's data is in place", "0, with a warning: Patroni starts it",
     [](const Case& at) { return at.in_place == InPlace::something_else; }, Does::nothing,
     "/data holds other data than what was handed over there, and nobody leads scope demo: Patroni starts it as it is"},
    {"this bootstrap was abandoned before", "0, with a warning: the key is another's",
     [](const Case& at) { return at.given_up; }, Does::nothing,
     "nothing to resume, Patroni gave that bootstrap of scope demo up: "},
    {"the key cannot be read", "0, with a warning", [](const Case& at) { return at.key == InitializeKey::unknown; },
     Does::nothing, "/data was handed over and is gone, and the initialize key of scope demo cannot be read: "},
    {"there is no key", "abandons it, 0: Patroni calls the bootstrap method itself",
     [](const Case& at) { return at.key == InitializeKey::absent; }, Does::abandons,
     "nothing to resume, the DCS does not know the cluster: Patroni calls the bootstrap method itself"},
    {"another bootstraps", "abandons it, 0", [](const Case& at) { return at.another_bootstraps(); }, Does::abandons,
     "nothing to resume, node2 bootstraps the cluster now"},
    {"the first answer, while other members are there", "asks once more, `loop_wait` and 5 s later",
     [](const Case& at) { return at.others && !at.asked_twice; }, Does::asks_once_more,
     "node2 is there too: asking the DCS again in "},
    {"an empty key", "9: Patroni would wait for a leader for ever",
     [](const Case& at) { return at.key == InitializeKey::empty; }, Does::refuses,
     "/data was handed over and is gone, and no node bootstraps scope demo: "},
};

const std::vector<Row>& table_for(const Case& at) {
    return !at.journal ? in_any_case : at.is_handed_over() ? in_its_place : at.is_unfinished() ? unfinished : gone;
}

ResumeAction action_of(const Row& row, const Case& at) {
    switch (row.action) {
    case Does::nothing:
        return ResumeAction::start_patroni;
    case Does::removes_the_journal:
        return ResumeAction::discard_journal;
    case Does::abandons:
        return at.only_planned ? ResumeAction::discard_journal : ResumeAction::abandon;
    case Does::abandons_for_others:
        return at.only_planned     ? ResumeAction::discard_journal
               : at.in_mount_point ? ResumeAction::remove_unfinished
                                   : ResumeAction::abandon;
    case Does::refuses:
        return ResumeAction::refuse;
    case Does::refuses_from_now_on:
        return ResumeAction::refuse_from_now_on;
    case Does::asks:
        return ResumeAction::ask_dcs;
    case Does::asks_again:
        return ResumeAction::ask_dcs_until_it_tells;
    case Does::asks_once_more:
        return ResumeAction::ask_dcs_again;
    case Does::finishes:
        return ResumeAction::finish_hand_over;
    case Does::continues:
        return ResumeAction::continue_bootstrap;
    }
    throw std::logic_error("a row without an action");
}

ExitCode code_of(const Row& row) {
    return row.does.find("then 6") != std::string::npos ? ExitCode::repository_unreachable : ExitCode::unsafe;
}

std::string what_is_said(const ResumeVerdict& verdict) {
    return verdict.failure ? verdict.failure->what() : verdict.warning ? verdict.warning->message : verdict.log;
}

/// What is not as the table says; empty when all is.
std::string against_the_table(const Case& at, const ResumeVerdict& verdict) {
    for (const auto& row : table_for(at)) {
        if (!row.fits(at)) {
            continue;
        }
        const auto said = what_is_said(verdict);
        const bool fails = row.does.find('9') != std::string::npos || row.does.find('6') != std::string::npos;
        const bool same = verdict.action == action_of(row, at) && verdict.failure.has_value() == fails &&
                          (!fails || verdict.failure->code() == code_of(row)) &&
                          verdict.warning.has_value() == (row.does.find("with a warning") != std::string::npos) &&
                          (row.says.empty() ? said.empty() : said.find(row.says) != std::string::npos);
        return same ? "" : "not what the row says: " + row.seen;
    }
    return "no row fits";
}

// The oracle

bool lets_patroni_start(ResumeAction action) {
    return action == ResumeAction::start_patroni || action == ResumeAction::discard_journal ||
           action == ResumeAction::abandon || action == ResumeAction::remove_unfinished;
}

/// Patroni starts what was handed over, and promotes it; one that was in use for a day is an ordinary member's.
bool starts_the_restore(const Case& at, ResumeAction action) {
    return at.journal && at.is_handed_over() && at.life != Life::a_day && lets_patroni_start(action);
}

/// What must never happen, whatever the table says; empty when it does not.
std::string forbidden(const Case& at, const ResumeVerdict& verdict) {
    const auto action = verdict.action;
    const bool starts_it = starts_the_restore(at, action);
    const bool makes_a_history = starts_it || action == ResumeAction::continue_bootstrap;
    const bool nobody_leads = !at.has_leader();
    if (at.journal && action != ResumeAction::ask_dcs && what_is_said(verdict).empty()) {
        return "decides in silence, with a journal";
    }
    if (verdict.warning && verdict.warning->hint.empty()) {
        return "warns, and does not say what to do";
    }
    if (makes_a_history && at.dcs != Dcs::answers) {
        return "begins a history without having asked the DCS";
    }
    if (makes_a_history && nobody_leads && at.another_bootstraps()) {
        return "two histories: another node bootstraps";
    }
    if (makes_a_history && nobody_leads && !at.is_initialized() && at.given_up) {
        return "two histories: the empty key is another node's";
    }
    if (makes_a_history && !at.lives() && at.others && !at.asked_twice) {
        return "two histories: another node may have taken the key a moment ago";
    }
    if (action == ResumeAction::continue_bootstrap && (at.lives() || at.key == InitializeKey::absent)) {
        return "two histories: the bootstrap is another's, or none";
    }
    if (starts_it && at.another_leads() &&
        (at.never_started() || (at.was_primary() && at.leader_timeline <= own_timeline))) {
        return "two histories: the leader may have a rival one";
    }
    if (starts_it && at.never_started() && at.is_initialized() && at.never_led && at.configured) {
        return "two histories: the cluster has had a leader without it";
    }
    if (starts_it && (at.rejected || at.not_accepted || (nobody_leads && at.key == InitializeKey::absent))) {
        return "starts what was not accepted";
    }
    // Patroni waits in an empty data directory while the key is empty and nobody works on it. An abandoned bootstrap's
    // key is another node's, which ends it.
    const bool nobody_works = nobody_leads && !at.another_bootstraps() && !at.given_up;
    if (at.journal && at.in_place == InPlace::nothing && at.dcs == Dcs::answers && at.key == InitializeKey::empty &&
        nobody_works && lets_patroni_start(action)) {
        return "waits for ever";
    }
    if ((action == ResumeAction::ask_dcs && at.dcs != Dcs::not_asked) ||
        (action == ResumeAction::ask_dcs_again && (at.asked_twice || !at.others || verdict.pause.count() < 15)) ||
        (action == ResumeAction::ask_dcs_until_it_tells && at.dcs != Dcs::silent && at.key != InitializeKey::unknown)) {
        return "asks for ever, or too early";
    }
    const bool goes_on_elsewhere =
        at.lives() || at.another_bootstraps() || (at.journal && at.in_place == InPlace::something_else);
    if (action == ResumeAction::remove_unfinished && !goes_on_elsewhere) {
        return "removes the only copy";
    }
    if (action == ResumeAction::discard_journal && !at.only_planned && !at.lives() && at.life != Life::a_day) {
        return "forgets whose the only copy is";
    }
    if (action == ResumeAction::discard_journal && at.is_unfinished() && !at.only_planned) {
        return "leaves a copy without its journal";
    }
    if (verdict.cluster_lives && !at.lives() && at.in_place != InPlace::something_else) {
        return "gives tablespaces away that are needed again";
    }
    return "";
}

/// Asking takes seconds: it is left where the node itself tells enough.
bool may_ask(const Case& at) {
    return at.journal && (at.is_handed_over() ? at.life != Life::a_day && !at.rejected && !at.not_accepted
                                              : !at.is_unfinished() || at.in_place == InPlace::nothing);
}

std::vector<std::string> rows_of_the_document() {
    const auto top = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().parent_path();
    const auto text = system::read_file(top / "docs" / "architecture.md");
    const auto begin = text.find("\n## resume\n") + 1;
    std::vector<std::string> rows;
    for (const auto& line : system::lines(text.substr(begin, text.find("\n## ", begin) - begin))) {
        if (line.starts_with("| ") && !line.starts_with("| --- ") &&
            line.find(" | what `resume` does |") == line.npos) {
            rows.push_back(line);
        }
    }
    return rows;
}

}  // namespace

TEST_CASE("every combination is decided as docs/architecture.md says, and never as the oracle forbids") {
    const auto answers = all_answers();
    std::size_t combinations = 0;
    std::map<std::string, std::pair<std::size_t, std::string>> wrong;
    const auto judge = [&](const Case& at, const ResumeVerdict& verdict) {
        ++combinations;
        for (const auto& objection : {against_the_table(at, verdict), forbidden(at, verdict)}) {
            if (!objection.empty() && wrong[objection].first++ == 0) {
                wrong[objection].second = text(at) + "\n-> " + text(verdict);
            }
        }
    };
    each_node([&](const Case& node) {
        auto facts = see(node);
        const auto first = decide_resume(facts);
        judge(node, first);
        if ((first.action == ResumeAction::ask_dcs) != may_ask(node)) {
            wrong["asks where it need not, or not where it must"] = {1, text(node)};
        }
        for (const auto& answer : asks_the_dcs(first) ? answers : std::vector<Case>{}) {
            for (const bool asked_twice : no_or_yes) {
                const auto at = with_answer(node, answer, asked_twice);
                see_dcs(at, facts);
                judge(at, decide_resume(facts));
            }
        }
    });
    for (const auto& [objection, example] : wrong) {
        FAIL_CHECK(objection << ", " << example.first << " times:\n" << example.second);
    }
    CHECK(combinations == 1467289);  // so that nothing is left out unnoticed
}

TEST_CASE("the rules of resume stand in docs/architecture.md, one row each") {
    std::vector<std::string> rows;
    for (const auto* table : {&in_any_case, &in_its_place, &unfinished, &gone}) {
        for (const auto& row : *table) {
            rows.push_back("| " + row.seen + " | " + row.does + " |");
        }
    }
    CHECK(rows_of_the_document() == rows);
}

TEST_CASE("a day of use counts from the end of the recovery, on a timeline that it made") {
    Case at;
    at.phase = Phase::handed_over;
    at.in_place = InPlace::handed_over;
    at.life = Life::a_day;
    auto facts = see(at);
    const auto is_over = [&] { return decide_resume(facts).action == ResumeAction::discard_journal; };
    CHECK(is_over());
    SECTION("a second less") {
        --facts.control.written_at;
        CHECK_FALSE(is_over());
    }
    SECTION("a clock that was put forward meanwhile") {
        facts.journal->handed_over->uptime = {"boot", 100};
        facts.uptime = {"boot", 100 + 86399};
        CHECK_FALSE(is_over());
        ++facts.uptime.seconds;
        CHECK(is_over());
        facts.uptime = {"another", 5};
        CHECK(is_over());
    }
    SECTION("a recovery that ended after the hand-over, in patroni mode") {
        facts.recovery_ended_at = facts.journal->handed_over->at + 1;
        CHECK_FALSE(is_over());
    }
    SECTION("a recovery that has not ended") {
        facts.recovery_ended_at.reset();
        CHECK_FALSE(is_over());
    }
    SECTION("the timeline that was restored") {
        facts.control.timeline = facts.journal->goal->timeline;
        CHECK_FALSE(is_over());
    }
    SECTION("a journal that does not say what was asked") {
        facts.journal->goal.reset();
        CHECK_FALSE(is_over());
    }
}

TEST_CASE("the second question waits for a cycle of the longer loop_wait") {
    Case at;
    at.dcs = Dcs::answers;
    at.key = InitializeKey::empty;
    at.others = true;
    CHECK(decide_resume(see(at)).log ==
          "node2 is there too: asking the DCS again in 15 s, by when it will have said what it does now");
    at.configured = true;  // 20 s in the DCS
    CHECK(decide_resume(see(at)).pause == std::chrono::seconds(25));
}

TEST_CASE("what keeps Patroni from starting it, or from letting it lead, is told before the work and after it") {
    Case at;
    at.dcs = Dcs::answers;
    at.key = InitializeKey::empty;
    SECTION("before it") {
        at.phase = Phase::copying;
    }
    SECTION("after it") {
        at.phase = Phase::handed_over;
        at.in_place = InPlace::handed_over;
    }
    auto facts = see(at);
    CHECK_FALSE(decide_resume(facts).warning);
    facts.modes.pause = true;
    const std::string paused =
        "scope demo is in pause, and Patroni starts no server then: what is restored waits for the "
        "end of the pause";
    CHECK(decide_resume(facts).warning == Problem{paused, "take bootstrap.dcs.pause out before Patroni starts"});
    facts.dcs->configured = true;
    CHECK(decide_resume(facts).warning == Problem{paused, "run patronictl edit-config demo --force -s pause=null"});
    CHECK_FALSE(decide_resume(facts).failure);
    facts.modes = {};
    facts.modes.synchronous = true;
    facts.dcs->remainders.sync = {"node2", "node3"};
    CHECK(
        decide_resume(facts).warning ==
        Problem{"an earlier leader of scope demo has left /sync with node2, node3 in the DCS, for which Patroni may "
                "never let this node lead",
                "if nobody leads two minutes after Patroni has started here, run patronictl failover --candidate node1 "
                "--force demo"});
    facts.modes.pause = true;
    CHECK(decide_resume(facts).warning->message.starts_with(paused + "; an earlier leader "));
}

TEST_CASE("on Kubernetes an unfinished restore stays where the bootstrap that goes on may be a dead pod's") {
    Case at;
    at.dcs = Dcs::answers;
    at.key = InitializeKey::empty;
    at.bootstraps = Who::another;
    at.others = true;
    at.in_mount_point = true;
    auto facts = see(at);
    CHECK(decide_resume(facts).action == ResumeAction::remove_unfinished);
    CHECK_FALSE(decide_resume(facts).warning);
    facts.dcs->states_expire = false;
    const auto verdict = decide_resume(facts);
    CHECK(verdict.action == ResumeAction::abandon);
    CHECK_FALSE(verdict.cluster_lives);
    CHECK(
        verdict.warning ==
        Problem{"node2 bootstraps scope demo by what its pod says, which stays as it was where that pod's node is "
                "down: Patroni would wait for it for ever",
                "if no other node restores it, stop Patroni on every node, run patronictl remove demo and start "
                "Patroni here: it calls the bootstrap method anew; else, once node2 leads, start Patroni here again"});
}

TEST_CASE("where the restored WAL ends is known behind the hand-over alone") {
    Case at;
    at.dcs = Dcs::answers;
    at.key = InitializeKey::empty;
    auto facts = see(at);
    facts.journal->reached->lsn = {5000000};
    facts.dcs->remainders.last_lsn = 5000000 + 1048576;
    CHECK(decide_resume(facts).warning);  // by an earlier replay, which this one may not reach
    at.phase = Phase::handed_over;
    at.in_place = InPlace::handed_over;
    facts = see(at);
    facts.journal->reached->lsn = {5000000};
    facts.dcs->remainders.last_lsn = 5000000 + 1048576;
    CHECK_FALSE(decide_resume(facts).warning);
    ++facts.dcs->remainders.last_lsn;
    CHECK(decide_resume(facts).warning);
    facts.dcs->leadership.leader = "node1";
    CHECK_FALSE(decide_resume(facts).warning);
}

TEST_CASE("what is asked about is the scope of what is decided") {
    Case at;
    at.begun = true;
    at.phase = Phase::handed_over;
    auto facts = see(at);
    facts.journal->planning->scope = "other";
    CHECK(facts.scope() == "other");
    facts.in_place = InPlace::handed_over;
    CHECK(facts.scope() == "demo");
}
