#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>

namespace patroni_pgbackrest::postgres {

/// What a postmaster keeps in postmaster.pid (pidfile.h, 13 to 18).
struct PostmasterFile {
    pid_t pid = 0;                 ///< first line; 0 if it is not a number
    std::string port;              ///< fourth line
    std::string socket_directory;  ///< fifth line; empty if the server has no socket
    std::string listen_address;    ///< sixth line, the first of listen_addresses; empty if it listens on no TCP port
    std::string status;            ///< eighth line: `starting`, `stopping`, `ready`, `standby`; empty if not there yet

    /// Empty when there is no such file.
    static std::optional<PostmasterFile> read(const std::filesystem::path& data_directory);
};

/// A process of a PostgreSQL server in this data directory: its postmaster, or a child that outlived it.
std::optional<pid_t> living_server(const std::filesystem::path& data_directory);

/// Removes the postmaster.pid of a killed server, even if another process has its number now. Waits a few seconds for a
/// server that is about to end. Throws Failure(unsafe) if one lives in the directory.
void remove_stale_postmaster_file(const std::filesystem::path& data_directory);

}  // namespace patroni_pgbackrest::postgres
