#include "postgres/wal_page.hpp"

namespace patroni_pgbackrest::postgres {

namespace {

// xlp_info
constexpr std::uint16_t first_is_continuation = 1, long_header = 2, backup_removable = 4, first_is_overwrite = 8;
constexpr std::uint16_t known_flags = first_is_continuation | long_header | backup_removable | first_is_overwrite;

int major_of_magic(std::uint16_t magic) {
    switch (magic) {
    case 0xD106:
        return 13;
    case 0xD10D:
        return 14;
    case 0xD110:
        return 15;
    case 0xD113:
        return 16;
    case 0xD116:
        return 17;
    case 0xD118:
        return 18;
    default:
        return 0;
    }
}

}  // namespace

std::optional<WalPage> WalPage::read(std::string_view bytes) {
    WalPage page;
    if (bytes.size() < page.header_size()) {
        return {};
    }
    const auto flags = number_at<std::uint16_t>(bytes, 2);
    page.major = major_of_magic(number_at<std::uint16_t>(bytes, 0));
    if (page.major == 0 || (flags & ~known_flags) != 0) {
        return {};
    }
    page.timeline = Timeline{number_at<std::uint32_t>(bytes, 4)};
    page.address = Lsn{number_at<std::uint64_t>(bytes, 8)};
    page.remaining = number_at<std::uint32_t>(bytes, 16);
    page.continues = (flags & first_is_continuation) != 0;
    page.overwrites = (flags & first_is_overwrite) != 0;
    if ((flags & long_header) != 0) {
        page.file.emplace();
        if (bytes.size() < page.header_size()) {
            return {};
        }
        const std::uint64_t segment_size = number_at<std::uint32_t>(bytes, 32);
        const std::uint64_t page_size = number_at<std::uint32_t>(bytes, 36);
        if (!SegmentSize{segment_size}.is_possible() || page_size != size) {
            return {};
        }
        page.file->system_identifier = std::to_string(number_at<std::uint64_t>(bytes, 24));
        page.file->segment_size = SegmentSize{segment_size};
    }
    return page;
}

}  // namespace patroni_pgbackrest::postgres
