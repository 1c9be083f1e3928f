#pragma once

#include "postgres/wal.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace patroni_pgbackrest::postgres {

/// A record whose checksum is right (XLogRecord in xlogrecord.h: the same from PostgreSQL 13 to 18).
struct WalRecord {
    /// Of a record that copies a database file by file: RM_DBASE_ID, XLOG_DBASE_CREATE (since 15
    /// XLOG_DBASE_CREATE_FILE_COPY).
    static constexpr std::uint8_t databases = 4, copy_of_files = 0x00;

    static constexpr std::size_t header_size = 24;
    /// Of xl_prev and xl_info in the header; xl_rmid and two bytes of padding follow xl_info.
    static constexpr std::size_t previous_offset = 8, info_offset = 16;

    Lsn start;
    Lsn end;                            ///< behind it and its padding; of a segment switch the end of the segment
    Lsn previous;                       ///< where the record before it starts
    Timeline timeline;                  ///< of the page where it starts; the page with a fork keeps the parent's
    int major = 0;                      ///< of the server that wrote it
    std::uint32_t xid = 0;              ///< 0: of no transaction
    std::uint8_t resource_manager = 0;  ///< number in rmgrlist.h
    std::uint8_t info = 0;              ///< the four bits of the resource manager; the others are 0
    std::string_view bytes;             ///< all of it, the header first

    bool copies_database() const { return resource_manager == databases && info == copy_of_files; }
    /// What the resource manager wrote, in a record that changes no block. Empty when it changes blocks.
    std::optional<std::string_view> main_data() const;
};

using WalTime = std::chrono::sys_time<std::chrono::microseconds>;

/// COMMIT or ROLLBACK, of a prepared transaction as well.
struct TransactionEnd {
    bool committed = false;
    bool prepared = false;
    std::uint32_t xid = 0;  ///< of the prepared transaction, not of the session that ends it
    WalTime time{};

    bool operator==(const TransactionEnd&) const = default;
};

struct Checkpoint {
    bool shutdown = false;  ///< or at the end of a recovery; else online
    Lsn redo{};
    Timeline timeline{};
    Timeline previous_timeline{};  ///< another one where this record begins the new timeline
    std::uint64_t next_xid = 0;    ///< not given away by then, with its epoch in the upper half
    WalTime time{};                ///< when the checkpoint began; whole seconds

    bool operator==(const Checkpoint&) const = default;
};

/// Begins a new timeline when a standby was promoted.
struct EndOfRecovery {
    Timeline timeline{};
    Timeline previous_timeline{};
    WalTime time{};

    bool operator==(const EndOfRecovery&) const = default;
};

struct RestorePoint {
    std::string name;
    WalTime time{};

    bool operator==(const RestorePoint&) const = default;
};

/// What a server that replays needs at least as high, written by a start with other values than before.
struct ParameterChange {
    int max_connections = 0;
    int max_worker_processes = 0;
    int max_wal_senders = 0;
    int max_prepared_transactions = 0;
    int max_locks_per_transaction = 0;
    int wal_level = 0;  ///< 0 minimal, 1 replica, 2 logical
    bool wal_log_hints = false;
    bool track_commit_timestamp = false;

    bool operator==(const ParameterChange&) const = default;
};

struct TablespaceCreated {
    std::uint32_t oid = 0;
    std::string path;  ///< empty: below pg_tblspc itself (allow_in_place_tablespaces)

    bool operator==(const TablespaceCreated&) const = default;
};

struct TablespaceDropped {
    std::uint32_t oid = 0;

    bool operator==(const TablespaceDropped&) const = default;
};

/// The rest of the segment is empty.
struct SegmentSwitch {
    bool operator==(const SegmentSwitch&) const = default;
};

/// One of the above by its number, whose content is not what PostgreSQL 13 to 18 write.
struct UnknownLayout {
    bool operator==(const UnknownLayout&) const = default;
};

struct OtherRecord {
    bool operator==(const OtherRecord&) const = default;
};

using WalEvent = std::variant<OtherRecord, TransactionEnd, Checkpoint, EndOfRecovery, RestorePoint, ParameterChange,
                              TablespaceCreated, TablespaceDropped, SegmentSwitch, UnknownLayout>;

/// What a record says.
WalEvent decode(const WalRecord& record);
/// XLOG_SWITCH: what follows in the segment is no WAL.
bool is_segment_switch(const WalRecord& record);
/// The record that stands for one whose rest a crash lost (XLOG_OVERWRITE_CONTRECORD): where that one starts.
std::optional<Lsn> lost_record(const WalRecord& record);

}  // namespace patroni_pgbackrest::postgres
