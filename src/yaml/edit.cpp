#include "yaml/edit.hpp"

#include "system/failure.hpp"
#include "yaml/change.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace patroni_pgbackrest::yaml {

namespace {

/// parse() does not see the white space at the end of a document, but in a block scalar it would be part of the text.
bool same_text(const std::string& one, const std::string& other) {
    const auto& [shorter, longer] = one.size() < other.size() ? std::tie(one, other) : std::tie(other, one);
    return longer.starts_with(shorter) && (shorter.empty() || shorter.back() != '\n' || shorter == longer) &&
           longer.find_first_not_of('\n', shorter.size()) == std::string::npos;
}

/// Where `other` has the key. Mostly that is the same position, or the next one where an entry was added or removed: a
/// search for each would take long in a wide map.
const Entry* counterpart(const Node& one, std::size_t index, const Node& other) {
    const std::string& key = one.entries[index].key;
    for (const std::size_t near : {index, index + 1, index - 1}) {
        if (near < other.entries.size() && other.entries[near].key == key) {
            return &other.entries[near];
        }
    }
    return other.find(key);
}

bool same(const Node& one, const Node& other) {
    if (one.kind != other.kind || !same_text(one.text, other.text) || one.plain != other.plain ||
        one.entries.size() != other.entries.size()) {
        return false;
    }
    for (std::size_t i = 0; i < one.entries.size(); ++i) {
        const Entry* found = counterpart(one, i, other);
        if (found == nullptr || !same(*one.entries[i].value, *found->value)) {
            return false;
        }
    }
    return std::equal(one.items.begin(), one.items.end(), other.items.begin(), other.items.end(),
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
    static const Node nothing;
    const std::string& key = path[depth];
    const auto only_in_path = [&](const Node& map, const Node& other) {
        for (std::size_t i = 0; i < map.entries.size(); ++i) {
            const Entry* found = map.entries[i].key == key ? nullptr : counterpart(map, i, other);
            if (map.entries[i].key != key && (found == nullptr || !same(*map.entries[i].value, *found->value))) {
                return false;
            }
        }
        return true;
    };
    const Entry* old_entry = before.find(key);
    const Entry* new_entry = after.find(key);
    const std::size_t others = before.entries.size() - (old_entry != nullptr ? 1 : 0);
    return others == after.entries.size() - (new_entry != nullptr ? 1 : 0) && only_in_path(before, after) &&
           same_but(old_entry == nullptr ? nothing : *old_entry->value,
                    new_entry == nullptr ? nothing : *new_entry->value, path, depth + 1);
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

Document read_result(std::string result, const std::string& name, const Path& path, const std::string& hint) {
    try {
        return read(std::move(result), name);
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

Document set(const Document& document, const Path& path, const NewNode& wanted) {
    const Node* now = find(*document.tree, path);
    if (now != nullptr && says(*now, wanted)) {
        return document;
    }
    if (now != nullptr && now->is_map() && wanted.kind == NewNode::Kind::map) {
        Document result = document;
        for (const auto& [key, value] : wanted.entries) {
            Path below = path;
            below.push_back(key);
            result = set(result, below, value);
        }
        return result;
    }
    const std::string hint = by_hand(path, wanted);
    auto after = read_result(with_new_value(Change(document, path, hint), wanted), document.name, path, hint);
    const Node* made = find(*after.tree, path);
    verify(*document.tree, *after.tree, path, made != nullptr && says(*made, wanted), document.name, hint);
    return after;
}

namespace {

Document with_first(const Document& document, const Path& path, const NewNode& item) {
    const std::string hint = by_hand(path, NewNode::of_list({item, NewNode::of_text("...")}));
    auto after = read_result(with_first_item(Change(document, path, hint), item), document.name, path, hint);
    const Node& now = *find(*document.tree, path);
    const Node* made = find(*after.tree, path);
    const bool is_right = made != nullptr && made->items.size() == now.items.size() + 1 &&
                          says(*made->items.front(), item) &&
                          std::equal(now.items.begin(), now.items.end(), made->items.begin() + 1,
                                     [](const NodePtr& one, const NodePtr& other) { return same(*one, *other); });
    verify(*document.tree, *after.tree, path, is_right, document.name, hint);
    return after;
}

}  // namespace

Document prepend(const Document& document, const Path& path, const NewNode& item, const NewNode& otherwise) {
    const Node* now = find(*document.tree, path);
    if (now == nullptr || now->is_null()) {
        return set(document, path, otherwise);
    }
    if (now->is_list() && now->items.empty()) {
        Document result = document;
        for (auto other = otherwise.items.rbegin(); other != otherwise.items.rend(); ++other) {
            result = with_first(result, path, *other);
        }
        return result;
    }
    const auto is_there = [&](const NodePtr& other) { return says(*other, item); };
    return std::any_of(now->items.begin(), now->items.end(), is_there) ? document : with_first(document, path, item);
}

Document remove(const Document& document, const Path& path) {
    if (find(*document.tree, path) == nullptr) {
        return document;
    }
    const std::string hint = fmt::format("take {} out by hand", yaml::text(path));
    Document after = document;
    // If a key occurs twice, its other value would become valid.
    while (find(*after.tree, path) != nullptr) {
        after = read_result(without_entry(Change(after, path, hint)), document.name, path, hint);
    }
    verify(*document.tree, *after.tree, path, true, document.name, hint);
    return after;
}

}  // namespace patroni_pgbackrest::yaml
