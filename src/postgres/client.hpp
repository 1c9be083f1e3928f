#pragma once

#include "postgres/configuration.hpp"
#include "process/child.hpp"
#include "system/file.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// For how long a program may do nothing while the server works for it: hours, where that reads a large table or index.
constexpr std::chrono::hours longest_silence(24);

/// A string constant for SQL text. With standard_conforming_strings, the default, a backslash is an ordinary character.
std::string sql_literal(std::string_view text);
std::string sql_identifier(std::string_view name);
/// How -d names a database to PostgreSQL's programs: `dbname='demo'`. A name with an equals sign would be taken for a
/// connection string itself.
std::string database_word(std::string_view name);

/// How to reach a server.
struct Connection {
    std::vector<Setting> keywords;  ///< libpq's, including the password
    /// Whether the PG* variables of our own environment (PGPASSFILE, PGUSER, …) supply what the keywords do not say.
    bool with_environment = true;
    std::string options;  ///< for PGOPTIONS, after those of our own environment
};

/// PostgreSQL's client programs for one server. The connection is in a private file and in their environment, so that
/// it does not show on a command line.
class Client {
  public:
    /// Looks in `bin_directory` first, then in PATH.
    Client(std::filesystem::path bin_directory, const Connection& connection);

    /// The program's path; empty if it is not found.
    std::optional<std::filesystem::path> find(const std::string& program) const;
    /// A command for a program, which reaches the server without further arguments.
    process::Command command(const std::string& program, const std::vector<std::string>& arguments = {}) const;
    /// Runs the statements with psql, which stops at the first error. Its output is unaligned rows and nothing else.
    /// `database` replaces the connection's. Stalled if it is not done after `limit`.
    process::Captured psql(const std::string& statements, std::chrono::seconds limit,
                           const std::string& database = {}) const;

  private:
    std::filesystem::path bin_directory_;
    system::PrivateDirectory directory_;
    std::map<std::string, std::string> environment_;
};

}  // namespace patroni_pgbackrest::postgres
