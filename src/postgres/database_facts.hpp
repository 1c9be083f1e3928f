#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// A database as the cluster's catalogs tell of it.
struct DatabaseFacts {
    std::string name;
    bool invalid = false;  ///< its DROP DATABASE was interrupted (datconnlimit -2)
    bool open = true;      ///< connections are allowed
    /// Of its default collation, since PostgreSQL 15: when it was made, and of this system's library. Empty where the
    /// collation has no versions, as C and POSIX.
    std::string recorded_version, actual_version;
};

/// A subscription that is enabled.
struct Subscription {
    std::string name, database;
    std::string slot;  ///< at the publisher; empty: none
};

/// What a cluster has that is not only its own: what depends on the machine's libraries, and on other servers.
struct ContentFacts {
    std::vector<DatabaseFacts> databases;
    std::vector<Subscription> subscriptions;
};

/// The statements for psql whose one line of output content_facts_in() reads. For a superuser; PostgreSQL 13 to 18.
std::string content_statements();
/// Empty if the first line is missing or cannot be read.
std::optional<ContentFacts> content_facts_in(std::string_view output);

/// The indexes of one database that were built with other versions of their collations than this system's libraries
/// have: they may find too little, and accept duplicates. A default collation has a version since PostgreSQL 15; before
/// that the one of the same name in pg_collation stands for it.
struct ChangedCollations {
    std::vector<std::string> collations;  ///< `pg_catalog.default: 2.31, now 2.36`
    std::vector<std::string> indexes;     ///< qualified names
};
std::string collation_statements();
std::optional<ChangedCollations> changed_collations_in(std::string_view output);

}  // namespace patroni_pgbackrest::postgres
