#pragma once

#include "commands/bootstrap.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "postgres/probe.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::commands {

/// What `rehearse` is called with, before anything is judged.
struct RehearseArguments {
    std::vector<std::string> words;  ///< the command line, from `rehearse` on: the options of a restore
    std::string scratch, seed, memory, bandwidth, disk_floor;  ///< empty: not given
    bool random = false;
    bool checksums = false, amcheck = false, dump = false;
    bool keep = false, history = false, json = false;
};

/// What is to be rehearsed, complete and free of contradictions.
struct RehearsalSettings {
    Request request;  ///< of a restore into the scratch directory, without Patroni
    /// As it stands in patroni.yml, of which a rehearsal uses its rejected runs and roles only.
    std::optional<patroni::Configuration> patroni;
    patroni::ConfigurationSource source;  ///< where that was read from
    std::filesystem::path scratch;
    std::optional<std::filesystem::path> data_directory;  ///< this node's, which is kept away from
    std::optional<std::filesystem::path> bin_directory;   ///< postgresql.bin_dir
    std::filesystem::path history;
    std::optional<std::uint64_t> seed;  ///< of a random target
    std::uint64_t disk_floor = 0;       ///< bytes that stay free on the scratch directory's disk
    std::uint64_t bandwidth = 0;  ///< bytes a second that are read and written at most; 0: as many as there may be
    std::vector<postgres::Probe> probes;
};

/// `512MB`, `2GB`, `1.5TB`, `1048576`, in multiples of 1024; empty for anything else.
std::optional<std::uint64_t> bytes_in_words(std::string_view text);

/// Makes them from the command line, the method's block, then defaults. Throws Failure(usage) with every problem.
RehearsalSettings rehearsal_settings(const RehearseArguments& arguments, const BootstrapArguments& given);

/// What make_request() is given for the restore of this node itself: without what is said of the rehearsal alone.
std::vector<GivenOption> options_of_node(const BootstrapArguments& given);

/// A tablespace that would be restored to somewhere else than in the scratch directory, as its name may lead out of it.
std::optional<Problem> place_outside(const Request& request, const std::vector<pgbackrest::BackupTarget>& targets);

/// The request for all that the archive has, from the newest backup.
Request for_latest(Request request);
/// Whether it is that already.
bool is_for_latest(const Request& request);

/// The request with its directories in the scratch directory, tablespaces among them. Links become ordinary files and
/// directories there, as without link-all.
Request in_scratch(Request request, const std::filesystem::path& scratch, const std::filesystem::path& data_directory,
                   const std::filesystem::path& tablespaces);

/// Where the history is kept: the option rehearsals, else usual_rehearsals_file().
std::filesystem::path history_of(const BootstrapArguments& given);

}  // namespace patroni_pgbackrest::commands
