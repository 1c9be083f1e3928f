#pragma once

#include "patroni/review.hpp"
#include "patroni/roles.hpp"
#include "plan/plan.hpp"
#include "postgres/client.hpp"
#include "postgres/private_server.hpp"
#include "postgres/probe.hpp"
#include "replay/beginning.hpp"
#include "replay/position.hpp"
#include "staging/reached.hpp"
#include "staging/staging.hpp"
#include "system/failure.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// What is done in the private server once it is a primary, in place of Patroni's post_bootstrap, which an interrupted
/// Patroni skips.
struct FirstSession {
    std::vector<patroni::Role> roles;     ///< they get the passwords of patroni.yml
    std::vector<postgres::Probe> probes;  ///< they must return true; empty where Patroni asks them with `verify`
    /// The limits that Patroni will start PostgreSQL with; asked for only where something hangs on them.
    std::function<patroni::DynamicLimits()> patroni_limits{};
    /// Is told of one that is too low, which is thrown otherwise: where nothing is handed over, it harms nothing.
    std::function<void(const Failure&)> on_low_limit{};
    std::function<void(const postgres::Client&)> examine{};  ///< whatever else is looked at; may be empty
    /// postgresql.database, in which post_bootstrap would ask the probes that name none.
    std::string database = "postgres";
};

/// Replays to the target with a private PostgreSQL in the staging directory, proves that it was reached, stops cleanly
/// and leaves no recovery setting and no file of ours. Throws Failure: target_not_reachable with the nearest point,
/// replay_failed with PostgreSQL's last words, what the guard met, or verification_failed for a probe. `copy_again`
/// brings the staging directory back to the backup: a server that has to be started again may have replayed what gives
/// something else the second time (OnlyOnce). `on_position` is told where the replay is, at most once a second; may be
/// empty.
Reached replay(const Request& request, const Plan& plan, StagingDirectory& staging,
               const std::filesystem::path& bin_directory, const FirstSession& session, Start start,
               const std::function<void()>& copy_again, const OnPosition& on_position);

}  // namespace patroni_pgbackrest
