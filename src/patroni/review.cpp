#include "patroni/review.hpp"

#include "patroni/dcs_configuration.hpp"
#include "patroni/effective.hpp"
#include "patroni/review_dynamic.hpp"
#include "patroni/review_levels.hpp"
#include "patroni/review_method.hpp"
#include "system/text.hpp"

#include <fmt/format.h>
#include <utility>

namespace patroni_pgbackrest::patroni {

std::vector<Finding> review(const ConfigurationSource& source, const Intent& intent) {
    std::vector<Finding> findings;
    const auto tree = load_tree(source);
    if (!tree) {
        return findings;
    }
    review_method(*tree, findings);
    if (!source.path && variables_count(source)) {
        for (auto& finding : findings) {
            finding.problem.hint = "no PATRONI_* variable can set it: give Patroni a file, or its text in "
                                   "PATRONI_CONFIGURATION, with bootstrap.method and its block";
        }
    }
    review_repeated_keys(*tree, repeated_keys(source), findings);
    review_levels(*tree, findings);
    review_dynamic(tree->map_at("bootstrap").map_at("dcs"), findings);
    if (!runs_another_program(*tree)) {
        review_proof(*tree, intent, findings);
        review_archiving(*tree, intent, findings);
    }
    review_replica_methods(*tree, intent, findings);
    review_node(*tree, source, intent, findings);
    return said_of_dcs(std::move(findings), source.dcs.edit);
}

std::vector<Finding> review_members(const ConfigurationSource& source,
                                    const std::vector<std::filesystem::path>& files) {
    std::vector<Finding> findings;
    if (files.empty()) {
        return findings;
    }
    const auto tree = load_tree(source);
    if (!tree) {
        throw Failure(ExitCode::usage, "there is no patroni.yml of this node to compare with",
                      "name it with --patroni-config");
    }
    for (const auto& file : files) {
        ConfigurationSource member;
        member.path = std::filesystem::absolute(file);
        member.dcs = source.dcs;
        review_member(*tree, *load_tree(member), file, findings);
    }
    return findings;
}

namespace {

const yaml::Entry* limit_entry(const yaml::Node& configuration, const std::string& name) {
    return find_any_case(configuration.map_at("postgresql").map_at("parameters"), name);
}

/// Else Patroni's own defaults (postgresql/config.py, CMDLINE_OPTIONS, 2.0 to 4.1).
std::optional<std::int64_t> limit_in(const yaml::Entry* entry, const std::string& name) {
    static const std::map<std::string, int> defaults = {
        {"max_connections", 100},         {"max_worker_processes", 8},   {"max_wal_senders", 10},
        {"max_prepared_transactions", 0}, {"max_replication_slots", 10}, {"max_locks_per_transaction", 64}};
    if (entry == nullptr) {
        return defaults.at(name);
    }
    const auto number = system::number(entry->value->text);
    return number ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
}

}  // namespace

DynamicLimits::DynamicLimits(const ConfigurationSource& source)
    : tree_(load_tree(source)), configuration_(tree_ ? &tree_->map_at("bootstrap").map_at("dcs") : nullptr),
      edit_(source.dcs.edit) {}

std::optional<std::int64_t> DynamicLimits::in_force(const std::string& name) const {
    return configuration_ == nullptr ? std::nullopt : limit_in(limit_entry(*configuration_, name), name);
}

std::string DynamicLimits::how_to_raise(const std::string& name, std::int64_t least) const {
    return edit_.empty() ? fmt::format("set {} to {} or more in bootstrap.dcs.postgresql.parameters", name, least)
                         : fmt::format("set it to {1} or more with {2} -p {0}={1}", name, least, edit_);
}

std::vector<Finding> DynamicLimits::review(const std::map<std::string, int>& limits) const {
    std::vector<Finding> findings;
    for (const auto& [name, needed] : limits) {
        const auto value = in_force(name);
        if (!value || *value >= needed) {
            continue;
        }
        const auto* entry = limit_entry(*configuration_, name);
        const auto where = edit_.empty() ? "bootstrap.dcs" : "the configuration that the DCS holds";
        findings.push_back({"limit-below-control",
                            {fmt::format("{} is {} in {}{}, and the cluster that was backed up had {}", name, *value,
                                         where, entry != nullptr ? "" : ", where it is not set", needed),
                             how_to_raise(name, needed), entry != nullptr ? entry->place : std::string()}});
    }
    return findings;
}

std::optional<Problem> DynamicLimits::loss_of_commit_timestamps(bool kept) const {
    const std::string name = "track_commit_timestamp";
    if (!kept || configuration_ == nullptr) {
        return std::nullopt;
    }
    const auto* entry = limit_entry(*configuration_, name);
    if (entry != nullptr && parse_bool(entry->value->text).value_or(false)) {
        return std::nullopt;
    }
    return Problem{
        fmt::format("the cluster that was backed up keeps commit timestamps, and {} is not on in {}: PostgreSQL erases "
                    "all of them when Patroni starts it",
                    name, edit_.empty() ? "bootstrap.dcs" : "the configuration that the DCS holds"),
        fmt::format("if they are needed, stop Patroni before this restore ends, {}, and start it again: the restore "
                    "goes on",
                    edit_.empty() ? fmt::format("set {} to on in bootstrap.dcs.postgresql.parameters", name)
                                  : fmt::format("set it with {} -p {}=on", edit_, name)),
        entry != nullptr ? entry->place : std::string()};
}

}  // namespace patroni_pgbackrest::patroni
