#pragma once

#include "yaml/outline.hpp"
#include "yaml/write.hpp"

#include <string>

/// Changes of a YAML text that leave every other byte as it is: comments, order, quotes, line ends. Each returns the
/// new text, the same one when nothing is to be done. `name` is what places in messages start with.
///
/// Throws Failure(usage), with the place and with the YAML to write by hand, where the change cannot be made in the
/// text: the place is an alias, comes from a merge key, has an anchor whose aliases would change too, is no map, or is
/// written with `?`. The result is read again and compared: when anything but the wished key differs,
/// Failure(internal_error).
namespace patroni_pgbackrest::yaml {

/// The key says `wanted` afterwards. Of a map, the entries that are there already stay; other keys of it, too.
std::string set(const std::string& text, const std::string& name, const Path& path, const NewNode& wanted);

/// The list begins with the item afterwards, unless it has it somewhere; a list that is not there is made of
/// `otherwise`.
std::string prepend(const std::string& text, const std::string& name, const Path& path, const NewNode& item,
                    const NewNode& otherwise);

/// The key is not there afterwards: its lines go, comments above them stay.
std::string remove(const std::string& text, const std::string& name, const Path& path);

/// The node at that place, merge keys and aliases resolved; null when there is none.
const Node* find(const Node& root, const Path& path);

/// Throws Failure(internal_error) unless the two trees say the same but for `path`.
void require_same_but(const Node& before, const Node& after, const Path& path, const std::string& name);

}  // namespace patroni_pgbackrest::yaml
