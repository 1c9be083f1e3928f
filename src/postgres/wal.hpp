#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::postgres {

/// A position in the WAL, written `16/B374D848`.
struct Lsn {
    std::uint64_t value = 0;

    /// Accepts only PostgreSQL's own form: two hexadecimal numbers of one to eight digits, with a slash between them.
    static std::optional<Lsn> parse(std::string_view text);
    std::string text() const;
    auto operator<=>(const Lsn&) const = default;
};

struct Timeline {
    std::uint32_t number = 0;

    std::string text() const;  ///< decimal
    /// `00000002.history`
    std::string history_file() const;
    auto operator<=>(const Timeline&) const = default;
};

/// Bytes in a WAL segment: a power of two from 1 MiB to 1 GiB; 16 MiB unless initdb was told otherwise.
struct SegmentSize {
    std::uint64_t bytes = 16ULL << 20;

    bool is_possible() const { return bytes >= (1ULL << 20) && bytes <= (1ULL << 30) && (bytes & (bytes - 1)) == 0; }
    bool operator==(const SegmentSize&) const = default;
};

/// A WAL segment file. Ordered by timeline, then number.
struct Segment {
    Timeline timeline;
    std::uint64_t number = 0;  ///< counted from LSN 0

    static Segment containing(Timeline timeline, Lsn lsn, SegmentSize size);
    /// 24 hexadecimal digits; empty for anything else (`.partial`, `.backup`, `.history`).
    static std::optional<Segment> parse(std::string_view name, SegmentSize size);
    std::string name(SegmentSize size) const;
    Lsn start(SegmentSize size) const { return Lsn{number * size.bytes}; }
    Lsn end(SegmentSize size) const { return Lsn{(number + 1) * size.bytes}; }
    Segment next() const { return Segment{timeline, number + 1}; }
    auto operator<=>(const Segment&) const = default;
};

bool is_segment_name(std::string_view name);
bool is_history_name(std::string_view name);

}  // namespace patroni_pgbackrest::postgres
