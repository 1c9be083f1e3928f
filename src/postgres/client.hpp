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

/// A string constant for SQL text; with standard_conforming_strings, the default, a backslash is an ordinary character.
std::string sql_literal(std::string_view text);
std::string sql_identifier(std::string_view name);

/// How a server is reached.
struct Connection {
    std::vector<Setting> keywords;  ///< libpq's, the password among them
    /// Whether PG* of our own environment (PGPASSFILE, PGUSER, …) fill in what the keywords do not say.
    bool with_environment = true;
    std::string options;  ///< for PGOPTIONS, after those of our own environment
};

/// PostgreSQL's client programs on one server. What they need lies in a private file and in their environment, so that
/// nothing of the connection shows on a command line.
class Client {
  public:
    /// `bin_directory` first, then PATH.
    Client(std::filesystem::path bin_directory, const Connection& connection);

    /// The program's path; empty when it is nowhere.
    std::optional<std::filesystem::path> find(const std::string& program) const;
    /// A program that reaches the server without further arguments.
    process::Command command(const std::string& program, const std::vector<std::string>& arguments = {}) const;
    /// Runs the statements with psql, which ends with the first error: unaligned rows and nothing else is its output.
    /// Another database than the connection's is given by its name. Stalled when it is not done after `limit`.
    process::Captured psql(const std::string& statements, std::chrono::seconds limit,
                           const std::string& database = {}) const;

  private:
    std::filesystem::path bin_directory_;
    system::PrivateDirectory directory_;
    std::map<std::string, std::string> environment_;
};

}  // namespace patroni_pgbackrest::postgres
