#include "postgres/wal.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest::postgres {

namespace {

bool is_hexadecimal(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char character) {
        return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'F');
    });
}

std::optional<std::uint64_t> half_of_lsn(std::string_view text) {
    if (text.empty() || text.size() > 8) {
        return {};
    }
    return system::number(text, 16);
}

}  // namespace

std::optional<Lsn> Lsn::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) {
        return {};
    }
    const auto high = half_of_lsn(text.substr(0, slash));
    const auto low = half_of_lsn(text.substr(slash + 1));
    if (!high || !low) {
        return {};
    }
    return Lsn{*high << 32 | *low};
}

std::string Lsn::text() const {
    return fmt::format("{:X}/{:X}", value >> 32, value & 0xFFFFFFFF);
}

std::string Timeline::text() const {
    return fmt::format("{}", number);
}

std::string Timeline::history_file() const {
    return fmt::format("{:08X}.history", number);
}

Segment Segment::containing(Timeline timeline, Lsn lsn, SegmentSize size) {
    return Segment{timeline, lsn.value / size.bytes};
}

std::optional<Segment> Segment::parse(std::string_view name, SegmentSize size) {
    if (!is_segment_name(name)) {
        return {};
    }
    const auto timeline = *system::number(name.substr(0, 8), 16);
    const auto high = *system::number(name.substr(8, 8), 16);
    const auto low = *system::number(name.substr(16, 8), 16);
    const auto segments_per_high = (1ULL << 32) / size.bytes;
    if (low >= segments_per_high) {
        return {};
    }
    return Segment{Timeline{static_cast<std::uint32_t>(timeline)}, high * segments_per_high + low};
}

std::string Segment::name(SegmentSize size) const {
    const auto segments_per_high = (1ULL << 32) / size.bytes;
    return fmt::format("{:08X}{:08X}{:08X}", timeline.number, number / segments_per_high, number % segments_per_high);
}

bool is_segment_name(std::string_view name) {
    return name.size() == 24 && is_hexadecimal(name);
}

bool is_history_name(std::string_view name) {
    constexpr std::string_view suffix = ".history";
    return name.size() == 8 + suffix.size() && is_hexadecimal(name.substr(0, 8)) && name.substr(8) == suffix;
}

}  // namespace patroni_pgbackrest::postgres
