#pragma once

#include "postgres/wal.hpp"
#include "postgres/wal_end.hpp"
#include "postgres/wal_page.hpp"
#include "postgres/wal_record.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::postgres {

/// Reads the records of a stretch of WAL in order, as PostgreSQL does for its replay (xlogreader.c), and ends where
/// PostgreSQL would end. No content makes it throw.
class WalReader {
  public:
    /// The first `bytes` or more of the segment with that number, counted from LSN 0; fewer when it is shorter, nothing
    /// when there is none. They must stay until the next call or the reader's end. Called only for a segment that is
    /// needed, and for the same one again only for more of it; what it throws passes through.
    using BringSegment = std::function<std::optional<std::string_view>(std::uint64_t number, std::uint64_t bytes)>;

    struct Expected {
        SegmentSize segment_size;
        Timeline latest_timeline{UINT32_MAX};  ///< no page may have a later one: that of the file's name, as a rule
        std::string system_identifier{};       ///< empty: the one that the first file tells
    };

    /// `from` is the start of a page, as a rule that of a segment: the first record is the one that begins there or
    /// behind it. Or `from` is exactly where a record starts.
    WalReader(Expected expected, BringSegment bring, Lsn from);

    /// The next record, valid until the next call; nullptr at the end, however often it is called then.
    const WalRecord* next();
    /// Where the last record ended, so the next one begins.
    Lsn position() const { return position_; }
    /// Set once next() has given nullptr.
    const std::optional<WalEnd>& end() const { return end_; }

  private:
    // Each of these gives false after stop().
    bool skip_rest_of_record();
    bool read();
    bool read_from(Lsn from);  // or after it has found the rest of a record overwritten
    bool gather(std::uint32_t length);
    bool accept();
    bool is_linked(std::string_view header);
    bool open_page(Lsn address);
    bool stop(WalEndReason reason, Lsn at);

    std::optional<WalEndReason> look_at_page(Lsn address);
    std::string_view bytes_of_page(Lsn address);
    bool more_from(Lsn from);

    Expected expected_;
    BringSegment bring_;
    Lsn from_, position_;
    std::optional<Lsn> last_;  // start of the last record
    std::optional<std::uint64_t> number_;
    std::string_view segment_;  // with that number, or its beginning
    bool is_all_ = false;       // of it
    std::optional<WalPage> page_;
    std::string_view page_bytes_;
    WalRecord record_;
    std::string gathered_;  // its bytes, when it lies on several pages
    bool inside_record_ = false;
    std::optional<Lsn> overwritten_;
    std::optional<WalEnd> end_;
};

}  // namespace patroni_pgbackrest::postgres
