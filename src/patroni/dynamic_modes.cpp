#include "patroni/dynamic_modes.hpp"

#include "patroni/configuration_files.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::patroni {

namespace {

std::string word_of_mode(const yaml::Node& dcs, std::string_view key) {
    const auto* entry = dcs.find(key);
    return entry != nullptr && entry->value->is_scalar() ? system::lower(entry->value->text) : std::string();
}

bool is_mode_on(const yaml::Node& dcs, std::string_view key) {
    return parse_bool(word_of_mode(dcs, key)).value_or(false);
}

}  // namespace

DynamicModes modes_of(const yaml::Node& dcs) {
    DynamicModes modes;
    modes.pause = is_mode_on(dcs, "pause");
    modes.synchronous = is_mode_on(dcs, "synchronous_mode") || word_of_mode(dcs, "synchronous_mode") == "quorum";
    modes.failsafe = is_mode_on(dcs, "failsafe_mode");
    modes.maximum_lag = system::number(word_of_mode(dcs, "maximum_lag_on_failover")).value_or(modes.maximum_lag);
    constexpr std::uint64_t longest_ttl = 120;
    if (const auto ttl = system::number(word_of_mode(dcs, "ttl"))) {
        modes.ttl = std::chrono::seconds(std::min(*ttl, longest_ttl));
    }
    return modes;
}

DynamicModes modes_in_force(const ConfigurationSource& source) {
    const auto tree = load_tree(source);
    return tree ? modes_of(tree->map_at("bootstrap").map_at("dcs")) : DynamicModes{};
}

}  // namespace patroni_pgbackrest::patroni
