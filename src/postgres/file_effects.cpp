#include "postgres/file_effects.hpp"

#include "postgres/wal_page.hpp"
#include "postgres/wal_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <variant>

namespace patroni_pgbackrest::postgres {

namespace {

constexpr std::uint8_t tablespaces = 5;  // RM_TBLSPC_ID

/// A word of xl_info, xl_rmid and two bytes of padding that may be one of the wanted records: a database's copy, a
/// tablespace that is made (0x00) or dropped (0x10). The lower bits of xl_info are not the resource manager's (13 to
/// 18). Records start at multiples of eight bytes.
constexpr bool is_wanted(std::uint32_t word) {
    constexpr std::uint32_t relevant = 0xFFFFFFF0U;
    const auto kind = word & relevant;
    return kind == (tablespaces << 8U) || kind == ((tablespaces << 8U) | 0x10U) ||
           kind == ((WalRecord::databases << 8U) | WalRecord::copy_of_files);
}

constexpr bool is_change_of_parameters(std::uint32_t word) {
    constexpr std::uint32_t relevant = 0xFFFFFFF0U, parameter_change = 0x60;  // XLOG_PARAMETER_CHANGE of RM_XLOG_ID, 0
    return (word & relevant) == parameter_change;
}

/// The same of a change of parameters, which looks like any small number: its length is known.
bool may_be_change_of_parameters(std::string_view bytes, std::size_t at) {
    constexpr std::uint32_t length = WalRecord::header_size + 2 + 28;  // a short data header, xl_parameter_change
    const auto page_header = at < WalPage::size ? WalPage::long_header_size : WalPage::short_header_size;
    const auto in_page = at % WalPage::size;
    if (in_page < page_header) {
        return false;
    }
    const bool begins_before = in_page < page_header + WalRecord::info_offset;
    const auto back = WalRecord::info_offset + (begins_before ? page_header : 0);
    return at < back || number_at<std::uint32_t>(bytes, at - back) == length;
}

/// Whether what lies around a word that looks like it may be a record's header. Where a page begins, the header's first
/// part may lie in the page before.
bool may_be_header(std::string_view bytes, std::size_t at, Lsn start) {
    constexpr std::uint32_t longest = 2048;               // 24 bytes of header, the OID, and a path of up to MAXPGPATH
    constexpr std::uint64_t longest_before = 1ULL << 31;  // XLogRecordMaxSize, or a segment of 1 GB that was switched
    if (at % WalPage::size < WalPage::long_header_size + WalRecord::info_offset) {
        return true;
    }
    const auto length = number_at<std::uint32_t>(bytes, at - WalRecord::info_offset);
    const auto previous = number_at<std::uint64_t>(bytes, at - WalRecord::info_offset + WalRecord::previous_offset);
    const auto position = start.value + at;
    return length > WalRecord::header_size && length < longest && previous < position &&
           position - previous < longest_before;
}

/// `start` is where a page begins.
bool may_have_one(std::string_view bytes, Lsn start) {
    for (std::size_t at = 0; at + sizeof(std::uint64_t) <= bytes.size(); at += sizeof(std::uint64_t)) {
        const auto word = number_at<std::uint32_t>(bytes, at);
        if ((is_wanted(word) && may_be_header(bytes, at, start)) ||
            (is_change_of_parameters(word) && may_be_change_of_parameters(bytes, at))) {
            return true;
        }
    }
    return false;
}

}  // namespace

void visit_records(std::string_view before, const SegmentFile& file, SegmentSize size, const VisitRecord& visit) {
    const auto number = file.segment.number;
    const auto start = file.segment.start(size);
    const auto bring = [&](std::uint64_t asked, std::uint64_t /*bytes*/) -> std::optional<std::string_view> {
        if (asked == number) {
            return file.bytes;
        }
        return asked + 1 == number && !before.empty() ? std::optional(before) : std::nullopt;
    };
    const auto read_from = [&](Lsn from) {
        WalReader reader({size}, bring, from);
        while (const auto* record = reader.next()) {
            if (!visit(*record)) {
                return true;
            }
        }
        return reader.position() > start;
    };
    // What lies there may be of another branch, and end before.
    if (before.size() != size.bytes || !read_from(Lsn{start.value - size.bytes})) {
        read_from(start);
    }
}

FileEffects file_effects(std::string_view before, const SegmentFile& file, SegmentSize size,
                         const EndsReplay& ends_replay) {
    // Such a record is shorter than a page: one that goes on here began in the last page there.
    const auto last_page = before.substr(before.size() < WalPage::size ? before.size() : before.size() - WalPage::size);
    const auto start = file.segment.start(size);
    if (!may_have_one(last_page, Lsn{start.value - last_page.size()}) && !may_have_one(file.bytes, start)) {
        return {};
    }
    FileEffects effects;
    visit_records(before, file, size, [&](const WalRecord& record) {
        const auto event = decode(record);
        const auto end = ends_replay ? ends_replay(record, event) : EndOfReplay::none;
        if (end == EndOfReplay::before_it) {
            return false;
        }
        const auto* made = std::get_if<TablespaceCreated>(&event);
        if (made != nullptr && record.end > start && std::filesystem::path(made->path).is_absolute()) {
            effects.tablespaces.push_back(made->path);
        }
        if (record.end > start && (record.copies_database() || std::holds_alternative<TablespaceDropped>(event))) {
            effects.only_once = record.start;
        }
        const auto* change = std::get_if<ParameterChange>(&event);
        if (change != nullptr && record.end > start && change->wal_level == 0 && !effects.before_minimal) {
            effects.before_minimal = record.previous;
        }
        return end != EndOfReplay::behind_it;
    });
    return effects;
}

}  // namespace patroni_pgbackrest::postgres
