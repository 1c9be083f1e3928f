#pragma once

#include "postgres/configuration.hpp"
#include "postgres/wal.hpp"
#include "process/child.hpp"
#include "system/file.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// What the server's untranslated log says about its recovery. A field is empty until it was seen.
struct RecoveryLog {
    std::optional<std::string> last_restored;  ///< name of the last segment restored from the archive
    unsigned restored = 0;                     ///< segments restored so far
    std::optional<Lsn> redo_start, redo_end;
    std::optional<std::string> last_transaction_time;  ///< `last completed transaction was at log time …`
    std::optional<std::string> stop;            ///< `recovery stopping before commit of transaction 748, time …`
    std::optional<Timeline> new_timeline;       ///< `selected new timeline ID: 2`
    std::optional<std::string> invalid_record;  ///< the damaged record that ended the replay, in PostgreSQL's words
    bool consistent = false;                    ///< `consistent recovery state reached`
    std::vector<std::string>
        last_words;  ///< the last FATAL, PANIC and ERROR lines with DETAIL and HINT, else the last lines
};

/// A PostgreSQL for us alone: no TCP, a socket in a private directory of mode 0700, its own pg_hba, every setting on
/// the command line (`-c` overrides postgresql.auto.conf, a configuration file does not). Nothing of the restored
/// configuration is in force. It is started directly, not through pg_ctl; its log goes to ours line by line.
class PrivateServer {
  public:
    struct Options {
        std::filesystem::path bin_directory;
        std::filesystem::path data_directory;
        std::vector<Setting> settings;  ///< added to those this class needs itself
        /// Where it and what it starts may write, beside the data directory and a private one.
        std::vector<std::filesystem::path> writable;
        /// Called while it is waited for, after each event of the loop and ten times a second. What it throws ends the
        /// wait.
        std::function<void()> meanwhile{};
        std::vector<Setting> wishes{};  ///< they count more than all others, see with_wishes()
    };
    /// Called for every log line, after `log()` includes it.
    using OnLine = std::function<void(const RecoveryLog&)>;

    /// Starts it. Removes a stale postmaster.pid from the data directory if no such process lives; throws
    /// Failure(unsafe) if one does.
    PrivateServer(Options options, OnLine on_line = {});
    /// Ends it at once (SIGQUIT, then SIGKILL) if it still runs.
    ~PrivateServer();
    PrivateServer(const PrivateServer&) = delete;
    PrivateServer& operator=(const PrivateServer&) = delete;

    /// Waits until postmaster.pid says `ready` (true) or the server has ended (false). Throws Failure(replay_failed) if
    /// its process tree does nothing for `stall`.
    bool wait_until_ready(std::chrono::seconds stall = std::chrono::minutes(10));
    /// Fast shutdown (SIGINT). Waits for the shutdown checkpoint as long as it makes progress. Throws
    /// Failure(replay_failed) if it did not end cleanly.
    void stop(std::chrono::seconds stall = std::chrono::minutes(10));

    /// The connection. Only this user can reach the server, and is trusted there.
    const std::filesystem::path& socket_directory() const;
    const RecoveryLog& log() const;
    /// Set once it has ended.
    const std::optional<process::Outcome>& outcome() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace patroni_pgbackrest::postgres
