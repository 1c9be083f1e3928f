#pragma once

#include "yaml/tree.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::yaml {

/// Keys from the top down: `bootstrap`, `method`.
using Path = std::vector<std::string>;
/// `bootstrap.method`
std::string text(const Path& path);

/// What to write: a text, a literal word (`true`, `1`), a list, or a map in the order of its entries.
struct NewNode {
    enum class Kind { text, word, list, map };

    Kind kind = Kind::text;
    std::string scalar{};
    std::vector<NewNode> items{};
    std::vector<std::pair<std::string, NewNode>> entries{};

    static NewNode of_text(std::string text) { return {Kind::text, std::move(text), {}, {}}; }
    static NewNode of_word(std::string word) { return {Kind::word, std::move(word), {}, {}}; }
    static NewNode of_list(std::vector<NewNode> items) { return {Kind::list, {}, std::move(items), {}}; }
    static NewNode of_map(std::vector<std::pair<std::string, NewNode>> entries) {
        return {Kind::map, {}, {}, std::move(entries)};
    }
    bool is_scalar() const { return kind == Kind::text || kind == Kind::word; }
};

/// How the surrounding lines are written.
struct Style {
    std::size_t step = 2;         ///< how much more a map below a key is indented
    std::size_t list_offset = 2;  ///< the same for a list
    bool double_quotes = false;   ///< JSON: every key and every text is in double quotes
};

/// A scalar, in quotes if YAML 1.1 or yaml-cpp would take it for something else. `flow`: it is in brackets.
std::string written_scalar(const NewNode& scalar, const Style& style, bool flow);
/// `{a: b, c: [d]}`
std::string written_flow(const NewNode& node, const Style& style);
/// `key: value` in lines without line ends, the first one indented by `indent`.
std::vector<std::string> written_block(const std::string& key, const NewNode& node, std::size_t indent,
                                       const Style& style);
/// The node with all keys above it, for a person to write by hand; with a line break after each line but the last.
std::string written_path(const Path& path, const NewNode& node);

/// Whether what was read equals `wanted`; a map may have more entries.
bool says(const Node& read, const NewNode& wanted);

}  // namespace patroni_pgbackrest::yaml
