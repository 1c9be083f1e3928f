#pragma once

#include "pgbackrest/origin.hpp"
#include "pgbackrest/restore.hpp"
#include "plan/plan.hpp"
#include "postgres/copied_databases.hpp"
#include "postgres/wal.hpp"
#include "request/request.hpp"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// What the guard must know about a recovery: a small file in the data directory for as long as the recovery lasts.
struct Ticket {
    static constexpr const char* file_name = "patroni_pgbackrest.ticket";

    Recovery recovery = Recovery::standalone;
    std::string scope, target;  ///< for messages
    bool latest = true;         ///< no target
    RecoveryTarget stop{Latest{}};
    std::string data_directory;  ///< the final one
    bool explicit_timeline = false, newest_timeline = true;
    postgres::Timeline timeline;
    std::string past{};  ///< the text() of its history; empty in tickets of older programs
    std::vector<SegmentRange> wal;
    std::optional<postgres::Lsn> wal_end{};  ///< of a restore to the latest point, when its last segment is not full
    std::optional<postgres::SegmentSize> segment_size{};  ///< not set in tickets of older programs
    std::optional<postgres::Lsn> backup_end{};            ///< neither is this: the backup's files are older than that
    std::vector<std::string> archive_get;                 ///< program and arguments; the segment and the path are added
    /// What pgBackRest is told by variables where the restore is planned: PostgreSQL has Patroni's environment, and not
    /// what stands before the program in the block's command. Not set in tickets of older programs.
    std::optional<pgbackrest::Variables> variables{};
    std::set<postgres::Timeline> histories{};  ///< patroni mode: those that the archive has
    std::string incoming{};  ///< where it may fetch ahead as pgbackrest.conf says; empty: with a spool of its own
    pgbackrest::RetryPolicy retry;
    std::vector<std::string> places{};  ///< outside of the data directory, and the restore's own
    std::string scratch{};              ///< of a rehearsal: the WAL may make tablespaces there alone; else empty
    std::string base_configuration;     ///< where recovery-end takes the block out; empty in standalone mode

    std::string last_segment() const { return wal.empty() ? std::string() : wal.back().last; }
    bool plans(const std::string& segment) const;
    /// The planned segment behind this one, on the timeline that the replay goes on with; empty behind the last.
    std::optional<std::string> segment_after(const std::string& segment, postgres::SegmentSize size) const;
    /// Whether the replay ends too early when this file is not WAL of its place. Behind the end of the WAL it may be
    /// one that was kept to be written to one day.
    bool needs(const std::string& segment, postgres::SegmentSize size) const;
    /// Whether the archive must have this history file for the plan's timeline to be followed, and in patroni mode for
    /// no number to be taken twice.
    bool needs_history(postgres::Timeline wanted) const {
        return (wanted == timeline && wanted.number > 1) || histories.contains(wanted);
    }
    /// Whether the working directory is the one that was handed over. Somebody may start what Patroni has set aside:
    /// what lies in the spool, and who fetches, is the next restore's by then.
    bool is_in_its_place() const;
    /// Its archive-get, told what the restore was planned with.
    process::Command command() const;
    /// Whether a server that Patroni restarted as a standby would still end up at what was asked for.
    bool survives_restart_as_standby() const {
        return latest && !stop.ends_with_plan && !explicit_timeline && newest_timeline;
    }

    std::string to_json() const;
    /// Throws Failure(verification_failed) naming the file when it is damaged.
    static Ticket from_json(const std::string& text);
    static std::optional<Ticket> in(const std::filesystem::path& data_directory);
};

Ticket make_ticket(const Request& request, const Plan& plan);

/// PostgreSQL asks for the histories one by one, beginning behind the backup's timeline, up to the first that is not
/// there (findNewestTimeLine in timeline.c): where that is before the plan's, it takes an older one for the newest.
std::optional<postgres::Timeline> first_timeline_without_history(const Plan& plan);

/// pgBackRest's part of the restore_command of a server in `data_directory`: program and arguments. Where the request
/// names a repository, the WAL comes from it alone, as the copy does.
std::vector<std::string> archive_get_words(const Request& request, const std::filesystem::path& data_directory,
                                           const std::vector<pgbackrest::Option>& more = {});

/// What the guard has seen of one replay, in the data directory: which startup process, and how far it came.
struct ReplayNotes {
    static constexpr const char* file_name = "patroni_pgbackrest.replay";

    std::string startup_process;      ///< process number and start time: a restarted server starts over
    bool served = false;              ///< a segment was delivered
    bool served_last = false;         ///< so was the last planned one, or one behind it
    std::optional<int> aborted_with;  ///< the exit code for what made the guard abort the recovery
    std::string abort_message, abort_hint;
    bool abort_lasts = false;  ///< it would be the same until somebody changes something
    /// The server can write there after its next start only.
    std::vector<std::string> wanted_places{};

    void save(const std::filesystem::path& data_directory) const;
    static std::optional<ReplayNotes> in(const std::filesystem::path& data_directory);
};

/// The last record that a server was given whose replay gives something else the second time (FileEffects), in the data
/// directory for as long as the replay lasts.
struct OnlyOnce {
    static constexpr const char* file_name = "patroni_pgbackrest.once";

    postgres::Lsn at;
    std::string startup_process;  ///< that was given it, as in ReplayNotes
    /// Databases that it has copied before the backup's end.
    std::vector<postgres::DatabaseCopy> copies{};

    /// Whether a start from this position would replay it again.
    bool is_behind(postgres::Lsn redo) const { return redo <= at; }
    void save(const std::filesystem::path& data_directory) const;
    /// Throws Failure(verification_failed) naming the file when it is damaged.
    static std::optional<OnlyOnce> in(const std::filesystem::path& data_directory);
};

}  // namespace patroni_pgbackrest
