#include "commands/sync.hpp"

#include "commands/living_leader.hpp"
#include "commands/scope_at_hand_over.hpp"
#include "patroni/members.hpp"
#include "pgbackrest/retry.hpp"
#include "plan/living_source.hpp"
#include "staging/hand_over.hpp"
#include "staging/journal.hpp"
#include "system/file.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <chrono>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <vector>

namespace patroni_pgbackrest::commands {

namespace {

using patroni::ScopeQuery;
using patroni::ScopeState;
using pgbackrest::GrowthQuery;

std::unique_ptr<ScopeQuery> ask_dcs_of(const InForce& in_force, const Request& request) {
    const auto& arguments = in_force.arguments();
    const bool known_scope = arguments.patroni && !request.scope.empty();
    return known_scope ? std::make_unique<ScopeQuery>(arguments.source, request.scope, in_force.silence()) : nullptr;
}

/// Its answer, or another one while it gives none and has to, or while its leader may be dead.
ScopeState settle_answer(const BootstrapArguments& arguments, const Request& request, const ScopeState& first) {
    auto dcs = without_dead_leader(arguments.source, request.scope, first);
    for (pgbackrest::Retries retries{request.retry};
         arguments.patroni_goes_on && !dcs.leadership.why_unknown.empty();) {
        const auto why = dcs.leadership.why_unknown;
        if (!retries.another("the DCS does not answer: " + why)) {
            throw Failure(ExitCode::repository_unreachable,
                          fmt::format("the DCS cannot be asked whether scope {} has a leader: {}", request.scope, why),
                          "bring the DCS back; the restored data waits in the staging directory");
        }
        dcs =
            without_dead_leader(arguments.source, request.scope, patroni::read_scope(arguments.source, request.scope));
    }
    if (!dcs.leadership.why_unknown.empty()) {
        log::warning("{}: not checked whether scope {} has a leader", dcs.leadership.why_unknown, request.scope);
    }
    return dcs;
}

/// The answer that it was decided by.
ScopeState refuse_cluster_that_went_on(const BootstrapArguments& arguments, const Request& request,
                                       const ScopeState& dcs) {
    HandOverFacts facts;
    facts.scope = request.scope;
    facts.member = member_of(request);
    facts.caller = arguments.patroni_goes_on   ? RestoreCaller::resume
                   : arguments.calling_patroni ? RestoreCaller::patroni
                                               : RestoreCaller::person;
    facts.dcs = settle_answer(arguments, request, dcs);
    auto verdict = decide_hand_over(facts);
    if (!verdict.ask_again_for.empty()) {
        const auto pause = time_to_expire(arguments.source, request.scope, facts.dcs);
        log::info(
            "{} may bootstrap scope {} as well: asking the DCS again in {} s, by when a member that has died is gone",
            verdict.ask_again_for, request.scope, pause.count());
        interruption::sleep(pause);
        const auto second = settle_answer(arguments, request, patroni::read_scope(arguments.source, request.scope));
        facts.dcs = tells_as_much(second, facts.dcs) ? second : facts.dcs;
        facts.asked_twice = true;
        verdict = decide_hand_over(facts);
    }
    if (verdict.warning) {
        log::write(*verdict.warning, log::Level::warning);
    }
    if (verdict.failure) {
        throw Failure(*verdict.failure);
    }
    return facts.dcs;
}

/// What is left of postgresql.auto.conf's settings, where nothing in it makes the cluster archive elsewhere than
/// patroni.yml says.
std::vector<postgres::Setting> reset_archiving(const Request& request, const std::filesystem::path& file) {
    const auto content = system::read_file_if_present(file).value_or("");
    const auto names = archiving_to_reset(request, postgres::settings_of(content));
    if (names.empty()) {
        return postgres::settings_of(content);
    }
    const auto rest = postgres::without_settings(content, names);
    system::replace_file(file, rest);
    log::warning(
        "{} of the source's ALTER SYSTEM would archive into stanza {}, and what Patroni sets does not: taken out of "
        "postgresql.auto.conf",
        system::join(names, ", "), request.pgbackrest.stanza);
    return postgres::settings_of(rest);
}

/// Asks the archive and the DCS, does `meanwhile`, and looks at their answers. False if the request was judged by
/// another configuration than the DCS holds: what a living source means depends on that.
bool refuse_living_cluster(InForce& in_force, const Request& request, const pgbackrest::ArchiveEnd& archive_end,
                           const std::vector<postgres::Setting>& altered, const std::function<void()>& meanwhile) {
    const auto dcs = ask_dcs_of(in_force, request);
    GrowthQuery growth(request.pgbackrest, archive_end);
    meanwhile();
    const auto arrived = growth.answer(request.retry);
    const bool is_another =
        dcs && in_force.take(refuse_cluster_that_went_on(in_force.arguments(), request, dcs->answer()));
    if (is_another || in_force.hear()) {
        return false;
    }
    if (arrived) {
        refuse_living_source(request, *arrived, altered);
    }
    return true;
}

}  // namespace

bool sync_unless_cluster_lives(InForce& in_force, const Request& request, const pgbackrest::ArchiveEnd& archive_end,
                               StagingDirectory& staging, const system::OnSynced& on_progress) {
    using Clock = std::chrono::steady_clock;
    constexpr auto short_enough = std::chrono::seconds(2);
    const auto altered = reset_archiving(request, staging.path() / "postgresql.auto.conf");
    Clock::duration took{};
    const auto sync = [&] {
        const auto began = Clock::now();
        sync_for_hand_over(staging, on_progress);
        took = Clock::now() - began;
    };
    return refuse_living_cluster(in_force, request, archive_end, altered, sync) &&
           (took <= short_enough || refuse_living_cluster(in_force, request, archive_end, altered, [] {}));
}

}  // namespace patroni_pgbackrest::commands
