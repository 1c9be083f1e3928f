#include "commands/check_scope.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest::commands {

namespace {

bool has_backup_of(const std::string& identifier, const std::vector<Cluster>& clusters) {
    return std::any_of(clusters.begin(), clusters.end(), [&](const auto& cluster) {
        return cluster.system_identifier == identifier && !cluster.backups.empty();
    });
}

}  // namespace

std::vector<Finding> review_scope(const std::string& scope, const patroni::ScopeState& state) {
    const auto& why = state.leadership.why_unknown;
    if (!why.empty()) {
        return {{"dcs-unknown",
                 {fmt::format("the DCS cannot be asked about scope {}, so bootstrap.dcs is judged as if it counted: {}",
                              scope, why),
                  "see that patronictl works as this user"}}};
    }
    if (state.leadership.leader) {
        return {{"cluster-lives",
                 {fmt::format("scope {} has a leader: {}", scope, *state.leadership.leader),
                  "while it lives Patroni never calls a bootstrap method"}}};
    }
    if (state.initialize == patroni::InitializeKey::initialized) {
        return {{"scope-initialized",
                 {fmt::format("scope {} is initialised, and has no leader", scope),
                  fmt::format("stop its nodes and run {} before a restore", state.how_to_remove(scope))}}};
    }
    if (state.initialize == patroni::InitializeKey::empty) {
        return {{"scope-bootstrapping",
                 {fmt::format("a bootstrap of scope {} is under way, or was interrupted", scope),
                  "wait for it, or run patroni_pgbackrest resume on the node that began it, and start Patroni there"}}};
    }
    return {};
}

std::vector<Finding> review_remainders(const std::string& scope, const std::string& member,
                                       const patroni::ScopeState& state, const patroni::DynamicModes& modes) {
    const auto left = patroni::remainders_in_the_way(state.remainders, modes, member, std::nullopt);
    if (state.initialize != patroni::InitializeKey::absent || state.leadership.leader || left.empty()) {
        return {};
    }
    return {
        {"dcs-left-status",
         {fmt::format("an earlier leader of scope {} has left {} in the DCS: a restore that is interrupted, and that "
                      "resume ends, may never lead",
                      scope, system::join(left, ", ")),
          fmt::format("run {} before the restore; it takes the configuration in the DCS along, which patronictl "
                      "show-config prints",
                      state.how_to_remove(scope))}}};
}

SettledCluster settle_cluster(const Request& request, const pgbackrest::Stanza& stanza,
                              const patroni::ScopeState& state) {
    try {
        return patroni_pgbackrest::settle_cluster(request, stanza);
    } catch (const Failure& failure) {
        if (failure.code() != ExitCode::usage || state.system_identifier.empty()) {
            throw;
        }
        auto problems = failure.problems();
        problems.front().hint += fmt::format(
            "; the DCS has system identifier {} for scope {}{}", state.system_identifier, request.scope,
            has_backup_of(state.system_identifier, clusters_in(stanza)) ? "" : ", which has no backup here");
        throw Failure(failure.code(), problems);
    }
}

std::vector<Finding> review_cluster(const Request& request, const SettledCluster& settled,
                                    const patroni::ScopeState& state) {
    const auto& known = state.system_identifier;
    const auto& chosen = settled.cluster.system_identifier;
    if (known.empty() || known == chosen || request.system_identifier) {
        return {};
    }
    const auto& stanza = request.pgbackrest.stanza;
    return {{"cluster-other",
             {fmt::format("stanza {} would bring back system identifier {}, and the DCS has {} for scope {}", stanza,
                          chosen, known, request.scope),
              has_backup_of(known, settled.others)
                  ? fmt::format("set system-identifier to {} for the cluster that the DCS knows, or to {} if the other "
                                "one is meant",
                                known, chosen)
                  : fmt::format("stanza {} has no backup of {}: see whether it is the right stanza; if {} is meant all "
                                "the same, set system-identifier to it",
                                stanza, known, chosen)}}};
}

}  // namespace patroni_pgbackrest::commands
