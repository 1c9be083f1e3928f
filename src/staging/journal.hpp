#pragma once

#include "plan/plan.hpp"
#include "postgres/control_data.hpp"
#include "request/request.hpp"
#include "staging/bootstrap_call.hpp"
#include "staging/layout.hpp"
#include "staging/places.hpp"
#include "staging/reached.hpp"
#include "system/machine.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// The journal's words. In the file some of them have older names, which stay, so that it is read by every version:
///   phase          How far the restore came; it is written down before the work of the phase begins.
///   planning       ("begun") A bootstrap was called and has copied nothing yet; the rest may tell of an earlier one.
///   goal           ("asked") What the finished restore set out for: target, timeline, last segment, checksums.
///   reached        Where the private server's replay ended, as the new timeline's history file proves it.
///   handed over    The restored directory is in its place as PGDATA, and is Patroni's from then on.
///   set aside      Patroni could not use what was handed over, and renamed it (PGDATA.failed).
///   rejected       `verify` found as post_bootstrap that what was handed over is not what was asked for.
///   not accepted   While it was in place, the DCS had no initialize key, or another node's: Patroni gave it up.
///   given up       The same, seen before the hand-over: an empty key that is met later is another node's.
///   never led      The DCS held no configuration beside the empty key, so no leader had been there before.
///   places         ("outside", "births") The targets of tablespaces and links, which lie at their final places from
///                  the first copy on, and which directories lay there.
///   of Patroni     ("patronis_call") What Patroni's call came with: `resume` goes on only with the same.
///   circumstances  What else decides whether Patroni can use what is handed over: see circumstances_of().
///   rejected timelines  Written by earlier hand-overs that Patroni gave up: nobody ever led on them.
///   followed       The timelines and forks of the plan that was replayed: WAL of another branch may be in it.
///   base           A clone of the copy, as the backup left it. It is whole once the journal names it.
///   boot           The kernel's boot and the mounted disks: what was not flushed is there only while both stay.
namespace patroni_pgbackrest {

/// How far a restore came; each phase is written down before its work begins.
enum class Phase {
    copying,
    copied,
    replaying,
    recovered,     ///< replayed or delivered; not yet on disk for certain
    handing_over,  ///< everything is on disk
    handed_over,
};
std::string text(Phase phase);

/// A data directory that was handed over, known again wherever it was renamed to.
struct HandedOver {
    std::uint64_t inode = 0;              ///< not its device, which may have another number after a reboot
    std::int64_t at = 0;                  ///< seconds since 1970
    std::int64_t control_written_at = 0;  ///< pg_control's own time, in seconds since 1970: every start changes it
    system::Uptime uptime{};              ///< of the machine
    std::string birth{};                  ///< system::birth_of(): inodes are given out again; empty in older journals
    /// pg_control's: a server that comes up and is stopped, all within a second, has written a checkpoint. Not in older
    /// journals.
    std::optional<postgres::Lsn> redo{};

    /// As it is now; empty when there is no such directory.
    static std::optional<HandedOver> of(const std::filesystem::path& directory);
};

/// The newest timeline that was begun in what was handed over. A copy that keeps its files' times keeps that of its
/// history file, by which it is known; a base backup, or another node's restore to the same point, has another.
struct BegunTimeline {
    postgres::Timeline timeline;
    std::int64_t written_at = 0;  ///< its history file, in seconds since 1970

    bool operator==(const BegunTimeline&) const = default;
    /// Empty when none is newer than `restored`, or nobody can look.
    static std::optional<BegunTimeline> in(const std::filesystem::path& data_directory, postgres::Timeline restored);
};

/// When the history file of a timeline was written to pg_wal, which is when the recovery ended that led to it, in
/// seconds since 1970.
std::optional<std::int64_t> end_of_recovery(const std::filesystem::path& data_directory, postgres::Timeline timeline);

/// What `verify` found as post_bootstrap, and the fingerprint of the patroni.yml that it had.
struct Rejection {
    std::string message, hint;
    std::size_t configuration = 0;
    std::int64_t at = 0;  ///< seconds since 1970; 0 in older journals
};

/// A clone of the copied backup, in which no server was started (staging/kept_base.hpp). It is made before it is noted.
struct KeptBase {
    std::string copy;        ///< identity_of_copy(): what was copied
    std::string boot;        ///< of boot_of: it is not flushed
    std::string birth;       ///< system::birth_of() its directory
    bool was_taken = false;  ///< a staging directory was made of it

