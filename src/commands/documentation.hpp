#pragma once

#include <string>

namespace patroni_pgbackrest::commands {

/// The documents that are made from the option table and the exit code table, so that they cannot say anything else
/// than --help and the code do. `packaging/make_documents.cpp` writes them.

/// patroni_pgbackrest.1 in roff, for man(1).
std::string manual_page();

/// The completion for bash 4 and later; needs nothing of the bash-completion package.
std::string bash_completion();

/// docs/exit-codes.md and docs/checks.md, which are kept in the repository: `make_documents --check docs` compares
/// them.
std::string exit_code_document();
std::string checks_document();

}  // namespace patroni_pgbackrest::commands
