#include "replay/position.hpp"

#include "postgres/wal_reader.hpp"

#include <cstdint>
#include <fstream>
#include <string_view>
#include <variant>

namespace patroni_pgbackrest {

namespace {

std::string beginning_of(const std::filesystem::path& path) {
    constexpr std::size_t most = 1UL << 20;
    std::string bytes(most, '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(file.gcount()));
    return bytes;
}

/// The first commit or abort in the first MiB of a segment's file, which is read in a millisecond. Empty where there is
/// none, or no such file.
std::optional<postgres::WalTime> first_commit_in(const std::filesystem::path& file, const postgres::Segment& segment,
                                                 postgres::SegmentSize size) {
    const auto bytes = beginning_of(file);
    const auto bring = [&](std::uint64_t number, std::uint64_t /*bytes*/) {
        return number == segment.number ? std::optional<std::string_view>(bytes) : std::nullopt;
    };
    postgres::WalReader reader({.segment_size = size, .latest_timeline = segment.timeline}, bring, segment.start(size));
    while (const auto* record = reader.next()) {
        const auto event = postgres::decode(*record);
        if (const auto* ended = std::get_if<postgres::TransactionEnd>(&event)) {
            return ended->time;
        }
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::size_t> segments_before(const PlannedWal& planned, const std::string& segment,
                                           postgres::SegmentSize size) {
    const auto wanted = postgres::Segment::parse(segment, size);
    std::size_t before = 0;
    std::uint64_t end = 0;
    for (const auto& range : planned.ranges) {
        const auto first = postgres::Segment::parse(range.first, size);
        const auto last = postgres::Segment::parse(range.last, size);
        if (!wanted || !first || !last) {
            return std::nullopt;
        }
        if (before == 0 && wanted->number < first->number) {
            return 0;
        }
        if (wanted->timeline == first->timeline && *first <= *wanted && *wanted <= *last) {
            return before + (wanted->number - first->number);
        }
        before += last->number - first->number + 1;
        end = last->number;
    }
    return wanted && wanted->number > end ? std::optional(before) : std::nullopt;
}

std::optional<ReplayPosition> position_at(const PlannedWal& planned, const std::string& segment,
                                          postgres::SegmentSize size, const std::filesystem::path& data_directory) {
    const auto parsed = postgres::Segment::parse(segment, size);
    if (!parsed) {
        return std::nullopt;
    }
    return ReplayPosition{segment, parsed->start(size), segments_before(planned, segment, size),
                          first_commit_in(data_directory / "pg_wal" / segment, *parsed, size)};
}

}  // namespace patroni_pgbackrest
