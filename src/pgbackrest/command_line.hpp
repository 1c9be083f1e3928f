#pragma once

#include "process/child.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// An option as pgBackRest takes it, `--name=value`. An empty value stands for a flag, `--name`.
struct Option {
    std::string name;
    std::string value{};
};

/// How pgBackRest is called here.
struct Pgbackrest {
    std::string program = "pgbackrest";
    std::optional<std::filesystem::path> configuration{};  ///< --config
    std::string stanza{};                                  ///< empty: not passed
    std::vector<Option> common{};                          ///< passed with every command (config-path, …)
    /// Variables that it has other values of than this process, each with its value, or none where it lacks it.
    std::map<std::string, std::string> variables{};

    std::optional<std::string> variable(const std::string& name) const;

    /// `program --config=… --stanza=… options… verb positionals…`
    process::Command command(const std::string& verb, const std::vector<Option>& options = {},
                             const std::vector<std::string>& positionals = {}) const;

    /// The same for a command whose standard output is data: warnings and errors go to stderr, whatever the
    /// configuration says (2.60 would write them to standard output).
    process::Command data_command(const std::string& verb, std::vector<Option> options,
                                  const std::vector<std::string>& positionals = {}) const;
};

/// Keeps from a command the variables whose options come from the request alone, as Pgbackrest::command() does: one in
/// Patroni's environment could choose another target, set or repository, turn off the checksums of --delta (force), or
/// leave timelines out of a listing (filter) and backup sets out of `info` (detail-level).
void ignore_environment(process::Command& command);

/// Takes the variables that pgBackRest would refuse as options without a value out of our environment, for whatever is
/// started.
void drop_empty_variables();
/// Which they were.
const std::vector<std::string>& dropped_variables();

/// A command as a person types it, whose shell has none of the variables that say which repository is meant. Secrets
/// are left out.
std::string as_typed(const process::Command& command);
/// How a person brings a file into the archive, but for the file's absolute path: `pgbackrest --stanza=demo
/// --reset-pg1-host --reset-pg1-path --no-archive-async archive-push`. With a pg1-host it has to run there. With a
/// pg1-path pgBackRest wants a pg_control there, and after a loss there is none; an asynchronous push wants a pg1-path,
/// and the file's own mark in archive_status (2.45).
std::string push_by_hand(const Pgbackrest& pgbackrest);
/// How a person prints a file of a repository.
std::string get_by_hand(const Pgbackrest& pgbackrest, unsigned repository, const std::string& path);

/// pgBackRest's version as major * 1000 + minor (2.45 → 2045). Throws Failure(preflight_refused) if the program is
/// missing, prints something else, or is older than 2.33.
int version_in(const Pgbackrest& pgbackrest, const process::Captured& captured);
/// The command whose result version_in() understands.
process::Command version_command(const Pgbackrest& pgbackrest);

}  // namespace patroni_pgbackrest::pgbackrest
