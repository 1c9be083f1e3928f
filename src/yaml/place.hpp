#pragma once

#include "system/failure.hpp"
#include "yaml/edit.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest::yaml {

/// Where a path leads in the written text.
struct Place {
    enum class Kind {
        found,    ///< to the value of `map`'s key `index`
        missing,  ///< `map` has no key path[depth]
        empty,    ///< path[depth] is the key `index` of `map`, but it has no value, and the path goes on below it
    };
    Kind kind = Kind::missing;
    const Written* map = nullptr;
    bool flow = false;  ///< `map` is in brackets, or inside brackets
    std::size_t depth = 0;
    std::size_t index = 0;

    const Written& key() const { return map->keys[index]; }
    const Written& value() const { return map->children[index]; }
};

/// One change of one text: the facts it needs, and how it is refused.
class Change {
  public:
    /// `by_hand`: what a person can do instead.
    Change(const Document& document, const Path& path, std::string by_hand);

    const Outline& outline() const { return outline_; }
    const Node& tree() const { return *tree_; }
    const Path& path() const { return path_; }

    /// Throws if the path goes through an alias, a merge key, something that is not a map, or something with an anchor
    /// that is used elsewhere. `may_be_alias`: the path may end in an alias.
    Place locate(bool may_be_alias = false) const;
    /// Throws unless the bytes from `begin` to `end` can be removed without depriving an alias elsewhere of its anchor.
    void require_unused(const Written& node, std::size_t begin, std::size_t end) const;

    [[noreturn]] void refuse(std::size_t position, const std::string& message) const;

  private:
    std::string by_hand_;
    Path path_;
    Outline outline_;
    NodePtr tree_;
};

}  // namespace patroni_pgbackrest::yaml