    bool operator==(const KeptBase&) const = default;
};

/// What a later run must know about an earlier one: a small file beside the staging directory.
struct Journal {
    std::string scope, member, request;  ///< as in BootstrapCall
    std::optional<PatronisCall> of_patroni;
    std::string backup_set;
    std::string system_identifier;
    std::string boot;  ///< of boot_of
    Phase phase = Phase::copying;
    Places places;
    std::optional<BootstrapCall> planning;
    bool never_led = false;
    bool given_up = false;
    unsigned hand_overs = 0;    ///< in these circumstances; more than one when Patroni set it aside
    std::string circumstances;  ///< of the last hand-over; journals of older versions have none
    std::string named;          ///< named_state() before the last hand-over, when the one before it was in vain
    pgbackrest::RejectedTimelines rejected_timelines;
    std::optional<HandedOver> handed_over;
    std::optional<BegunTimeline> begun_timeline;  ///< as it was seen last
    std::uint64_t control_inode = 0;  ///< of pg_control when the hand-over began: a renaming keeps it; 0 when not known
    std::string followed;             ///< the history along which the replay went
    std::optional<RestoreGoal> goal;  ///< journals of older versions have none
    std::optional<Reached> reached;   ///< not in patroni mode, where Patroni replays later
    std::optional<Rejection> rejected;
    std::optional<KeptBase> base;
    bool not_accepted = false;
    /// Read where it was not written, by its directory or that one's path, in a copy of that directory, until a restore
    /// has taken it for its own. What lies outside is the original's, so none of it is listed, and the phase is no
    /// later than the copy.
    bool is_copy = false;

    /// Whether no copy has begun: there is nothing to go on with.
    bool only_planned() const { return backup_set.empty(); }
    /// Whether a bootstrap was called and not ended, and Patroni has not given it up.
    bool awaits_its_end() const { return !given_up && (planning || phase != Phase::handed_over); }
    /// Whether what lies in the staging directory may be its restore's: a copy has begun, or a directory that was named
    /// was to become it, and it was not handed over since.
    bool may_have_staging() const {
        return phase != Phase::handed_over && !(only_planned() && system_identifier.empty());
    }
    /// Whether what it says was handed over lies in staging, as it was: the hand-over failed behind its last write to
    /// the journal and was taken back, and that could not be written any more.
    bool went_back_to(const std::filesystem::path& staging) const;
    /// The bootstrap that was called last on this node.
    BootstrapCall last_call() const { return planning.value_or(BootstrapCall{scope, member, request, of_patroni}); }
    /// Whether what its run wrote without fsync is there for certain: no reboot and no unmount since.
    bool is_of_this_boot(const std::filesystem::path& staging) const;
    /// Whether PostgreSQL has never been started in what was handed over.
    bool has_never_started(const postgres::ControlFile& control) const;
    /// Whether it is what was handed over: the same directory with the same cluster in it.
    bool handed_over_is(const std::filesystem::path& directory) const;
    /// Whether it has the content of what was handed over, wherever it was copied to (cp -a, rsync -a).
    bool is_copied_to(const std::filesystem::path& directory) const;
    /// Whether this is what `verify` rejected or Patroni did not accept.
    bool refuses(const std::filesystem::path& directory) const;
    /// Notes the timeline that was begun there, if any was.
    void note_begun_timeline(const std::filesystem::path& directory);
    /// What lies outside of the staging directory is the original's, and the copied data was copied at some moment.
    void take_as_copy();
    void save(const std::filesystem::path& file) const;
    /// Throws Failure(unsafe) naming the file when it is damaged.
    static std::optional<Journal> read(const std::filesystem::path& file);
};

/// Writes down that a bootstrap was called on this node, before it is planned: interrupted from here on, it is resumed.
/// Throws Failure(unsafe) as refuse_somebodys_data does. `of_patroni`: none when a person called.
void record_bootstrap_call(const Request& request, const Layout& layout,
                           const std::optional<PatronisCall>& of_patroni = {});

/// Changes what the journal says, if there is one, under the lock, since a bootstrap may be at work.
void change_journal(const Layout& layout, const std::function<void(Journal&)>& change);

}  // namespace patroni_pgbackrest
