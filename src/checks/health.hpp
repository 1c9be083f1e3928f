#pragma once

#include "postgres/client.hpp"
#include "postgres/database_facts.hpp"
#include "system/finding.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What a look into one database told.
struct DatabaseAnswer {
    std::optional<postgres::ChangedCollations> changed;
    std::string error;  ///< why there is no answer, in PostgreSQL's words
};

/// What a restore on another machine, or of a part, leaves to be done: databases that cannot be used, collations that
/// this machine's libraries sort in another way, subscriptions that take changes from their publisher again. `answers`
/// are by the database; of one without an answer only the catalogs' own facts are judged.
std::vector<Finding> judge_health(const postgres::ContentFacts& facts,
                                  const std::map<std::string, DatabaseAnswer>& answers);

/// Asks the server, and each database that connections are allowed to if `into_databases` is set, within `limit`.
std::vector<Finding> look_at_health(const postgres::Client& client, bool into_databases, std::chrono::seconds limit);

/// Those that a rehearsal tells: what a restore on this machine would leave to be done. Nothing subscribes there, and
/// nobody can ask again. What they say to drop or to build anew is the restored cluster's, and never the living one's.
std::vector<Finding> left_by_a_restore(std::vector<Finding> findings);

}  // namespace patroni_pgbackrest
