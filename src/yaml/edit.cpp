#include "yaml/edit.hpp"

#include "system/failure.hpp"
#include "yaml/change.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <tuple>

namespace patroni_pgbackrest::yaml {

namespace {

/// parse() does not see the white space at the end of a document, but in a block scalar it would be part of the text.
bool same_text(const std::string& one, const std::string& other) {
    const auto& [shorter, longer] = one.size() < other.size() ? std::tie(one, other) : std::tie(other, one);
    return longer.starts_with(shorter) && (shorter.empty() || shorter.back() != '\n' || shorter == longer) &&
           longer.find_first_not_of('\n', shorter.size()) == std::string::npos;
}

bool same(const Node& one, const Node& other) {
    const auto same_entry = [&](const Entry& entry) {
        const Entry* found = other.find(entry.key);
        return found != nullptr && same(*entry.value, *found->value);
    };
    return one.kind == other.kind && same_text(one.text, other.text) && one.plain == other.plain &&
           one.entries.size() == other.entries.size() &&
           std::all_of(one.entries.begin(), one.entries.end(), same_entry) &&
           std::equal(one.items.begin(), one.items.end(), other.items.begin(), other.items.end(),
                      [](const NodePtr& item, const NodePtr& counterpart) { return same(*item, *counterpart); });
}

/// Whether they are equal except for the value at `path`, from its key `depth` on; new maps above it are allowed.
bool same_but(const Node& before, const Node& after, const Path& path, std::size_t depth) {
    if (depth == path.size()) {
        return true;
    }
    if ((!before.is_map() && !before.is_null()) || (!after.is_map() && !after.is_null())) {
        return false;
    }
    std::set<std::string> keys;
    for (const Node* node : {&before, &after}) {
        for (const Entry& entry : node->entries) {
            keys.insert(entry.key);
        }
    }
    static const Node nothing;
    return std::all_of(keys.begin(), keys.end(), [&](const std::string& key) {
        const Entry* old_entry = before.find(key);
        const Entry* new_entry = after.find(key);
        if (key == path[depth]) {
            return same_but(old_entry == nullptr ? nothing : *old_entry->value,
                            new_entry == nullptr ? nothing : *new_entry->value, path, depth + 1);
        }
        return old_entry != nullptr && new_entry != nullptr && same(*old_entry->value, *new_entry->value);
    });
}

Failure edit_failed(const std::string& name, const Path& path, const std::string& by_hand) {
    return Failure(
        ExitCode::internal_error,
        fmt::format("{} cannot be changed in {} without anything else: nothing was written", text(path), name),
        by_hand);
}

std::string by_hand(const Path& path, const NewNode& wanted) {
    return "write it by hand:\n" + written_path(path, wanted);
}

NodePtr parse_result(const std::string& result, const std::string& name, const Path& path, const std::string& hint) {
    try {
        return parse(result, name);
    } catch (const Failure&) {
        throw edit_failed(name, path, hint);
    }
}

void verify(const Node& before, const Node& after, const Path& path, bool is_right, const std::string& name,
            const std::string& hint) {
    if (!is_right || !same_but(before, after, path, 0)) {
        throw edit_failed(name, path, hint);
    }
}

}  // namespace

const Node* find(const Node& root, const Path& path) {
    const Node* node = &root;
    for (const std::string& key : path) {
        const Entry* entry = node->find(key);
        if (entry == nullptr) {
            return nullptr;
        }
        node = entry->value.get();
    }
    return node;
}

void require_same_but(const Node& before, const Node& after, const Path& path, const std::string& name) {
    verify(before, after, path, true, name, "change it by hand");
}

std::string set(const std::string& text, const std::string& name, const Path& path, const NewNode& wanted) {
    const NodePtr before = parse(text, name);
    const Node* now = find(*before, path);
    if (now != nullptr && says(*now, wanted)) {
        return text;
    }
    if (now != nullptr && now->is_map() && wanted.kind == NewNode::Kind::map) {
        std::string result = text;
        for (const auto& [key, value] : wanted.entries) {
            Path below = path;
            below.push_back(key);
            result = set(result, name, below, value);
        }
        return result;
    }
    const std::string hint = by_hand(path, wanted);
    const std::string result = with_new_value(Change(text, name, path, hint), wanted);
    const NodePtr after = parse_result(result, name, path, hint);
    const Node* made = find(*after, path);
    verify(*before, *after, path, made != nullptr && says(*made, wanted), name, hint);
    return result;
}

std::string prepend(const std::string& text, const std::string& name, const Path& path, const NewNode& item,
                    const NewNode& otherwise) {
    const NodePtr before = parse(text, name);
    const Node* now = find(*before, path);
    if (now == nullptr || now->is_null()) {
        return set(text, name, path, otherwise);
    }
    const auto is_there = [&](const NodePtr& other) { return says(*other, item); };
    if (std::any_of(now->items.begin(), now->items.end(), is_there)) {
        return text;
    }
    const std::string hint = by_hand(path, NewNode::of_list({item, NewNode::of_text("...")}));
    const std::string result = with_first_item(Change(text, name, path, hint), item);
    const NodePtr after = parse_result(result, name, path, hint);
    const Node* made = find(*after, path);
    const bool is_right = made != nullptr && made->items.size() == now->items.size() + 1 &&
                          says(*made->items.front(), item) &&
                          std::equal(now->items.begin(), now->items.end(), made->items.begin() + 1,
                                     [](const NodePtr& one, const NodePtr& other) { return same(*one, *other); });
    verify(*before, *after, path, is_right, name, hint);
    return result;
}

std::string remove(const std::string& text, const std::string& name, const Path& path) {
    const std::string hint = fmt::format("take {} out by hand", yaml::text(path));
    const NodePtr before = parse(text, name);
    std::string result = text;
    NodePtr after = before;
    // If a key occurs twice, its other value would become valid.
    while (find(*after, path) != nullptr) {
        result = without_entry(Change(result, name, path, hint));
        after = parse_result(result, name, path, hint);
    }
    verify(*before, *after, path, true, name, hint);
    return result;
}

}  // namespace patroni_pgbackrest::yaml
