#pragma once

#include "postgres/wal.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// A recovery setting in a configuration file.
struct LeftSetting {
    std::string name;
    std::string file;
};

/// What a running server says about itself, as far as it concerns a restore.
struct ServerFacts {
    bool in_recovery = false;
    std::string version;  ///< `15.18 (Debian 15.18-0+deb12u1)`
    std::string system_identifier;
    Timeline timeline;                   ///< on which it writes; in recovery, that of the latest checkpoint
    std::optional<std::string> history;  ///< that timeline's history file; timeline 1 has none
    std::filesystem::path data_directory;
    bool checksums = false;
    std::map<std::string, std::string> archiving;  ///< archive_mode, archive_command, archive_library (15 and later)
    /// Recovery settings that have a value in any configuration file, except in a postgresql.conf that Patroni wrote:
    /// Patroni leaves them there until it writes the file again, and a primary ignores them.
    std::vector<LeftSetting> recovery_settings;
    std::vector<std::string> signal_files;  ///< recovery.signal, standby.signal
    bool history_archived = false;          ///< archive_status says so
    std::string last_archived;              ///< WAL file; empty if there was none since the statistics began
    std::string last_failed;                ///< empty unless the archiver's last attempt failed
};

/// The statements for psql whose one line of output server_facts_in() reads. For a superuser; PostgreSQL 13 to 18.
std::string server_facts_statements();

/// Empty if the first line is missing or cannot be read.
std::optional<ServerFacts> server_facts_in(std::string_view output);

}  // namespace patroni_pgbackrest::postgres
