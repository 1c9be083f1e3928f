#include "commands/sync.hpp"

#include "patroni/members.hpp"
#include "pgbackrest/retry.hpp"
#include "plan/living_source.hpp"
#include "staging/hand_over.hpp"
#include "system/file.hpp"
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

std::unique_ptr<ScopeQuery> ask_for_leader(const InForce& in_force, const Request& request) {
    const auto& arguments = in_force.arguments();
    const bool known_scope = arguments.patroni && !request.scope.empty();
    return known_scope ? std::make_unique<ScopeQuery>(arguments.source, request.scope, in_force.silence()) : nullptr;
}

void refuse_leader(const Request& request, const ScopeState& state) {
    if (const auto& leader = state.leadership.leader) {
        throw Failure(ExitCode::unsafe, fmt::format("scope {} has a leader meanwhile: {}", request.scope, *leader),
                      "the cluster went on without this restore; the staging directory is kept");
    }
}

/// Where it has not answered: once more and again where it has to be known.
ScopeState ask_until_it_is_known(const BootstrapArguments& arguments, const Request& request, ScopeState state) {
    const auto& why = state.leadership.why_unknown;
    for (pgbackrest::Retries retries{request.retry}; arguments.patroni_goes_on && !why.empty();) {
        if (!retries.another("the DCS does not answer: " + why)) {
            throw Failure(ExitCode::repository_unreachable,
                          fmt::format("the DCS cannot be asked whether scope {} has a leader: {}", request.scope, why),
                          "bring the DCS back; the restored data waits in the staging directory");
        }
        state = patroni::read_scope(arguments.source, request.scope);
    }
    if (!why.empty()) {
        log::warning("{}: not checked whether scope {} has a leader", why, request.scope);
    }
    return state;
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
    const auto leader = ask_for_leader(in_force, request);
    GrowthQuery growth(request.pgbackrest, archive_end);
    meanwhile();
    const auto arrived = growth.answer(request.retry);
    const auto state = leader ? leader->answer() : ScopeState();
    refuse_leader(request, state);
    if (in_force.take(state) || in_force.hear()) {
        return false;
    }
    if (arrived) {
        refuse_living_source(request, *arrived, altered);
    }
    if (!leader || state.leadership.why_unknown.empty()) {
        return true;
    }
    const auto later = ask_until_it_is_known(in_force.arguments(), request, state);
    refuse_leader(request, later);
    return !in_force.take(later);
}

}  // namespace

bool sync_unless_cluster_lives(InForce& in_force, const Request& request, const pgbackrest::ArchiveEnd& archive_end,
                               const StagingDirectory& staging, const system::OnSynced& on_progress) {
    using Clock = std::chrono::steady_clock;
    constexpr auto short_enough = std::chrono::seconds(2);
    const auto altered = reset_archiving(request, staging.path() / "postgresql.auto.conf");
    Clock::duration took{};
    const auto sync = [&] {
        const auto began = Clock::now();
        sync_to_disk(staging, on_progress);
        took = Clock::now() - began;
    };
    return refuse_living_cluster(in_force, request, archive_end, altered, sync) &&
           (took <= short_enough || refuse_living_cluster(in_force, request, archive_end, altered, [] {}));
}

}  // namespace patroni_pgbackrest::commands
