#include "patroni/review_levels.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

namespace patroni_pgbackrest::patroni {

namespace {

using yaml::Entry;
using yaml::Node;

/// Of `postgresql`, and of bootstrap.dcs.postgresql.
constexpr std::array<std::string_view, 7> keys_of_postgresql = {
    "parameters",   "pg_hba", "pg_ident", "recovery_conf", "create_replica_methods", "create_replica_method",
    "use_pg_rewind"};
/// Of bootstrap.dcs.postgresql alone (config.py, _build_effective_configuration, 2.0 to 4.1).
constexpr std::array<std::string_view, 1> keys_of_dynamic_postgresql = {"use_slots"};
/// Of bootstrap.dcs alone (config.py, __DEFAULT_CONFIG, 2.0 to 4.1).
constexpr std::array<std::string_view, 7> keys_of_dcs = {
    "ttl", "loop_wait", "retry_timeout", "maximum_lag_on_failover", "synchronous_mode", "standby_cluster", "slots"};

template <typename Keys>
void find_misplaced(const Node& map, const Keys& keys, const std::string& where, const std::string& right,
                    std::vector<Finding>& findings) {
    for (const Entry& entry : map.entries) {
        if (std::find(keys.begin(), keys.end(), entry.key) != keys.end()) {
            findings.push_back({"key-misplaced",
                                {fmt::format("{} is {}, where Patroni ignores it", entry.key, where),
                                 fmt::format("move it into {}", right), entry.place}});
        }
    }
}

/// It does nothing there, but asks for what is done all the same: use_slots is on by default.
bool is_in_force_all_the_same(const Node& local, const Node& dynamic) {
    const Entry* here = local.find("use_slots");
    const Entry* there = dynamic.find("use_slots");
    return here == nullptr || yaml::truthy(*here->value) == (there == nullptr || yaml::truthy(*there->value));
}

}  // namespace

void review_levels(const Node& tree, std::vector<Finding>& findings) {
    Node bootstrap = tree.map_at("bootstrap");
    std::erase_if(bootstrap.entries, [](const Entry& entry) {
        return entry.key == "pg_hba" || entry.key == "recovery_conf";  // Patroni's own, and the method's
    });
    const Node& dcs = tree.map_at("bootstrap").map_at("dcs");
    const Node& local = tree.map_at("postgresql");
    const std::string dynamic = "bootstrap.dcs.postgresql";
    find_misplaced(tree, keys_of_dynamic_postgresql, "at the top", dynamic, findings);
    find_misplaced(bootstrap, keys_of_dynamic_postgresql, "in bootstrap itself", dynamic, findings);
    find_misplaced(dcs, keys_of_dynamic_postgresql, "in bootstrap.dcs itself", dynamic, findings);
    if (!is_in_force_all_the_same(local, dcs.map_at("postgresql"))) {
        find_misplaced(local, keys_of_dynamic_postgresql, "in postgresql", dynamic, findings);
    }
    find_misplaced(tree, keys_of_postgresql, "at the top", "postgresql", findings);
    find_misplaced(tree, keys_of_dcs, "at the top", "bootstrap.dcs", findings);
    find_misplaced(bootstrap, keys_of_postgresql, "in bootstrap itself", "postgresql", findings);
    find_misplaced(bootstrap, keys_of_dcs, "in bootstrap itself", "bootstrap.dcs", findings);
    find_misplaced(dcs, keys_of_postgresql, "in bootstrap.dcs itself", dynamic, findings);
    find_misplaced(dcs.map_at("postgresql"), keys_of_dcs, "in bootstrap.dcs.postgresql", "bootstrap.dcs", findings);
    find_misplaced(local, keys_of_dcs, "in postgresql", "bootstrap.dcs", findings);
}

}  // namespace patroni_pgbackrest::patroni
