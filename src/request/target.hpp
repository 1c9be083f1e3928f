#pragma once

#include "postgres/wal.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace patroni_pgbackrest {

/// Everything the archive has.
struct Latest {};
/// The end of the backup: the first consistent point.
struct Immediate {};
struct Time {
    std::chrono::sys_time<std::chrono::microseconds> at;

    /// A date and a time of day with a UTC offset (`2026-11-22 10:00:00.5+01:30`, `…T…Z`). Without an offset pgBackRest
    /// and PostgreSQL would read it in two different time zones, so there is none.
    static std::optional<Time> parse(std::string_view text);
    /// In UTC, as both pgBackRest and PostgreSQL read it: `2026-11-22 08:30:00.500000+00`.
    std::string text() const;
};
/// A moment in seconds since the epoch, as Time::text() writes it.
std::string instant(std::int64_t seconds);
struct Xid {
    std::uint64_t number;  ///< with its epoch in the upper half, or without one
};
struct LsnTarget {
    postgres::Lsn lsn;
};
/// A restore point made with pg_create_restore_point(); at most 63 bytes (MAXFNAMELEN - 1).
struct Name {
    std::string name;
};

/// Where the replay stops.
struct RecoveryTarget {
    std::variant<Latest, Immediate, Time, Xid, LsnTarget, Name> point;
    bool exclusive = false;  ///< stop just before it (time, xid and lsn only)
    /// Latest only: not what comes into the archive after the plan. It stands for a target that lies behind the end.
    bool ends_with_plan = false;

    /// Made again from what type(), value() and `exclusive` say.
    static std::optional<RecoveryTarget> parse(std::string_view type, std::string_view value, bool exclusive);

    bool is_latest() const { return std::holds_alternative<Latest>(point); }
    bool is_immediate() const { return std::holds_alternative<Immediate>(point); }
    /// pgBackRest's --type: `default`, `immediate`, `time`, `xid`, `lsn`, `name`.
    std::string type() const;
    /// pgBackRest's --target and the value of PostgreSQL's recovery_target_…; empty for latest and immediate.
    std::string value() const;
    /// PostgreSQL's parameter, `recovery_target_time`; empty for latest.
    std::string parameter() const;
    /// For messages: `time 2026-11-22 08:30:00+00, exclusive`.
    std::string text() const;
};

/// Whether a replay to this time stops at a commit or an abort with that time (recoveryStopsBefore in xlogrecovery.c).
/// Without such a record PostgreSQL ends the recovery in an error.
bool ends_replay(const RecoveryTarget& target, std::chrono::sys_time<std::chrono::microseconds> ended);

/// What a wish for a timeline says: a number, `latest` or `current`.
struct TimelineWish {
    std::variant<postgres::Timeline, Latest, Immediate> choice;  ///< Immediate stands for `current`: the backup's own

    /// Decimal, or hexadecimal with 0x; `latest`; `current`.
    static std::optional<TimelineWish> parse(std::string_view text);
};

}  // namespace patroni_pgbackrest
