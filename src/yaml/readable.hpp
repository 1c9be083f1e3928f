#pragma once

#include <string>

namespace patroni_pgbackrest::yaml {

/// Throws Failure(usage), with the line and never its text, for what yaml-cpp reads and Patroni's PyYAML (3.12 to 6.0)
/// does not: a tab or a control character between values, a tag that its safe loader does not know, an anchor with the
/// name of another, a value that begins with a reserved sign.
void require_readable_by_patroni(const std::string& text, const std::string& name);

}  // namespace patroni_pgbackrest::yaml
