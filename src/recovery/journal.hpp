#pragma once

#include "recovery/plan.hpp"
#include "recovery/request.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::recovery {

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

/// What a later run must know about an earlier one: a small file beside the staging directory.
struct Journal {
    std::string request;  ///< what was asked for; another request starts over
    std::string backup_set;
    std::string system_identifier;
    std::string boot;  ///< kernel boot id: with fsync off nothing survives a reboot for certain
    Phase phase = Phase::copying;
    std::vector<std::string> outside;  ///< tablespace and link targets, checked to be empty before the first copy

    void save(const std::filesystem::path& file) const;
    /// Throws Failure(unsafe) naming the file when it is damaged.
    static std::optional<Journal> read(const std::filesystem::path& file);
};

/// The request in a form that two runs can compare.
std::string identity_of(const Request& request);
/// /proc/sys/kernel/random/boot_id.
std::string boot_id();

}  // namespace patroni_pgbackrest::recovery
