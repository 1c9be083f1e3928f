#include "wal_builder.hpp"

#include "postgres/crc32c.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <map>

using namespace patroni_pgbackrest::postgres;

namespace {

constexpr std::uint64_t page_size = 8192;

std::uint16_t magic_of(int major) {
    return std::map<int, std::uint16_t>{{13, 0xD106}, {14, 0xD10D}, {15, 0xD110},
                                        {16, 0xD113}, {17, 0xD116}, {18, 0xD118}}
        .at(major);
}

}  // namespace

Lsn WalBuilder::add(std::uint8_t manager, std::uint8_t info, std::uint32_t xid, const std::string& data) {
    std::string header;
    if (data.size() < 256) {
        header = raw<std::uint8_t>(255) + raw<std::uint8_t>(static_cast<std::uint8_t>(data.size()));
    } else {
        header = raw<std::uint8_t>(254) + raw<std::uint32_t>(static_cast<std::uint32_t>(data.size()));
    }
    return put(manager, info, xid, header + data);
}

Lsn WalBuilder::add_change(std::uint8_t manager, std::uint8_t info, std::uint32_t tablespace, std::uint32_t database,
                           const std::string& image) {
    const std::uint8_t has_image = image.empty() ? 0 : 0x10;
    const std::uint32_t relation = 16400, block = 7;
    return put(manager, info, 700,
               raw<std::uint8_t>(0) + raw(has_image) + raw<std::uint16_t>(0) + image + raw(tablespace) + raw(database) +
                   raw(relation) + raw(block));
}

Lsn WalBuilder::add_filler(std::uint32_t length) {
    return put(10, 0, 700, std::string(length - 24, 'x'));
}

void WalBuilder::fill_until(std::uint64_t left) {
    while (true) {
        const auto here = segment_size - position_ % segment_size;
        if (here <= left) {
            return;
        }
        add_filler(static_cast<std::uint32_t>(std::clamp<std::uint64_t>(here - left, 24, 4096)));
        position_ = (position_ + 7) / 8 * 8;
    }
}

Lsn WalBuilder::switch_segment() {
    const auto start = put(0, 0x40, 0, "");
    position_ = (position_ + segment_size - 1) / segment_size * segment_size;
    return start;
}

Lsn WalBuilder::overwrite(Lsn lost, std::uint64_t page) {
    position_ = page;
    flags_ = 8;
    return add(0, 0xD0, 0, raw(lost.value) + raw<std::int64_t>(0));
}

WalReader::BringSegment WalBuilder::bring() const {
    return [this](std::uint64_t number, std::uint64_t /*bytes*/) -> std::optional<std::string_view> {
        const auto found = segments.find(number);
        return found == segments.end() ? std::nullopt : std::optional<std::string_view>(found->second);
    };
}

WalReader::Expected WalBuilder::expected() const {
    return {.segment_size = SegmentSize{segment_size},
            .latest_timeline = Timeline{timeline},
            .system_identifier = std::to_string(identifier)};
}

char& WalBuilder::at(Lsn lsn) {
    return segments.at(lsn.value / segment_size).at(lsn.value % segment_size);
}

Lsn WalBuilder::put(std::uint8_t manager, std::uint8_t info, std::uint32_t xid, const std::string& body) {
    std::string bytes = raw(static_cast<std::uint32_t>(24 + body.size())) + raw(xid) + raw(previous_) + raw(info) +
                        raw(manager) + raw<std::uint16_t>(0);
    bytes += raw(crc32c(bytes, crc32c(body))) + body;
    position_ = (position_ + 7) / 8 * 8;
    std::string_view left = bytes;
    std::uint64_t start = 0;
    while (!left.empty()) {
        if (position_ % page_size == 0) {
            begin_page(start == 0 ? 0 : static_cast<std::uint32_t>(left.size()));
        }
        start = start == 0 ? position_ : start;
        const auto piece = left.substr(0, page_size - position_ % page_size);
        write(piece);
        left.remove_prefix(piece.size());
    }
    previous_ = start;
    return Lsn{start};
}

void WalBuilder::begin_page(std::uint32_t remaining) {
    const bool first = position_ % segment_size == 0;
    const auto flags = static_cast<std::uint16_t>((remaining > 0 ? 1 : 0) | (first ? 2 : 0) | flags_);
    flags_ = 0;
    write(raw(magic_of(major)) + raw(flags) + raw(timeline) + raw(position_) + raw(remaining) + raw<std::uint32_t>(0) +
          (first ? raw(identifier) + raw(static_cast<std::uint32_t>(segment_size)) +
                       raw(static_cast<std::uint32_t>(page_size))
                 : ""));
}

void WalBuilder::write(std::string_view bytes) {
    auto& segment = segments[position_ / segment_size];
    segment.resize(segment_size);
    segment.replace(position_ % segment_size, bytes.size(), bytes);
    position_ += bytes.size();
}

Reading read_all(const WalBuilder& wal, Lsn from) {
    WalReader reader(wal.expected(), wal.bring(), from);
    Reading reading;
    while (const auto* const record = reader.next()) {
        reading.starts.push_back(record->start);
        reading.ends.push_back(record->end);
    }
    CHECK(reader.next() == nullptr);
    reading.end = *reader.end();
    return reading;
}
