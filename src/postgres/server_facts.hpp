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

/// What a running server says about itself, where it concerns a restore.
struct ServerFacts {
    bool in_recovery = false;
    std::string version;  ///< `15.18 (Debian 15.18-0+deb12u1)`
    std::string system_identifier;
    Timeline timeline;                   ///< that it writes on; in recovery that of the latest checkpoint
    std::optional<std::string> history;  ///< that timeline's history file; timeline 1 has none
    std::filesystem::path data_directory;
    bool checksums = false;
    std::map<std::string, std::string> archiving;  ///< archive_mode, archive_command, archive_library (15 and later)
    /// Recovery settings with a value, wherever a configuration file has one; those in a postgresql.conf that Patroni
    /// wrote left out: it leaves them there until it writes the file again, and a primary does not look at them.
    std::vector<LeftSetting> recovery_settings;
    std::vector<std::string> signal_files;  ///< recovery.signal, standby.signal
    bool history_archived = false;          ///< archive_status says so
    std::string last_archived;              ///< WAL file, empty when there was none since the statistics began
    std::string last_failed;                ///< empty unless the archiver's last try failed
};

/// The statements for psql whose one line of output server_facts_in() reads. For a superuser; PostgreSQL 13 to 18.
std::string server_facts_statements();

/// Empty when the first line is not there or cannot be read.
std::optional<ServerFacts> server_facts_in(std::string_view output);

}  // namespace patroni_pgbackrest::postgres
