#pragma once

#include "postgres/client.hpp"
#include "postgres/database_facts.hpp"
#include "system/finding.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// The databases that can be dumped: those that allow connections, without the ones that were half dropped.
std::vector<std::string> databases_to_dump(const postgres::ContentFacts& facts);

/// What is told of the others, but for template0; an error where none is left.
std::vector<Finding> review_dumped(const postgres::ContentFacts& facts);

/// An error about a database in which prepared transactions keep everybody from tables or views, which `locked` names
/// with them: pg_dump would wait, and nobody ends them there. Empty where there is none.
std::vector<Finding> review_locked(const std::string& database, const std::vector<std::string>& locked);

/// Has pg_dump read every database to nowhere: each row that a dump holds is read, and brought into its text. A finding
/// for each that it could not read, and what review_dumped() says. `dumped` gets the names of all of them.
std::vector<Finding> dump_to_nowhere(const postgres::Client& client, std::vector<std::string>& dumped);

}  // namespace patroni_pgbackrest
