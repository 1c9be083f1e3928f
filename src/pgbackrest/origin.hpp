#pragma once

#include "pgbackrest/command_line.hpp"

#include <map>
#include <string>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// What pgBackRest is told of where to restore from and of what to copy, besides the content of its files: the options
/// that it is passed, and else its variables, by the option's name (`config`, `repo1-path`), with a fingerprint of each
/// value. No secret is among them: another password leads to the same repository, or to none.
using Origin = std::map<std::string, std::string>;
Origin origin_of(const Pgbackrest& pgbackrest);

/// The variables that are set of those which count for that (`PGBACKREST_REPO1_PATH`), with their values.
using Variables = std::map<std::string, std::string>;
Variables variables_of_origin();
/// The variables that are set of a repository's secrets (`PGBACKREST_REPO1_CIPHER_PASS`), with the option's name.
std::map<std::string, std::string> secret_variables();
/// Has a command told by its environment what it is told where these are set, and nothing else that counts.
void tell_by(const Variables& variables, process::Command& command);

/// The names whose values are not the same in both.
std::vector<std::string> differences(const Origin& one, const Origin& other);

}  // namespace patroni_pgbackrest::pgbackrest
