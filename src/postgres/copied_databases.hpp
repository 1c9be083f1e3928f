#pragma once

#include "postgres/file_effects.hpp"
#include "postgres/wal.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// One tablespace's part of a database that is copied file by file. A replay copies the files that it finds
/// (dbase_redo in dbcommands.c): where they come from a backup, they may be later ones, or gone.
struct DatabaseCopy {
    Lsn at;                      ///< where the record begins
    std::uint32_t database = 0;  ///< that is made; of ALTER DATABASE SET TABLESPACE the source's own
    std::uint32_t source = 0, source_tablespace = 0;

    bool operator==(const DatabaseCopy&) const = default;
};

struct CopiedDatabases {
    std::vector<DatabaseCopy> copies{};
    /// The first of them whose source is changed or dropped behind it.
    std::optional<DatabaseCopy> changed{};
};

/// The copies `known` from earlier segments and those of this one, and what this one does to their sources: of the
/// records that begin before `end`. `before` as for file_effects(). All of the segment is read.
CopiedDatabases copied_databases(std::vector<DatabaseCopy> known, std::string_view before, const SegmentFile& file,
                                 SegmentSize size, Lsn end);

}  // namespace patroni_pgbackrest::postgres
