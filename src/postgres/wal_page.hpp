#pragma once

#include "postgres/wal.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::postgres {

/// A number as it lies in the WAL: in the byte order of the server, which is this machine's. `bytes` must reach that
/// far.
template <typename Number>
Number number_at(std::string_view bytes, std::size_t offset) {
    Number number{};
    std::memcpy(&number, bytes.data() + offset, sizeof number);
    return number;
}

/// The header of a WAL page (XLogPageHeaderData in xlog_internal.h: the same from PostgreSQL 13 to 18).
struct WalPage {
    /// As PostgreSQL is built by every distribution; pgBackRest knows no other.
    static constexpr std::uint64_t size = 8192;
    static constexpr std::size_t short_header_size = 24, long_header_size = 40;

    /// What the first page of a segment file tells in addition (XLogLongPageHeaderData).
    struct File {
        std::string system_identifier;
        SegmentSize segment_size;

        bool operator==(const File&) const = default;
    };

    int major = 0;  ///< PostgreSQL's major version: each has a magic number of its own
    /// That began the page. A new timeline takes the parent's file over up to the fork, and the page with the fork
    /// keeps the parent's: its first records lie on a page that is not yet its own.
    Timeline timeline;
    Lsn address;
    bool continues = false;       ///< begins with the rest of a record
    bool overwrites = false;      ///< its first record is there instead of a rest that was lost
    std::uint32_t remaining = 0;  ///< bytes of the rest, from this page on
    std::optional<File> file;

    std::size_t header_size() const { return file ? long_header_size : short_header_size; }
    bool operator==(const WalPage&) const = default;

    /// From the beginning of a page, or of a segment. Empty when that is no page of PostgreSQL 13 to 18: another magic
    /// number, unknown flags, another page size, an impossible segment size, too few bytes.
    static std::optional<WalPage> read(std::string_view bytes);
};

}  // namespace patroni_pgbackrest::postgres
