#include "commands/rehearsal_plan.hpp"

#include "plan/clusters.hpp"
#include "plan/repository_state.hpp"
#include "plan/window.hpp"
#include "staging/layout.hpp"
#include "staging/memory.hpp"
#include "staging/set_aside.hpp"
#include "system/failure.hpp"
#include "system/log.hpp"

#include <chrono>
#include <optional>
#include <utility>
#include <variant>

namespace patroni_pgbackrest::commands {

namespace {

/// The timelines that this node's restores have left, which a restore passes over.
RejectedRuns rejected_runs_of_node(const RehearsalSettings& settings) {
    if (!settings.data_directory) {
        return {};
    }
    try {
        auto request = settings.request;
        request.patroni = settings.patroni;
        request.data_directory = *settings.data_directory;
        return rejected_runs(request, choose_layout(request.data_directory));
    } catch (const Failure& failure) {
        log::warning("{}: what was rejected on this node is not known", failure.what());
        return {};
    }
}

struct Look {
    RepositoryState repository;
    Plan plan;
};

Look look_at(const Request& request, const RejectedRuns& rejected) {
    auto repository = read_repository(request, rejected);
    auto plan = make_plan(request, repository);
    return {std::move(repository), std::move(plan)};
}

/// A backup set may be what says which of the stanza's clusters is meant.
Request latest_of_cluster(const Request& request) {
    auto latest = for_latest(request);
    if (request.backup_set && !request.system_identifier) {
        latest.system_identifier = settle_cluster(request, read_stanza(request)).cluster.system_identifier;
    }
    return latest;
}

/// What a restore to the latest point would bring back now. Empty, with a warning, where it cannot be planned and
/// something else is rehearsed.
std::optional<Look> look_at_latest(const RehearsalSettings& settings, const Request& request,
                                   const RejectedRuns& rejected, Drill& drill, Window& window) {
    try {
        auto latest = look_at(latest_of_cluster(request), rejected);
        window = find_window(latest.plan, latest.repository);
        drill.told.window = window_text(window, latest.plan);
        drill.told.bytes_now = latest.plan.backup.size;
        drill.told.segments_now = latest.plan.wal.segments;
        if (window.last_commit) {
            const auto at = window.last_commit->latest_end.time_since_epoch();
            drill.told.last_commit = std::chrono::floor<std::chrono::seconds>(at).count();
        }
        return latest;
    } catch (const Failure& failure) {
        if (is_interruption(failure.code()) || settings.seed || is_for_latest(request)) {
            throw;
        }
        auto problem = failure.problems().front();
        problem.message = "a restore to the latest point cannot be planned: " + problem.message;
        drill.warn(problem);
        return std::nullopt;
    }
}

/// Of several branches that may be meant, a restore asks which one is. A random moment is one of the window, which is
/// that of the branch with the latest point.
Plan plan_moment(Request& request, const Look& latest, const RejectedRuns& rejected) {
    try {
        return look_at(request, rejected).plan;
    } catch (const Failure& failure) {
        const auto told = on_the_way(request, std::get<Time>(request.target.point), latest.plan, latest.repository);
        if (failure.code() != ExitCode::target_not_reachable || !told) {
            throw;
        }
        log::info("{}: the moment is taken on timeline {}, with the latest point", failure.what(),
                  latest.plan.timeline().text());
        request = *told;
    }
    return look_at(request, rejected).plan;
}

}  // namespace

Plan plan_rehearsal(const RehearsalSettings& settings, Request& request, Drill& drill) {
    const auto rejected = rejected_runs_of_node(settings);
    Window window;
    auto latest = look_at_latest(settings, request, rejected, drill, window);
    if (settings.seed && latest) {
        request = for_latest(request);
        request.system_identifier = latest->plan.database.system_identifier;
        const auto moment = random_moment(window, *settings.seed);
        if (!moment) {
            throw Failure(ExitCode::target_not_reachable,
                          "no commit lies behind the first backup: there is no moment to choose from",
                          "rehearse the latest point: leave random out");
        }
        request.target = *moment;
        log::info("seed {} chose {}", *settings.seed, moment->text());
        return plan_moment(request, *latest, rejected);
    }
    if (latest && is_for_latest(request)) {
        return std::move(latest->plan);
    }
    auto plan = look_at(request, rejected).plan;
    if (plan.target.ends_with_plan) {
        request.replaced_target = request.target;
        request.target = plan.target;
    }
    return plan;
}

}  // namespace patroni_pgbackrest::commands
