#include "patroni/dcs_configuration.hpp"

#include "system/text.hpp"

#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace patroni_pgbackrest::patroni {

namespace {

using yaml::Node;
using yaml::NodePtr;

const std::string place_in_dcs = "/config in the DCS";
constexpr std::string_view before_key = ", ";

std::string place_below(const std::string& place, const std::string& key) {
    return fmt::format("{}{}{}", place, place == place_in_dcs ? before_key : ".", key);
}

/// The key that such a place names; empty for any other place.
std::string key_at(const std::string& place) {
    const auto beginning = place_in_dcs + std::string(before_key);
    return place.starts_with(beginning) ? place.substr(beginning.size()) : std::string();
}

/// JSON has no line that anybody could look at, and no text without quotes.
NodePtr node_of(const nlohmann::ordered_json& value, const std::string& place) {
    Node node;
    node.place = place;
    if (value.is_object()) {
        node.kind = Node::Kind::map;
        for (const auto& item : value.items()) {
            const auto below = place_below(place, item.key());
            node.entries.push_back({item.key(), below, node_of(item.value(), below)});
        }
    } else if (value.is_array()) {
        node.kind = Node::Kind::list;
        for (const auto& item : value) {
            node.items.push_back(node_of(item, place));
        }
    } else if (!value.is_null()) {
        node.kind = Node::Kind::scalar;
        node.plain = !value.is_string();
        node.text = value.is_string() ? value.get<std::string>() : value.dump();
    }
    return std::make_shared<const Node>(std::move(node));
}

/// The map with that entry in the place of what has its key.
NodePtr with_entry(const Node& map, yaml::Entry entry) {
    auto changed = map;
    std::erase_if(changed.entries, [&](const yaml::Entry& other) { return other.key == entry.key; });
    changed.entries.push_back(std::move(entry));
    return std::make_shared<const Node>(std::move(changed));
}

bool replace_all(std::string& text, std::string_view before, std::string_view after) {
    const auto first = text.find(before);
    for (auto at = first; at != std::string::npos; at = text.find(before, at + after.size())) {
        text.replace(at, before.size(), after);
    }
    return first != std::string::npos;
}

/// Whether it was said of bootstrap.dcs.
bool say_of_dcs(std::string& text) {
    const bool is_below = replace_all(text, "bootstrap.dcs.", "the DCS's ");
    return replace_all(text, "bootstrap.dcs", place_in_dcs) || is_below;
}

}  // namespace

NodePtr with_dcs_configuration(const Node& tree, const std::string& json) {
    const auto configuration = nlohmann::ordered_json::parse(json, nullptr, false);
    const auto* bootstrap = tree.find("bootstrap");
    if (!configuration.is_object() || bootstrap == nullptr || !bootstrap->value->is_map()) {
        return std::make_shared<const Node>(tree);
    }
    const auto changed = with_entry(*bootstrap->value, {"dcs", place_in_dcs, node_of(configuration, place_in_dcs)});
    return with_entry(tree, {bootstrap->key, bootstrap->place, changed});
}

Problem said_of_dcs(Problem problem, const std::string& edit) {
    if (edit.empty()) {
        return problem;
    }
    say_of_dcs(problem.message);
    const bool is_named = say_of_dcs(problem.hint);
    const auto key = key_at(problem.place);
    if (!key.empty()) {
        problem.hint += fmt::format("; {} -s {} takes it out of the DCS, and -s KEY=VALUE sets a key there", edit,
                                    system::shell_word(key + "=null"));
    } else if (is_named) {
        problem.hint += fmt::format("; {} -s KEY=VALUE sets a key there", edit);
    }
    return problem;
}

std::vector<Problem> said_of_dcs(std::vector<Problem> problems, const std::string& edit) {
    for (auto& problem : problems) {
        problem = said_of_dcs(std::move(problem), edit);
    }
    return problems;
}

std::vector<Finding> said_of_dcs(std::vector<Finding> findings, const std::string& edit) {
    for (auto& finding : findings) {
        finding.problem = said_of_dcs(std::move(finding.problem), edit);
    }
    return findings;
}

}  // namespace patroni_pgbackrest::patroni
