#pragma once

#include "patroni/configuration.hpp"
#include "pgbackrest/command_line.hpp"
#include "pgbackrest/restore.hpp"
#include "pgbackrest/restore_options.hpp"
#include "postgres/configuration.hpp"
#include "request/target.hpp"
#include "system/log.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// One option as it was given on the command line, without its dashes.
struct GivenOption {
    std::string name;
    std::string value;
};

/// Who replays the WAL.
enum class Recovery {
    standalone,  ///< a private PostgreSQL in the staging directory; Patroni gets a finished primary
    patroni,     ///< Patroni's own PostgreSQL: the method's block has recovery_conf
};
std::string text(Recovery recovery);

/// What is asked for, complete and free of contradictions.
struct Request {
    std::string scope;
    std::filesystem::path data_directory;  ///< absolute, symbolic links not resolved
    std::optional<patroni::Configuration> patroni;
    pgbackrest::Pgbackrest pgbackrest;
    std::optional<unsigned> repository;
    std::optional<std::string> system_identifier;  ///< of the cluster to restore
    std::optional<std::string> backup_set;
    RecoveryTarget target{Latest{}};
    /// What `nearest` has put another `target` in the place of, once there is a plan.
    std::optional<RecoveryTarget> replaced_target{};
    bool search = false;   ///< all WAL is looked through for a transaction or a restore point (check --search)
    bool nearest = false;  ///< a target behind the last commit means the last commit
    std::optional<TimelineWish> timeline;
    std::vector<pgbackrest::Option> restore_options;  ///< pgBackRest's, passed on as they are
    /// What pgBackRest's configuration says of its `restore`.
    std::vector<pgbackrest::ConfiguredOption> configured;
    std::optional<unsigned> processes;  ///< process-max, where it is set
    Recovery recovery = Recovery::standalone;
    std::string preload_libraries;
    /// Of the private server that replays; one without a value is left to PostgreSQL.
    std::vector<postgres::Setting> replay_settings{};
    bool writes_late = false;  ///< write-back: late
    std::optional<std::filesystem::path> reuse_data;
    bool reuses_set_aside = false;  ///< reuse-data: auto; which directory that is, the plan decides
    bool source_is_fenced = false;  ///< WAL that still arrives is not a reason to refuse
    pgbackrest::RetryPolicy retry;
    std::optional<std::filesystem::path> report;
    std::optional<std::filesystem::path> rehearsals;  ///< where the history of the rehearsals is kept
    /// Of a rehearsal: whatever it makes lies there, and what the WAL makes elsewhere is refused.
    std::optional<std::filesystem::path> scratch{};
    std::optional<std::uint64_t> memory{};  ///< bytes that a private server is sized for at most
    log::Level log_level = log::Level::info;
};

/// Makes the request from the command line, then the method's block, then defaults. Throws Failure(usage) with every
/// problem at once, each with its place (`--target`, `patroni.yml:17`).
Request make_request(const std::vector<GivenOption>& given, std::optional<patroni::Configuration> patroni);

/// The same without what patroni mode asks of patroni.yml, which the DCS may have another word in.
Request make_request_in_any_mode(const std::vector<GivenOption>& given, std::optional<patroni::Configuration> patroni);

/// How many processes `command` of pgBackRest works with, where nothing is set as many as there are processors. Those
/// that read over a network mostly wait, for answers that do not come sooner: where this repository, or without a
/// number any, is read that way, four times as many then, up to eight. sshd refuses more than ten logins that have just
/// begun (MaxStartups in sshd_config(5)).
unsigned processes_for(const Request& request, const std::string& command, std::optional<unsigned> repository);

/// The same for a restore that flushes each file; all of them have so many bytes together. While some processes wait
/// for the disk others work: the smaller the files, the more of them, up to 16. Over a network they wait anyway. The
/// files are counted only where their number decides.
unsigned processes_with_flushes(const Request& request, unsigned repository, std::uint64_t bytes,
                                const std::function<std::optional<std::uint64_t>()>& count_files);

/// As far as they are said, found even when the request itself is in error.
struct ClusterNames {
    std::string scope, stanza;
};
ClusterNames names_of_cluster(const std::vector<GivenOption>& given,
                              const std::optional<patroni::Configuration>& patroni);

/// How the log is to be written, if that is said, found even when the request itself is in error.
std::optional<log::Format> log_format(const std::vector<GivenOption>& given,
                                      const std::optional<patroni::Configuration>& patroni);
/// The same for the history of the rehearsals.
std::optional<std::filesystem::path> rehearsals_path(const std::vector<GivenOption>& given,
                                                     const std::optional<patroni::Configuration>& patroni);

/// The report's path, if one was asked for, found even when the request itself is in error.
std::optional<std::filesystem::path> report_path(const std::vector<GivenOption>& given,
                                                 const std::optional<patroni::Configuration>& patroni);
/// The same for the page, and for the metrics.
std::optional<std::filesystem::path> page_path(const std::vector<GivenOption>& given,
                                               const std::optional<patroni::Configuration>& patroni);
std::optional<std::filesystem::path> metrics_path(const std::vector<GivenOption>& given,
                                                  const std::optional<patroni::Configuration>& patroni);

}  // namespace patroni_pgbackrest
