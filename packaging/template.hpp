#pragma once

#include <map>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::packaging {

/// `text` with each `{{name}}` replaced by the value of that name. Throws std::runtime_error for a name without a
/// value, a `{{` without its end, and a value that the text does not use: then one of the two was changed without the
/// other.
std::string fill(std::string_view text, const std::map<std::string, std::string>& values);

}  // namespace patroni_pgbackrest::packaging
