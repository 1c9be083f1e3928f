#pragma once

#include "request/request.hpp"
#include "system/failure.hpp"
#include "yaml/write.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What makes a replay by Patroni's server unsafe or contradictory, seen from patroni.yml alone; nothing in standalone
/// mode. recovery_conf must say what the request says, restore_command must be the guard, and no other restore_command,
/// no custom_conf, no leftover trust rules and no leaderless replica method may replay past a target after a restart,
/// and nothing may have PostgreSQL read ahead of a target (docs/patroni-contract.md explains what each of them does).
std::vector<Problem> problems_of_patroni_mode(const Request& request);

/// The recovery_conf that agrees with the request, a map of texts, with what is right in the block's own: its call of
/// the guard, and recovery_prefetch.
yaml::NewNode corrected_recovery_conf(const Request& request);

/// Whether a restore_command calls this program's archive-get.
bool is_guard(const std::string& restore_command);

}  // namespace patroni_pgbackrest
