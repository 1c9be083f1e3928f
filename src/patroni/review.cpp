#include "patroni/review.hpp"

#include "patroni/effective.hpp"
#include "system/text.hpp"

#include <fmt/format.h>

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
    review_archiving(*tree, intent, findings);
    review_replica_methods(*tree, intent, findings);
    review_node(*tree, source, intent, findings);
    return findings;
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
        review_member(*tree, *load_tree(member), file, findings);
    }
    return findings;
}

namespace {

/// It takes these parameters only from the DCS, never from the local file.
const yaml::Entry* limit_entry(const yaml::Node& tree, const std::string& name) {
    return find_any_case(tree.map_at("bootstrap").map_at("dcs").map_at("postgresql").map_at("parameters"), name);
}

/// Else Patroni's own defaults (postgresql/config.py, CMDLINE_OPTIONS, 2.0 to 4.1).
std::optional<std::int64_t> limit_in(const yaml::Entry* entry, const std::string& name) {
    static const std::map<std::string, int> defaults = {{"max_connections", 100},
                                                        {"max_worker_processes", 8},
                                                        {"max_wal_senders", 10},
                                                        {"max_prepared_transactions", 0},
                                                        {"max_locks_per_transaction", 64}};
    if (entry == nullptr) {
        return defaults.at(name);
    }
    const auto number = system::number(entry->value->text);
    return number ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
}

}  // namespace

std::optional<std::int64_t> limit_in_force(const ConfigurationSource& source, const std::string& name) {
    const auto tree = load_tree(source);
    return tree ? limit_in(limit_entry(*tree, name), name) : std::nullopt;
}

std::vector<Finding> review_limits(const ConfigurationSource& source, const std::map<std::string, int>& limits) {
    std::vector<Finding> findings;
    const auto tree = load_tree(source);
    if (!tree) {
        return findings;
    }
    for (const auto& [name, needed] : limits) {
        const auto* entry = limit_entry(*tree, name);
        const auto value = limit_in(entry, name);
        if (value && *value < needed) {
            findings.push_back({"limit-below-control",
                                {fmt::format("{} is {} in bootstrap.dcs{}, and the cluster that was backed up had {}",
                                             name, *value, entry != nullptr ? "" : ", where it is not set", needed),
                                 fmt::format("set it to {} or more in bootstrap.dcs.postgresql.parameters", needed),
                                 entry != nullptr ? entry->place : std::string()}});
        }
    }
    return findings;
}

}  // namespace patroni_pgbackrest::patroni
