#pragma once

#include "pgbackrest/archive.hpp"
#include "pgbackrest/command_line.hpp"
#include "pgbackrest/retry.hpp"
#include "postgres/segment_facts.hpp"
#include "postgres/wal.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace patroni_pgbackrest {

/// Where a record lies; its end may be in a later segment.
struct RecordPlace {
    postgres::Lsn start, end;
};

/// What the archive's files themselves say. Each is fetched when it is first asked about.
class ArchivedWal {
  public:
    ArchivedWal() = default;
    ArchivedWal(const ArchivedWal&) = delete;
    ArchivedWal& operator=(const ArchivedWal&) = delete;
    virtual ~ArchivedWal() = default;

    /// Of a segment, by its name, or of a partial one (`….partial`). Throws Failure when the file cannot be read, or is
    /// of another cluster.
    virtual const postgres::SegmentFacts& facts(const std::string& name) = 0;
    /// Where a transaction ends in that segment; empty when it does not.
    virtual std::optional<postgres::Lsn> end_of_transaction(const std::string& name, std::uint32_t xid) = 0;
    /// The first record of that segment that begins at an LSN or behind it; empty when there is none.
    virtual std::optional<RecordPlace> first_record_from(const std::string& name, postgres::Lsn position) = 0;
};

/// Whether `read` could read what it wanted. A file that stays unreadable is said as a warning; any other Failure
/// passes through.
bool could_read(const std::function<void()>& read);

/// Reads them with pgBackRest.
class RepositoryWal final : public ArchivedWal {
  public:
    RepositoryWal(pgbackrest::Pgbackrest pgbackrest, pgbackrest::RetryPolicy retry,
                  const pgbackrest::ArchiveContent& archive, postgres::SegmentSize size, std::string system_identifier);

    const postgres::SegmentFacts& facts(const std::string& name) override;
    std::optional<postgres::Lsn> end_of_transaction(const std::string& name, std::uint32_t xid) override;
    std::optional<RecordPlace> first_record_from(const std::string& name, postgres::Lsn position) override;

  private:
    /// Of a segment, or of a partial one.
    struct Kept {
        std::string name, content;
    };

    /// Each record that begins in the segment, until `visit` returns true.
    void visit_records(const std::string& name, const std::function<bool(const postgres::WalRecord&)>& visit);
    postgres::SegmentFacts read(const std::string& name);
    /// At least the first `wanted` of a segment that is that long, until the next call.
    std::string_view bytes(const std::string& name, std::uint64_t wanted);
    static Kept beginning_of(Kept segment);
    pgbackrest::ArchivedFile file(const std::string& name) const;
    postgres::WalReader::Expected expected(const postgres::Segment& segment) const;
    postgres::WalReader::BringSegment following(const postgres::Segment& segment);

    pgbackrest::Pgbackrest pgbackrest_;
    pgbackrest::RetryPolicy retry_;
    pgbackrest::ArchivedFiles segments_;
    std::map<std::string, pgbackrest::ArchivedFile> partials_;
    std::set<postgres::Timeline> timelines_;
    std::set<std::string> contradictory_;  // segments of which there are several: which one is right is not known
    postgres::SegmentSize size_;
    std::string system_identifier_;
    std::map<std::string, postgres::SegmentFacts> known_;
    Kept last_;       // the segment that was fetched last
    Kept beginning_;  // of the one that was fetched before it: a record may begin in one and end in the other
};

}  // namespace patroni_pgbackrest
