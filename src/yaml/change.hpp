#pragma once

#include "yaml/place.hpp"

#include <string>

/// The text edits behind yaml_edit.hpp: each gives the new text, not yet compared with the old one, or refuses.
namespace patroni_pgbackrest::yaml {

/// The change's key gets the value, in the place of what it has, or with all keys above it that are not there.
std::string with_new_value(const Change& change, const NewNode& wanted);
/// The change's list begins with the item.
std::string with_first_item(const Change& change, const NewNode& item);
/// The change's key goes, the last one where it stands twice.
std::string without_entry(const Change& change);

/// How the lines around `map` are written.
Style style_near(const Outline& outline, const Written& map);

}  // namespace patroni_pgbackrest::yaml
