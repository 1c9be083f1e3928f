#pragma once

#include "yaml/place.hpp"

#include <string>

/// The text edits behind yaml/edit.hpp. Each returns the new text, which is not yet compared with the old one, or
/// refuses.
namespace patroni_pgbackrest::yaml {

/// Sets the change's key to the value. Replaces an old value, or adds the key with all keys above it that are missing.
std::string with_new_value(const Change& change, const NewNode& wanted);
/// Puts the item at the beginning of the change's list.
std::string with_first_item(const Change& change, const NewNode& item);
/// Removes the change's key; if it occurs twice, the last one.
std::string without_entry(const Change& change);

/// How the lines around `map` are written.
Style style_near(const Outline& outline, const Written& map);

}  // namespace patroni_pgbackrest::yaml
