#include "patroni/review_left.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>
#include <string_view>

namespace patroni_pgbackrest::patroni {

namespace {

using yaml::Node;

/// A plain word that PyYAML takes for a truth value is one in the DCS's JSON.
std::string text_in_json(const Node& scalar) {
    static constexpr std::array<std::string_view, 6> truths = {"true", "false", "yes", "no", "on", "off"};
    const bool is_truth =
        scalar.plain && std::find(truths.begin(), truths.end(), system::lower(scalar.text)) != truths.end();
    return !is_truth ? scalar.text : yaml::truthy(scalar) ? "true" : "false";
}

/// A number that PyYAML rewrites (`1_000`) is not compared: a difference is named only where there is one.
bool is_same_value(const Node& own, const Node& left) {
    if (own.is_scalar() && left.is_scalar()) {
        return text_in_json(own) == text_in_json(left) || !yaml::rewritten_number(own).empty();
    }
    return own.kind == left.kind && std::equal(own.items.begin(), own.items.end(), left.items.begin(), left.items.end(),
                                               [](const yaml::NodePtr& one, const yaml::NodePtr& other) {
                                                   return (one->is_map() && other->is_map()) ||
                                                          is_same_value(*one, *other);
                                               });
}

void find_differences(const Node& own, const Node& left, const std::string& path, std::set<std::string>& found) {
    static const Node absent{};
    const auto value_in = [](const Node& map, const std::string& key) -> const Node& {
        const auto* entry = map.find(key);
        return entry == nullptr ? absent : *entry->value;
    };
    for (const Node* map : {&own, &left}) {
        for (const auto& entry : map->entries) {
            const auto& one = value_in(own, entry.key);
            const auto& other = value_in(left, entry.key);
            const auto name = path + entry.key;
            if ((one.is_map() || one.is_null()) && (other.is_map() || other.is_null())) {
                find_differences(one, other, name + ".", found);
            } else if (!is_same_value(one, other)) {
                found.insert(name);
            }
        }
    }
}

}  // namespace

std::vector<Finding> review_left(const Node& own, const Node& left, const std::string& scope, const HowToChange& how) {
    std::set<std::string> differences;
    find_differences(own, left, "", differences);
    if (differences.empty()) {
        return {};
    }
    return {
        {"dcs-left",
         {fmt::format("the DCS holds a configuration that an earlier cluster of scope {} left, and Patroni takes it "
                      "and not bootstrap.dcs: they differ in {}",
                      scope, system::join({differences.begin(), differences.end()}, ", ")),
          fmt::format("if bootstrap.dcs is meant, run {}; else change what is wrong there with {} -s KEY=VALUE",
                      how.remove, how.edit)}}};
}

}  // namespace patroni_pgbackrest::patroni
