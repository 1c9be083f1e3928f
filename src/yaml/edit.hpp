#pragma once

#include "yaml/outline.hpp"
#include "yaml/write.hpp"

#include <string>

/// Changes a YAML text and leaves every other byte as it is: comments, order, quotes, line ends. Each function returns
/// the new document, or the same one if there is nothing to do.
///
/// Throws Failure(usage), with the place and the YAML to write by hand, if the text cannot be changed there: the place
/// is an alias, comes from a merge key, has an anchor whose aliases would change too, is not a map, or is written with
/// `?`. The result is read again and compared. If anything but the key in question differs: Failure(internal_error).
namespace patroni_pgbackrest::yaml {

/// Sets the key to `wanted`. In a map, existing entries and other keys stay.
Document set(const Document& document, const Path& path, const NewNode& wanted);

/// Puts the item at the beginning of the list, unless the list already has it somewhere. A missing or empty list gets
/// what `otherwise` has.
Document prepend(const Document& document, const Path& path, const NewNode& item, const NewNode& otherwise);

/// Removes the key with its lines; comments above them stay.
Document remove(const Document& document, const Path& path);

/// The node at that path, with merge keys and aliases resolved; null if there is none.
const Node* find(const Node& root, const Path& path);

/// Throws Failure(internal_error) unless the two trees are equal except for `path`.
void require_same_but(const Node& before, const Node& after, const Path& path, const std::string& name);

}  // namespace patroni_pgbackrest::yaml
