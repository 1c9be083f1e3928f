#include "staging/resume_decision.hpp"

#include "staging/another_call.hpp"
#include "staging/kept_from_leading.hpp"
#include "staging/own_name.hpp"
#include "staging/resume_words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace patroni_pgbackrest {

using patroni::InitializeKey;
using patroni::Leadership;
using patroni::ScopeState;
using postgres::ClusterState;

namespace {

/// Whether it was a primary last, and the leader's timeline is not known to be a later one: the leader may be no
/// successor of it then, and Patroni would not rewind it.
bool may_have_rival_history(const postgres::ControlFile& control, const Leadership& leadership) {
    return control.state != ClusterState::in_archive_recovery && control.state != ClusterState::shut_down_in_recovery &&
           leadership.timeline <= control.timeline.number;
}

/// For so long after the end of its recovery that it was accepted: longer than any post_bootstrap takes. In patroni
/// mode the recovery ends after the hand-over, with the history file of a new timeline. A clock that was put forward
/// meanwhile makes no day, as far as the machine knows how long it has been up.
bool is_in_use_long_enough(const ResumeFacts& facts) {
    constexpr std::int64_t a_day = 86400;
    const auto& journal = *facts.journal;
    const auto up = facts.uptime.seconds_since(journal.handed_over->uptime);
    return up.value_or(a_day) >= a_day && journal.goal && facts.control.timeline > journal.goal->timeline &&
           facts.recovery_ended_at &&
           facts.control.written_at > std::max(journal.handed_over->at, *facts.recovery_ended_at) + a_day;
}

/// Empty once the DCS has told it.
std::optional<ResumeVerdict> ask_who_leads(const ResumeFacts& facts) {
    if (!facts.dcs) {
        return ResumeVerdict{.action = ResumeAction::ask_dcs};
    }
    return facts.dcs->leadership.why_unknown.empty() ? std::nullopt : std::optional(ask_until_it_answers(facts));
}

/// Whether an answer can be too old: nobody else is there, or it is the second one.
bool may_change(const ResumeFacts& facts) {
    return !facts.asked_twice && !facts.other_than_own(facts.dcs->members).empty();
}

/// With a leader: whether it leads what was handed over, its successor, or a second history of the same timeline.
std::optional<ResumeVerdict> refuse_rival_of_leader(const ResumeFacts& facts, bool never_started) {
    const auto& leadership = facts.dcs->leadership;
    if (!leadership.leader || *leadership.leader == facts.own_name) {
        return std::nullopt;
    }
    if (never_started) {
        return refuse_directory(facts, fmt::format("never started, and {} leads without it", *leadership.leader));
    }
    if (!may_have_rival_history(facts.control, leadership)) {
        return std::nullopt;
    }
    if (leadership.timeline == 0) {
        return refuse_directory(
            facts, fmt::format("{} leads without it, on a timeline that is not known", *leadership.leader));
    }
    return refuse_directory(facts, fmt::format("{} leads without it, on timeline {} like this one", *leadership.leader,
                                               leadership.timeline));
}

/// Whether Patroni goes on with what was handed over, has gone on without it, or would promote what is out of date.
ResumeVerdict decide_by_dcs(const ResumeFacts& facts) {
    const auto& journal = *facts.journal;
    const auto& dcs = *facts.dcs;
    const auto directory = facts.layout.data_directory.string();
    const bool has_leader = dcs.leadership.leader.has_value();
    const bool is_initialized = dcs.initialize == InitializeKey::initialized;
    const bool never_started = journal.has_never_started(facts.control);
    const auto bootstraps = facts.other_than_own(dcs.bootstrapping);
    if (auto refusal = refuse_rival_of_leader(facts, never_started)) {
        return *refusal;
    }
    if (!has_leader && !bootstraps.empty()) {
        return refuse_directory_from_now_on(facts, fmt::format("{} bootstraps the cluster now", bootstraps));
    }
    if (never_started && is_initialized && dcs.configured && journal.never_led) {
        return refuse_directory(facts, "never started, and the cluster has had a leader without it");
    }
    if (never_started && is_initialized) {
        return {.log = fmt::format("{} is in place, and PostgreSQL has not started there yet: Patroni goes on with it",
                                   directory),
                .warning = what_keeps_it_from_leading(facts)};
    }
    if (cluster_has_moved_on(dcs)) {
        return {.action = ResumeAction::discard_journal,
                .log = fmt::format("scope {} is initialised: the restore of {} is over", facts.scope(), directory)};
    }
    if (dcs.initialize == InitializeKey::absent) {
        return refuse_directory_from_now_on(facts, "Patroni did not accept it");
    }
    if (journal.given_up) {
        return refuse_directory_from_now_on(
            facts, "Patroni gave its bootstrap up, and the one that is under way is another node's");
    }
    return {.log = fmt::format("{} is in place: Patroni goes on with it", directory),
            .warning = what_keeps_it_from_leading(facts)};
}

/// Patroni may reject what it was handed over (its start or post_bootstrap fails) and be unable to rename it, in a
/// mount point for example. Started again, it would promote it.
ResumeVerdict decide_on_what_was_handed_over(const ResumeFacts& facts) {
    const auto& journal = *facts.journal;
    if (journal.rejected) {
        return refuse_directory(facts, "verify rejected it: " + journal.rejected->message, true);
    }
    if (journal.not_accepted) {
        return refuse_directory(facts, "Patroni did not accept it", true);
    }
    if (is_in_use_long_enough(facts)) {
        return {.action = ResumeAction::discard_journal,
                .log = fmt::format("{} has been in use since its restore, which is over",
                                   facts.layout.data_directory.string())};
    }
    if (const auto question = ask_who_leads(facts)) {
        return *question;
    }
    const auto& dcs = *facts.dcs;
    const auto& leadership = dcs.leadership;
    if (!leadership.leader && dcs.initialize == InitializeKey::unknown) {
        return ask_until_it_tells_the_key(facts, "; or remove the journal if the data is right: " +
                                                     facts.layout.journal().string());
    }
    const bool may_have_the_key =
        !leadership.leader && dcs.initialize == InitializeKey::empty && facts.other_than_own(dcs.bootstrapping).empty();
    const bool may_promote = leadership.leader && may_have_rival_history(facts.control, leadership);
    return may_change(facts) && (may_have_the_key || may_promote) ? ask_again(facts) : decide_by_dcs(facts);
}

enum class Next { own, others };

/// The cluster goes on elsewhere, or Patroni begins anew. A staging directory in the data directory is in the way when
/// others go on, since pg_basebackup takes no directory with anything in it.
ResumeVerdict abandon(const ResumeFacts& facts, std::string log, Next next, bool cluster_lives) {
    ResumeVerdict verdict{.action = ResumeAction::abandon, .log = std::move(log), .cluster_lives = cluster_lives};
    if (facts.journal->only_planned()) {
        verdict.action = ResumeAction::discard_journal;
    } else if (facts.layout.inside && next == Next::others) {
        verdict.action = ResumeAction::remove_unfinished;
    }
    return verdict;
}

/// On Kubernetes the state of a pod whose node is down stays as it was: nothing is removed for a dead one's.
ResumeVerdict abandon_for(const ResumeFacts& facts, const std::string& other) {
    const auto log = fmt::format("nothing to resume, {} bootstraps the cluster now", other);
    const auto& dcs = *facts.dcs;
    if (dcs.states_expire) {
        return abandon(facts, log, Next::others, cluster_has_moved_on(dcs));
    }
    auto verdict = abandon(facts, log, Next::own, cluster_has_moved_on(dcs));
    verdict.warning = may_be_a_dead_pod(facts, other);
    return verdict;
}

ResumeVerdict continue_bootstrap(const ResumeFacts& facts) {
    const auto begun = facts.journal->last_call();
    const auto& request = *facts.request;
    if (const auto other = why_another_call(facts)) {
        return refuse_for(*other);
    }
    // A restarted Patroni would run it as a standby, without its target.
    if (request.recovery == Recovery::patroni && (!request.target.is_latest() || request.timeline)) {
        return refuse_as_only_patroni_can(facts);
    }
    return {.action = ResumeAction::continue_bootstrap,
            .log = fmt::format("the bootstrap of scope {} was interrupted ({}): it goes on now, before Patroni starts",
                               begun.scope, facts.journal->planning ? "planning" : text(facts.journal->phase)),
            .warning = what_keeps_it_from_leading(facts)};
}

ResumeVerdict decide_on_unfinished(const ResumeFacts& facts) {
    if (facts.in_place == InPlace::whole) {
        return {.action = ResumeAction::finish_hand_over,
                .log = fmt::format("all of the restore is in {}: its hand-over, which was interrupted, is finished now",
                                   facts.layout.data_directory.string())};
    }
    if (facts.in_place == InPlace::something_else) {
        return abandon(facts,
                       fmt::format("{} holds data meanwhile: nothing to resume", facts.layout.data_directory.string()),
                       Next::others, true);
    }
    if (const auto question = ask_who_leads(facts)) {
        return *question;
    }
    const auto& dcs = *facts.dcs;
    const auto& leadership = dcs.leadership;
    const auto nothing = [&](const std::string& why, Next next) {
        return abandon(facts, "nothing to resume, " + why, next, cluster_has_moved_on(dcs));
    };
    if (leadership.leader) {
        return nothing(fmt::format("{} leads meanwhile: the cluster went on without this restore", *leadership.leader),
                       Next::others);
    }
    if (dcs.initialize == InitializeKey::initialized) {
        return nothing("the cluster was initialised meanwhile: it went on without this restore", Next::others);
    }
    if (dcs.initialize == InitializeKey::absent) {
        return nothing("the DCS does not know the cluster: Patroni calls the bootstrap method itself", Next::own);
    }
    if (const auto other = facts.other_than_own(dcs.bootstrapping); !other.empty()) {
        return abandon_for(facts, other);
    }
    if (may_change(facts)) {
        return ask_again(facts);
    }
    if (facts.journal->given_up) {
        return start_what_another_bootstraps(facts);
    }
    if (dcs.initialize == InitializeKey::unknown) {
        // It may hold the system identifier, while every member with the cluster's data is down.
        return ask_until_it_tells_the_key(facts, "; nothing was changed");
    }
    return continue_bootstrap(facts);
}

/// Patroni set it aside, which ends its bootstrap, or a person moved it away. What Patroni did not accept is not handed
/// over once more without its post_bootstrap.
ResumeVerdict decide_on_what_is_gone(const ResumeFacts& facts) {
    if (!facts.dcs) {
        return {.action = ResumeAction::ask_dcs};
    }
    const auto& dcs = *facts.dcs;
    if (!dcs.leadership.why_unknown.empty()) {
        return warn_of_gone_and_silent_dcs(facts);
    }
    if (cluster_has_moved_on(dcs)) {
        return {.action = ResumeAction::discard_journal,
                .log = fmt::format("scope {} went on without the restore that Patroni set aside", facts.scope())};
    }
    if (facts.in_place == InPlace::something_else) {
        return warn_of_other_data(facts);
    }
    if (facts.journal->given_up) {
        return start_what_another_bootstraps(facts);
    }
    if (dcs.initialize == InitializeKey::unknown) {
        return warn_of_gone_and_unknown_key(facts);
    }
    if (dcs.initialize == InitializeKey::absent) {
        return {.action = ResumeAction::abandon,
                .log = "nothing to resume, the DCS does not know the cluster: Patroni calls the bootstrap method "
                       "itself"};
    }
    if (const auto other = facts.other_than_own(dcs.bootstrapping); !other.empty()) {
        return {.action = ResumeAction::abandon,
                .log = fmt::format("nothing to resume, {} bootstraps the cluster now", other)};
    }
    if (may_change(facts)) {
        return ask_again(facts);
    }
    return refuse_left_over_key(facts);
}

}  // namespace

bool cluster_has_moved_on(const ScopeState& dcs) {
    return dcs.leadership.leader || dcs.initialize == InitializeKey::initialized;
}

bool ResumeFacts::is_unfinished() const {
    return journal->phase != Phase::handed_over || (journal->planning && in_place != InPlace::handed_over);
}

std::string ResumeFacts::other_than_own(const std::vector<std::string>& names) const {
    const auto other = std::find_if(names.begin(), names.end(), [&](const auto& name) { return name != own_name; });
    return other == names.end() ? std::string() : *other;
}

std::string ResumeFacts::scope() const {
    return is_unfinished() ? journal->last_call().scope : journal->scope;
}

ResumeVerdict decide_resume(const ResumeFacts& facts) {
    if (!facts.journal) {
        return {};
    }
    if (const auto failure = facts.dcs ? refuse_without_name(facts.own_name, *facts.dcs) : std::nullopt) {
        return {.action = ResumeAction::refuse, .failure = failure};
    }
    if (facts.is_unfinished()) {
        return decide_on_unfinished(facts);
    }
    return facts.in_place == InPlace::handed_over ? decide_on_what_was_handed_over(facts)
                                                  : decide_on_what_is_gone(facts);
}

}  // namespace patroni_pgbackrest
