#include "postgres/copied_databases.hpp"

#include "postgres/wal_page.hpp"
#include "postgres/wal_record.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace patroni_pgbackrest::postgres {

namespace {

constexpr std::uint8_t rm_xlog = 0;             // RM_XLOG_ID
constexpr std::uint8_t image_for_hints = 0xA0;  // XLOG_FPI_FOR_HINT: the rows stay as they are

/// A database's directory in a tablespace.
struct Directory {
    std::uint32_t tablespace = 0, database = 0;

    bool is_source_of(const DatabaseCopy& copy) const {
        return database == copy.source && tablespace == copy.source_tablespace;
    }
};

/// Where the first block lies that a record changes, and so all of them: they are of one relation.
/// XLogRecordBlockHeader comes first in a record, then XLogRecordBlockImageHeader where an image is there
/// (xlogrecord.h).
std::optional<Directory> directory_of_blocks(const WalRecord& record) {
    constexpr std::uint8_t greatest_block = 32, has_image = 0x10, has_hole = 0x01;
    const std::uint8_t is_compressed = record.major >= 15 ? 0x1C : 0x02;
    constexpr std::size_t block_header = 4, image_header = 5, hole_length = 2, locator = 8;
    const auto bytes = record.bytes.substr(std::min(WalRecord::header_size, record.bytes.size()));
    if (bytes.size() < block_header + image_header + hole_length + locator ||
        number_at<std::uint8_t>(bytes, 0) > greatest_block) {
        return std::nullopt;
    }
    auto at = block_header;
    if ((number_at<std::uint8_t>(bytes, 1) & has_image) != 0) {
        at += image_header;
        const auto image = number_at<std::uint8_t>(bytes, at - 1);
        at += (image & has_hole) != 0 && (image & is_compressed) != 0 ? hole_length : 0;
    }
    return Directory{number_at<std::uint32_t>(bytes, at), number_at<std::uint32_t>(bytes, at + 4)};
}

/// xl_dbase_create_rec, since 15 xl_dbase_create_file_copy_rec.
std::optional<DatabaseCopy> copy_in(const WalRecord& record) {
    const auto data = record.main_data().value_or("");
    if (!record.copies_database() || data.size() < 16) {
        return std::nullopt;
    }
    return DatabaseCopy{record.start, number_at<std::uint32_t>(data, 0), number_at<std::uint32_t>(data, 8),
                        number_at<std::uint32_t>(data, 12)};
}

/// xl_dbase_drop_rec: the database, the number of tablespaces, the tablespaces.
bool drops_source(const WalRecord& record, const DatabaseCopy& copy) {
    const std::uint8_t drop = record.major >= 15 ? 0x20 : 0x10;
    const auto data = record.main_data().value_or("");
    if (record.resource_manager != WalRecord::databases || record.info != drop || data.size() < 8) {
        return false;
    }
    const auto database = number_at<std::uint32_t>(data, 0);
    const std::size_t count = std::min<std::size_t>(number_at<std::uint32_t>(data, 4), data.size() / 4 - 2);
    for (std::size_t number = 0; number < count; ++number) {
        if (Directory{number_at<std::uint32_t>(data, 8 + 4 * number), database}.is_source_of(copy)) {
            return true;
        }
    }
    return false;
}

bool changes_source(const WalRecord& record, const DatabaseCopy& copy) {
    if (record.start <= copy.at || (record.resource_manager == rm_xlog && record.info == image_for_hints)) {
        return false;
    }
    const auto changed = directory_of_blocks(record);
    return changed ? changed->is_source_of(copy) : drops_source(record, copy);
}

}  // namespace

CopiedDatabases copied_databases(std::vector<DatabaseCopy> known, std::string_view before, const SegmentFile& file,
                                 SegmentSize size, Lsn end) {
    CopiedDatabases found{std::move(known), std::nullopt};
    const auto start = file.segment.start(size);
    visit_records(before, file, size, [&](const WalRecord& record) {
        if (record.start >= end) {
            return false;
        }
        if (record.end <= start) {
            return true;
        }
        const auto changed = std::find_if(found.copies.begin(), found.copies.end(),
                                          [&](const auto& copy) { return changes_source(record, copy); });
        if (changed != found.copies.end()) {
            found.changed = *changed;
            return false;
        }
        const auto copy = copy_in(record);
        if (copy && std::find(found.copies.begin(), found.copies.end(), *copy) == found.copies.end()) {
            found.copies.push_back(*copy);
        }
        return true;
    });
    return found;
}

}  // namespace patroni_pgbackrest::postgres
