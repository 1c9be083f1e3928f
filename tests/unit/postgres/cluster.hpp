#pragma once

#include "postgres/private_server.hpp"
#include "system/file.hpp"

#include <filesystem>
#include <string>
#include <vector>

/// Directory with the binaries of the newest supported PostgreSQL on this host; fails the test when there is none.
std::filesystem::path installed_binaries();

/// Fails the test as root, since PostgreSQL refuses to run as root: tests/run.sh runs this program as user postgres.
void need_a_user_that_may_run_postgres();

/// A database cluster with WAL segments of 1 MiB, its archive and a backup, made once by a real server: the backup, 300
/// rows, the restore point `half`, 300 rows, the segment switched.
class ArchivedCluster {
  public:
    static const ArchivedCluster& get();

    std::filesystem::path archive() const { return directory_.path() / "archive"; }
    /// Names of the archived segments, in order.
    std::vector<std::string> segments() const;
    /// A fresh copy of the backup at `to`, with recovery.signal.
    void restore_to(const std::filesystem::path& to) const;

  private:
    ArchivedCluster();

    patroni_pgbackrest::system::PrivateDirectory directory_;
};
