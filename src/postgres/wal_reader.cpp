#include "postgres/wal_reader.hpp"

#include "postgres/crc32c.hpp"

#include <algorithm>
#include <utility>

namespace patroni_pgbackrest::postgres {

namespace {

// XLogRecordMaxSize since 16; the versions before cannot read longer ones either (MaxAllocSize).
constexpr std::uint32_t longest_record = 1020U << 20;
// In XLogRecord: xl_tot_len 4, xl_xid 4, xl_prev 8, xl_info 1, xl_rmid 1, padding 2, xl_crc 4.
constexpr std::size_t xid_offset = 4, manager_offset = 17, checksum_offset = 20;
constexpr std::uint8_t info_of_manager = 0xF0;  // ~XLR_INFO_MASK

constexpr std::uint64_t offset_in_page(Lsn lsn) {
    return lsn.value % WalPage::size;
}

constexpr Lsn page_with(Lsn lsn) {
    return Lsn{lsn.value - offset_in_page(lsn)};
}

constexpr Lsn behind(Lsn lsn, std::uint64_t bytes) {
    return Lsn{lsn.value + bytes};
}

/// Records start at multiples of eight bytes (MAXALIGN).
constexpr std::uint64_t padded(std::uint64_t length) {
    return (length + 7) / 8 * 8;
}

bool is_zeros(std::string_view bytes) {
    return bytes.find_first_not_of('\0') == std::string_view::npos;
}

}  // namespace

WalReader::WalReader(Expected expected, BringSegment bring, Lsn from)
    : expected_(std::move(expected)), bring_(std::move(bring)), from_(from), position_(from) {}

const WalRecord* WalReader::next() {
    if (end_ || (!last_ && !skip_rest_of_record()) || !read()) {
        return nullptr;
    }
    last_ = record_.start;
    position_ = record_.end;
    return &record_;
}

bool WalReader::skip_rest_of_record() {
    while (offset_in_page(position_) == 0) {
        if (!open_page(position_)) {
            return false;
        }
        if (!page_->continues) {
            return true;
        }
        const auto rest = page_->header_size() + padded(page_->remaining);
        position_ = behind(position_, std::min(rest, WalPage::size));
    }
    return true;
}

bool WalReader::read() {
    overwritten_.reset();
    Lsn from = position_;
    while (!read_from(from)) {
        if (end_) {
            return false;
        }
        // A crash lost the rest of that record, and the server went on at the page where the rest should be.
        from = page_->address;
    }
    return true;
}

bool WalReader::read_from(Lsn from) {
    inside_record_ = false;
    const Lsn page = page_with(from);
    if (!open_page(page)) {
        return false;
    }
    const Lsn first = behind(page, page_->header_size());
    const Lsn start = from == page ? first : from;
    if (start < first || start.value % 8 != 0 || (start == first && page_->continues)) {
        return stop(WalEndReason::broken_record, start);
    }
    const auto here = page_bytes_.substr(std::min<std::size_t>(offset_in_page(start), page_bytes_.size()));
    if (here.size() < sizeof(std::uint32_t)) {
        return stop(WalEndReason::short_segment, start);
    }
    const auto length = number_at<std::uint32_t>(here, 0);
    if (length == 0) {
        return stop(WalEndReason::zeros, start);
    }
    if (length < WalRecord::header_size || length > longest_record) {
        return stop(WalEndReason::wrong_length, start);
    }
    record_.start = start;
    record_.timeline = page_->timeline;
    record_.major = page_->major;
    const auto room = WalPage::size - offset_in_page(start);
    if (here.size() < std::min<std::uint64_t>(length, room)) {
        inside_record_ = true;
        return stop(WalEndReason::short_segment, start);
    }
    record_.bytes = here.substr(0, length);
    record_.end = behind(start, padded(length));
    return (length <= room || gather(length)) && accept();
}

/// The rest of a record from the pages that follow.
bool WalReader::gather(std::uint32_t length) {
    inside_record_ = true;
    gathered_ = record_.bytes;
    Lsn page = page_with(record_.start);
    while (gathered_.size() < length) {
        // Before any other page is asked for: what looks like a record may be what was there long ago.
        if (gathered_.size() >= WalRecord::header_size && !is_linked(gathered_)) {
            return false;
        }
        page = behind(page, WalPage::size);
        if (!open_page(page)) {
            return false;
        }
        if (page_->overwrites) {
            overwritten_ = record_.start;
            return false;
        }
        if (!page_->continues || page_->remaining != length - gathered_.size()) {
            return stop(WalEndReason::broken_record, page);
        }
        const auto piece = std::min<std::size_t>(page_->remaining, WalPage::size - page_->header_size());
        if (page_bytes_.size() < page_->header_size() + piece) {
            return stop(WalEndReason::short_segment, page);
        }
        gathered_ += page_bytes_.substr(page_->header_size(), piece);
    }
    inside_record_ = false;
    record_.bytes = gathered_;
    record_.end = behind(page, page_->header_size() + padded(page_->remaining));
    return true;
}

bool WalReader::accept() {
    const auto bytes = record_.bytes;
    if (!is_linked(bytes)) {
        return false;
    }
    const auto checksum = crc32c(bytes.substr(0, checksum_offset), crc32c(bytes.substr(WalRecord::header_size)));
    if (checksum != number_at<std::uint32_t>(bytes, checksum_offset)) {
        return stop(WalEndReason::wrong_checksum, record_.start);
    }
    record_.xid = number_at<std::uint32_t>(bytes, xid_offset);
    record_.previous = Lsn{number_at<std::uint64_t>(bytes, WalRecord::previous_offset)};
    record_.info = number_at<std::uint8_t>(bytes, WalRecord::info_offset) & info_of_manager;
    record_.resource_manager = number_at<std::uint8_t>(bytes, manager_offset);
    if (overwritten_ && lost_record(record_) != overwritten_) {
        return stop(WalEndReason::broken_record, record_.start);
    }
    if (is_segment_switch(record_)) {
        const auto size = expected_.segment_size.bytes;
        record_.end = Lsn{(record_.end.value + size - 1) / size * size};
    }
    return true;
}

bool WalReader::is_linked(std::string_view header) {
    const Lsn previous{number_at<std::uint64_t>(header, WalRecord::previous_offset)};
    // The first record that begins behind `from_` follows one that began before it.
    if (last_ ? previous == *last_ : previous < from_) {
        return true;
    }
    inside_record_ = false;
    return stop(WalEndReason::wrong_previous, record_.start);
}

bool WalReader::open_page(Lsn address) {
    if (page_ && page_->address == address) {
        return true;
    }
    const auto number = address.value / expected_.segment_size.bytes;
    if (number_ != number) {
        const auto segment = bring_(number, WalPage::size);
        if (!segment) {
            return stop(WalEndReason::no_segment, address);
        }
        segment_ = segment->substr(0, expected_.segment_size.bytes);
        number_ = number;
        is_all_ = false;
    }
    if (const auto reason = look_at_page(address)) {
        return stop(*reason, address);
    }
    page_bytes_ = bytes_of_page(address);
    return true;
}

/// As XLogReaderValidatePageHeader does. Sets page_ when nothing is wrong with it.
std::optional<WalEndReason> WalReader::look_at_page(Lsn address) {
    const auto bytes = bytes_of_page(address);
    const bool first = address.value % expected_.segment_size.bytes == 0;
    const std::size_t header_size = first ? WalPage::long_header_size : WalPage::short_header_size;
    if (bytes.size() < header_size) {
        return WalEndReason::short_segment;
    }
    if (is_zeros(bytes.substr(0, header_size))) {
        return WalEndReason::zeros;
    }
    auto page = WalPage::read(bytes);
    if (!page || page->file.has_value() != first || (page_ && page->major != page_->major)) {
        return WalEndReason::not_a_page;
    }
    if (first) {
        if (expected_.system_identifier.empty()) {
            expected_.system_identifier = page->file->system_identifier;
        }
        if (*page->file != WalPage::File{expected_.system_identifier, expected_.segment_size}) {
            return WalEndReason::other_cluster;
        }
    }
    if (page->address != address) {
        return WalEndReason::other_place;
    }
    if (page->timeline > expected_.latest_timeline || (page_ && page->timeline < page_->timeline)) {
        return WalEndReason::other_timeline;
    }
    page_ = std::move(page);
    return {};
}

std::string_view WalReader::bytes_of_page(Lsn address) {
    const auto offset = address.value % expected_.segment_size.bytes;
    const auto wanted = offset + WalPage::size;
    if (segment_.size() < wanted && !is_all_) {
        segment_ = bring_(*number_, wanted).value_or(std::string_view()).substr(0, expected_.segment_size.bytes);
        is_all_ = segment_.size() < wanted;
    }
    return segment_.substr(std::min<std::size_t>(offset, segment_.size()), WalPage::size);
}

bool WalReader::stop(WalEndReason reason, Lsn at) {
    Lsn behind_it = at;
    switch (reason) {
    case WalEndReason::wrong_checksum:
        behind_it = record_.end;
        break;
    // Nobody knows where that record ends.
    case WalEndReason::short_segment:
    case WalEndReason::wrong_length:
    case WalEndReason::wrong_previous:
        behind_it = behind(page_with(at), WalPage::size);
        break;
    default:
        break;
    }
    end_ = WalEnd{.reason = reason,
                  .valid_until = position_,
                  .at = at,
                  .inside_record = inside_record_,
                  .more_behind = more_from(behind_it)};
    return false;
}

/// Whether pages of this stream follow in the segment at hand. A server makes pages ready before it puts records into
/// them: a header alone is nothing.
bool WalReader::more_from(Lsn from) {
    const auto size = expected_.segment_size.bytes;
    if (!number_ || from.value / size != *number_) {
        return false;
    }
    for (Lsn address = page_with(from); address.value / size == *number_; address = behind(address, WalPage::size)) {
        const auto bytes = bytes_of_page(address);
        const auto page = WalPage::read(bytes);
        if (!page || page->address != address || page->timeline > expected_.latest_timeline ||
            (page_ && page->timeline < page_->timeline)) {
            continue;
        }
        const auto skipped = std::max<std::uint64_t>(page->header_size(), address < from ? offset_in_page(from) : 0);
        if (skipped < bytes.size() && !is_zeros(bytes.substr(skipped))) {
            return true;
        }
    }
    return false;
}

}  // namespace patroni_pgbackrest::postgres
