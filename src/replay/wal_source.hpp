#pragma once

#include "plan/plan.hpp"
#include "replay/ticket.hpp"
#include "replay/wal_server.hpp"
#include "request/request.hpp"
#include "staging/staging.hpp"

#include <cstdint>
#include <system_error>
#include <vector>

namespace patroni_pgbackrest {

/// With these archive-get fetches ahead, up to so many bytes, into the spool beside the staging directory.
std::vector<pgbackrest::Option> options_ahead(const Request& request, const Layout& layout, std::uint64_t queue);

/// Where the private server's WAL comes from: the ticket with pgBackRest's archive-get, which writes only where it has
/// business and flushes nothing (without a wall only where it needs no privileges), and its spool beside the staging
/// directory. Makes the directories that it needs.
WalServer::Options wal_of(const Request& request, const Plan& plan, const StagingDirectory& staging);

/// Removes what was fetched ahead, up to 1 GiB, and ends what may still fetch. What of it cannot be removed is the
/// answer. Throws Failure when the program is interrupted.
std::error_code empty_spool(const Layout& layout);

/// The same once nothing is needed of it any more: what does not end, or go, is left.
void leave_spool(const Layout& layout);
/// The same for the spool that the guard of this ticket has used, with the locks beside it; of one that pgbackrest.conf
/// names only what was fetched ahead is removed.
void leave_spool(const Ticket& ticket);

}  // namespace patroni_pgbackrest
