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

using patroni::Leadership;
using patroni::ScopeQuery;
using pgbackrest::GrowthQuery;

std::unique_ptr<ScopeQuery> ask_for_leader(const BootstrapArguments& arguments, const Request& request) {
    const bool known_scope = arguments.patroni && !request.scope.empty();
    return known_scope ? std::make_unique<ScopeQuery>(arguments.source, request.scope) : nullptr;
}

void refuse_leader(const BootstrapArguments& arguments, const Request& request, Leadership leadership) {
    for (pgbackrest::Retries retries{request.retry}; arguments.patroni_goes_on && !leadership.why_unknown.empty();) {
        if (!retries.another("the DCS does not answer: " + leadership.why_unknown)) {
            throw Failure(ExitCode::repository_unreachable,
                          fmt::format("the DCS cannot be asked whether scope {} has a leader: {}", request.scope,
                                      leadership.why_unknown),
                          "bring the DCS back; the restored data waits in the staging directory");
        }
        leadership = patroni::read_scope(arguments.source, request.scope).leadership;
    }
    if (!leadership.why_unknown.empty()) {
        log::warning("{}: not checked whether scope {} has a leader", leadership.why_unknown, request.scope);
    }
    if (leadership.leader) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("scope {} has a leader meanwhile: {}", request.scope, *leadership.leader),
                      "the cluster went on without this restore; the staging directory is kept");
    }
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

/// Asks the archive and the DCS, does `meanwhile`, and looks at their answers.
void refuse_living_cluster(const BootstrapArguments& arguments, const Request& request,
                           const pgbackrest::ArchiveEnd& archive_end, const std::vector<postgres::Setting>& altered,
                           const std::function<void()>& meanwhile) {
    const auto leader = ask_for_leader(arguments, request);
    GrowthQuery growth(request.pgbackrest, archive_end);
    meanwhile();
    if (const auto arrived = growth.answer(request.retry)) {
        refuse_living_source(request, *arrived, altered);
    }
    if (leader) {
        refuse_leader(arguments, request, leader->answer().leadership);
    }
}

}  // namespace

void sync_unless_cluster_lives(const BootstrapArguments& arguments, const Request& request,
                               const pgbackrest::ArchiveEnd& archive_end, const StagingDirectory& staging,
                               const system::OnSynced& on_progress) {
    using Clock = std::chrono::steady_clock;
    constexpr auto short_enough = std::chrono::seconds(2);
    const auto altered = reset_archiving(request, staging.path() / "postgresql.auto.conf");
    Clock::duration took{};
    refuse_living_cluster(arguments, request, archive_end, altered, [&] {
        const auto began = Clock::now();
        sync_to_disk(staging, on_progress);
        took = Clock::now() - began;
    });
    if (took > short_enough) {
        refuse_living_cluster(arguments, request, archive_end, altered, [] {});
    }
}

}  // namespace patroni_pgbackrest::commands
