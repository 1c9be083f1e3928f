#pragma once

#include "postgres/wal.hpp"
#include "postgres/wal_record.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// A segment's file.
struct SegmentFile {
    Segment segment;
    std::string_view bytes;
};

/// Gives false to see no further record.
using VisitRecord = std::function<bool(const WalRecord& record)>;

/// The records of the segment before, whose bytes may be empty when they are not there, and of this one. Without the
/// former the record is not seen that goes on here.
void visit_records(std::string_view before, const SegmentFile& file, SegmentSize size, const VisitRecord& visit);

enum class EndOfReplay { none, before_it, behind_it };

/// Whether a replay ends with this record, and does not replay it, or is over behind it.
using EndsReplay = std::function<EndOfReplay(const WalRecord& record, const WalEvent& event)>;

/// What records do that is not confined to pages.
struct FileEffects {
    std::vector<std::string> tablespaces;  ///< the absolute paths of those that are made
    /// Where the last record begins whose replay gives something else the second time, when what came later has been
    /// replayed before: a database that is copied file by file (CREATE DATABASE with strategy file_copy, the only one
    /// before 15; ALTER DATABASE SET TABLESPACE), as the copied files are further on or gone, and a tablespace that is
    /// dropped, whose place another may have (dbase_redo in dbcommands.c, tblspc_redo in tablespace.c).
    std::optional<Lsn> only_once;
    /// Where the record before the first one begins that says that wal_level is minimal: tables that were made and
    /// filled from then on are not in the WAL. PostgreSQL 14 to 18 end there, and 13 goes on with a warning
    /// (CheckRequiredParameterValues in xlog.c and xlogrecovery.c).
    std::optional<Lsn> before_minimal;
};

/// Of the records in this segment, also of those that began in the segment before it, whose bytes may be empty when
/// they are not there; none behind a record of either with which the replay ends. No record is read where no record of
/// that kind can be: a look at a segment of 16 MB takes a few milliseconds.
FileEffects file_effects(std::string_view before, const SegmentFile& file, SegmentSize size,
                         const EndsReplay& ends_replay = {});

}  // namespace patroni_pgbackrest::postgres
