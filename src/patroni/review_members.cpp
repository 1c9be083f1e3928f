#include "patroni/review.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace patroni_pgbackrest::patroni {

namespace {

using yaml::Entry;
using yaml::Node;

/// What Patroni would run: it silently falls back to initdb if the block or its command is missing.
std::string method_of(const Node& tree) {
    const Node& bootstrap = tree.map_at("bootstrap");
    const Entry* method = bootstrap.find("method");
    const bool has_command = method != nullptr && bootstrap.map_at(method->value->text).find("command") != nullptr;
    return has_command ? method->value->text : std::string("initdb");
}

/// The place of a key of `bootstrap`, or else of `bootstrap` itself.
std::string place_of(const Node& tree, const std::string& key) {
    const Entry* entry = tree.map_at("bootstrap").find(key);
    entry = entry != nullptr ? entry : tree.find("bootstrap");
    return entry != nullptr ? entry->place : tree.place;
}

bool same(const Node& one, const Node& other) {
    const auto same_items = [](const yaml::NodePtr& left, const yaml::NodePtr& right) { return same(*left, *right); };
    const auto is_in_other = [&](const Entry& entry) {
        const Entry* found = other.find(entry.key);
        return found != nullptr && same(*entry.value, *found->value);
    };
    return one.kind == other.kind && one.text == other.text && one.entries.size() == other.entries.size() &&
           std::equal(one.items.begin(), one.items.end(), other.items.begin(), other.items.end(), same_items) &&
           std::all_of(one.entries.begin(), one.entries.end(), is_in_other);
}

std::set<std::string> different_keys(const Node& one, const Node& other) {
    std::set<std::string> keys;
    for (const Node* node : {&one, &other}) {
        for (const Entry& entry : node->entries) {
            const Entry* left = one.find(entry.key);
            const Entry* right = other.find(entry.key);
            if (left == nullptr || right == nullptr || !same(*left->value, *right->value)) {
                keys.insert(entry.key);
            }
        }
    }
    return keys;
}

std::string text_at(const Node& tree, const char* key) {
    const Entry* entry = tree.find(key);
    return entry != nullptr ? entry->value->text : std::string();
}

}  // namespace

void review_member(const yaml::Node& tree, const yaml::Node& member, const std::filesystem::path& file,
                   std::vector<Finding>& findings) {
    // It may come from the member's environment.
    if (member.find("scope") != nullptr && text_at(member, "scope") != text_at(tree, "scope")) {
        findings.push_back({"member-other-scope",
                            {fmt::format("{} is of scope '{}', this node of '{}'", file.string(),
                                         text_at(member, "scope"), text_at(tree, "scope")),
                             "name the configuration of a member of this cluster"}});
        return;
    }
    const auto method = method_of(tree);
    const auto other = method_of(member);
    if (method != other) {
        findings.push_back(
            {"member-other-method",
             {fmt::format("{} would bootstrap the cluster by {}, this node by {}", file.string(), other, method),
              "give every member the same method: the one that takes the initialize key first decides",
              place_of(member, "method")}});
        return;
    }
    const auto& block = member.map_at("bootstrap").map_at(method);
    for (const auto& key : different_keys(tree.map_at("bootstrap").map_at(method), block)) {
        const Entry* entry = block.find(key);
        findings.push_back({"member-other-block",
                            {fmt::format("bootstrap.{}.{} is different in {}", method, key, file.string()),
                             "make both ask for the same restore; different paths are fine",
                             entry != nullptr ? entry->place : place_of(member, method)}});
    }
}

}  // namespace patroni_pgbackrest::patroni
