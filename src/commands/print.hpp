#pragma once

#include <string>

namespace patroni_pgbackrest::commands {

/// Writes to standard output at once. Throws Failure(system_refused) where not all of it gets there: what is cut short
/// must not pass for an answer.
void print(const std::string& text);

}  // namespace patroni_pgbackrest::commands
