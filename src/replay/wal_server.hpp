#pragma once

#include "replay/guard.hpp"
#include "replay/ticket.hpp"
#include "replay/wal_fetch.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// Serves the WAL of one start of a private server: its restore_command passes PostgreSQL's question on through a
/// socket, and is told the answer. The judgement is the guard's, with what was seen kept in memory. All of it happens
/// between the events of the program's loop, on its only thread.
class WalServer {
  public:
    struct Options {
        Ticket ticket;
        std::filesystem::path data_directory;  ///< of the private server
        WalFetch::Options fetch;
        std::string first{};  ///< the segment that is asked for first; empty: not known
    };

    /// Listens. Throws Failure(system_refused).
    explicit WalServer(Options options);
    /// Whoever still waits is told nothing, and aborts the recovery.
    ~WalServer();
    WalServer(const WalServer&) = delete;
    WalServer& operator=(const WalServer&) = delete;

    std::string restore_command() const;
    /// Does what can be done without waiting. To be called after each event while the server runs. What goes wrong with
    /// a file aborts the recovery, and is kept in notes(); throws Failure where nobody can be served any more.
    void step();
    /// What the guard would have written down.
    const ReplayNotes& notes() const;

  private:
    struct State;
    std::shared_ptr<State> state_;  // shared with what the event loop still has to call
};

}  // namespace patroni_pgbackrest
