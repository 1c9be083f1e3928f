#pragma once

#include "patroni/configuration.hpp"
#include "staging/journal.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// Whether it is the name that Patroni gives `name` when it sets it aside: `name.failed`, or `name_` and the time.
/// Under any other name a person moved it away, and wants a new one.
bool is_patronis_name(const std::string& entry, const std::string& name);

/// Whether it is the name by which a person says that Patroni gave `name` up: `name.given-up` beside it, or `.given-up`
/// in it, where that is a mount point.
bool is_named_given_up(const std::string& entry, const std::string& name);

/// What became of a directory that was handed over.
enum class Fate {
    given_up,  ///< by Patroni, in its bootstrap: nobody has led with it
    led,       ///< it may hold the only copy of somebody's rows
    unknown,   ///< one of these, and nothing on this node proves which
};

/// What tells of that.
struct Life {
    bool never_started = false;      ///< PostgreSQL never came up in it
    bool is_in_bootstrap = false;    ///< patroni::is_in_bootstrap
    bool is_patronis_name = false;   ///< the directory has such a name
    bool is_named_given_up = false;  ///< the directory has that name
    std::int64_t used_for = 0;       ///< seconds from the end of its recovery to the last write of pg_control
};

/// Patroni replaces the pg_hba.conf of a bootstrap when post_bootstrap has succeeded (bootstrap.py, 2.0 to 4.1). It may
/// give the directory up behind that as well: PostgreSQL is not restarted, or the watchdog cannot be activated (ha.py
/// post_bootstrap). What is left is no different from a cluster that led for a moment, was stopped, and got Patroni's
/// name from a person. So that is unknown, for as long as a post_bootstrap may take. Pure.
Fate decide_fate(const Life& life);

/// The same of a directory that the journal knows as the one that was handed over as `name`.
Fate fate_of(const Journal& journal, const std::filesystem::path& directory, const std::string& name,
             const std::optional<patroni::Configuration>& patroni);

}  // namespace patroni_pgbackrest
