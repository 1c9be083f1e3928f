#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace patroni_pgbackrest {

/// What the restore_command of a private server passes on to the program that serves its WAL (WalServer). The answer is
/// the exit code for PostgreSQL, in a line of its own.
struct WalRequest {
    std::string wanted;       ///< %f
    std::string destination;  ///< %p: from the data directory

    bool operator==(const WalRequest&) const = default;

    /// Two lines.
    std::string text() const;
    /// Empty for anything else, and for a name or a path that leads elsewhere.
    static std::optional<WalRequest> parse(std::string_view text);
};

/// Empty for anything but a line with 0, 1 or 200.
std::optional<int> parse_wal_answer(std::string_view text);

/// `exec '/path/patroni_pgbackrest' archive-get --socket=PATH %f "%p"`. PostgreSQL waits for its start at each segment,
/// so that no shell stays in between.
std::string restore_command_for(const std::string& socket);

/// The call in these words of the command line: the socket, and what is asked for. Empty for any other call.
struct WalCall {
    std::string socket;
    WalRequest request;
};
std::optional<WalCall> parse_wal_call(int argc, const char* const* argv);

/// Asks, and returns the exit code for PostgreSQL. Where nobody answers the recovery is aborted: the program is gone,
/// and with it the server.
int ask_for_wal(const WalCall& call);

}  // namespace patroni_pgbackrest
