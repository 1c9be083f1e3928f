#pragma once

#include "plan/plan.hpp"
#include "request/request.hpp"
#include "staging/reached.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

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

    /// As it is now; empty when there is no such directory.
    static std::optional<HandedOver> of(const std::filesystem::path& directory);
};

/// What `verify` found as post_bootstrap, and the fingerprint of the patroni.yml that it had.
struct Rejection {
    std::string message, hint;
    std::size_t configuration = 0;
};

/// Whose bootstrap it is, and what was asked for.
struct Begun {
    std::string scope;
    std::string member;   ///< Patroni's name: a replica may get the file with a base backup; empty when it is not known
    std::string request;  ///< another request starts over
};

/// What a later run must know about an earlier one: a small file beside the staging directory.
struct Journal {
    std::string scope, member, request;  ///< as in Begun
    std::string backup_set;
    std::string system_identifier;
    std::string boot;  ///< of boot_of: with fsync off nothing survives a reboot for certain
    Phase phase = Phase::copying;
    std::vector<std::string> outside;  ///< tablespace and link targets, checked to be empty before the first copy
    /// Those of them that were seen as directories, by inode and birth: another disk may be mounted there later.
    std::map<std::string, std::string> births;
    std::optional<Begun> begun;  ///< a bootstrap that has only planned so far; the rest may be of an earlier one
    /// The DCS held no configuration when the key was seen empty: one that is there now was written by a leader.
    bool never_led = false;
    bool given_up = false;    ///< the key was seen gone or another node's: an empty one is none of this restore's
    unsigned hand_overs = 0;  ///< how often it was handed over: more than once when Patroni set it aside
    std::optional<HandedOver> handed_over;  ///< the data directory as it was handed over
    std::optional<Asked> asked;             ///< of what is finished; journals of older versions have none
    std::optional<Reached> reached;         ///< the same; not in patroni mode, where Patroni replays later
    std::optional<Rejection> rejected;      ///< of what was handed over
    bool not_accepted = false;              ///< the key was seen gone or another node's while it was in place

    /// Whether no copy has begun: there is nothing to go on with.
    bool only_planned() const { return backup_set.empty(); }
    /// The bootstrap that began last on this node.
    Begun last() const { return begun.value_or(Begun{scope, member, request}); }
    /// Whether it is what was handed over: the same directory with the same cluster in it.
    bool handed_over_is(const std::filesystem::path& directory) const;
    void save(const std::filesystem::path& file) const;
    /// Throws Failure(unsafe) naming the file when it is damaged.
    static std::optional<Journal> read(const std::filesystem::path& file);
};

/// The request in a form that two runs can compare.
std::string identity_of(const Request& request);
/// The kernel's boot id and the mounted file systems of these places: what was written without fsync is there for
/// certain only while both stay. Empty where the kernel does not tell.
std::string boot_of(const std::vector<std::filesystem::path>& places);

}  // namespace patroni_pgbackrest
