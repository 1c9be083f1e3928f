#pragma once

#include "patroni/configuration.hpp"
#include "postgres/server_facts.hpp"
#include "staging/journal.hpp"
#include "system/finding.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// The journal of the restore that this very directory came from. Empty when there is none on this host, it belongs to
/// another directory, or it cannot be read; `why` says which.
std::optional<Journal> journal_of(const std::filesystem::path& data_directory, std::string& why);

/// Where the recovery of the journal's plan ended, as the server's history tells it: the history is that of a timeline
/// which may be further descendants away. Empty when the history does not lead through the plan's timeline.
std::optional<Reached> reached_in_history(const postgres::ServerFacts& facts, const RestoreGoal& goal);

/// What came up against what was asked: recovery over, the backup's system identifier, a new timeline that forks from
/// the plan's where the target is, data checksums as in the backup, no recovery setting left.
std::vector<Finding> judge_cluster(const postgres::ServerFacts& facts, const Journal& journal);

/// Whether Patroni's server runs on its data_dir.
std::vector<Finding> judge_directory(const postgres::ServerFacts& facts, const std::filesystem::path& data_directory);

/// What needs no journal: recovery over, no signal file and no recovery setting left.
std::vector<Finding> judge_remains(const postgres::ServerFacts& facts);

/// archive_mode and archive_command against what is known to be in force of Patroni's configuration. Their values,
/// which may hold secrets, are not shown.
std::vector<Finding> judge_settings(const postgres::ServerFacts& facts, const patroni::Archiving& in_force);

/// Whether the archiver has told all that there is to be told about the new timeline: it archived it, failed, or is
/// off.
bool archiving_is_settled(const postgres::ServerFacts& facts);
/// A failing archiver; `waited`: nothing of the new timeline was archived although it was given time.
std::vector<Finding> judge_archiver(const postgres::ServerFacts& facts, bool waited);

}  // namespace patroni_pgbackrest
