#pragma once

#include "plan/plan.hpp"
#include "staging/staging.hpp"

#include <string>
#include <string_view>

namespace patroni_pgbackrest {

/// Refuses a plan that recovery_conf, which Patroni will deliver, does not follow: a timeline that PostgreSQL would
/// miss when it is told to follow the newest. Throws Failure(usage).
void require_same_timeline(const Request& request, const Plan& plan);

/// The source's postgresql.auto.conf, which counts more than everything that Patroni writes, without what would replay
/// otherwise than the request says.
std::string auto_conf_for_replay(std::string_view source, const RecoveryTarget& target);

/// Patroni mode: pg_wal emptied (after the backup's own segments were found in the archive), pgBackRest's lines out of
/// postgresql.auto.conf, one marked block in Patroni's base configuration file, and the ticket.
void deliver(const Request& request, const Plan& plan, StagingDirectory& staging);

/// Patroni's replay is over: takes the block out of the base configuration file and the ticket away. The working
/// directory is the data directory. Does nothing when there is no ticket.
void end_recovery();

}  // namespace patroni_pgbackrest
