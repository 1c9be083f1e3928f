#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// YAML as Patroni's PyYAML sees it (YAML 1.1), with the place of every value. Merge keys are resolved, the last of two
/// equal keys counts, and it is known whether a scalar was quoted.
namespace patroni_pgbackrest::yaml {

struct Node;
using NodePtr = std::shared_ptr<const Node>;

struct Entry {
    std::string key;
    std::string place;  ///< of the key, `patroni.yml:17`
    NodePtr value;      ///< never null
};

struct Node {
    enum class Kind { null, scalar, list, map };

    Kind kind = Kind::null;
    std::string place;
    std::string text;            ///< a scalar's content
    bool plain = false;          ///< a scalar without quotes and tag, which PyYAML may take for a number, a time, …
    std::vector<NodePtr> items;  ///< of a list
    std::vector<Entry> entries;  ///< of a map; keys that are not scalars are left out

    bool is_null() const { return kind == Kind::null; }
    bool is_scalar() const { return kind == Kind::scalar; }
    bool is_list() const { return kind == Kind::list; }
    bool is_map() const { return kind == Kind::map; }

    /// The entry of a map; null if there is none, or if this is not a map.
    const Entry* find(std::string_view key) const;
    /// The map below `key`; an empty map if there is none.
    const Node& map_at(std::string_view key) const;
};

NodePtr make_scalar(std::string text, std::string place);
NodePtr make_map(std::vector<Entry> entries, std::string place);

/// Reads one document. `name` is the beginning of places. Throws Failure(usage) with the line, never with its text, if
/// the document is broken or there is more than one.
NodePtr parse(std::string_view text, const std::string& name);

/// A key that occurs twice in one map: PyYAML silently takes the last one.
struct RepeatedKey {
    std::string path;           ///< `bootstrap.method`
    std::string first, second;  ///< their places
};
/// All of them in a document that parse() reads.
std::vector<RepeatedKey> repeated_keys(std::string_view text, const std::string& name);

/// `changes` merged into `base`, both maps, as Patroni's patch_config does (utils.py, 2.0 to 4.1): maps are merged, a
/// null removes the key, everything else is replaced.
NodePtr patch(const NodePtr& base, const NodePtr& changes);

/// The same for the same content, whatever its layout and comments, and whatever text a key `left_out` has anywhere.
std::size_t fingerprint(const Node& node, std::string_view left_out);

/// Whether Python takes the value for true. `"false"` in quotes is true, like any other text that is not empty.
bool truthy(const Node& node);
/// Whether Python has a text there, and not a number, a truth value or a date.
bool is_text(const Node& node);
/// Whether a scalar has no content: null, empty, only white space.
bool blank(const Node& node);

/// What Patroni makes of a plain scalar whose text it does not keep (`0755`, `1_000`, `1.10`, `12:30`): `an octal
/// number`, …; empty if it keeps the text.
std::string_view rewritten_number(const Node& node);
/// Whether a plain scalar is a time with an offset. PyYAML before 5.4 (Debian 11, RHEL 8) converts it to UTC and drops
/// the offset, so that Patroni writes another moment than the one in the file.
bool is_plain_time_with_offset(const Node& node);

}  // namespace patroni_pgbackrest::yaml
