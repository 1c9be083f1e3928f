#include "pgbackrest/archive_names.hpp"

#include "system/text.hpp"

#include <cstdint>
#include <string_view>

namespace patroni_pgbackrest::pgbackrest {

namespace {

/// What follows the segment's 24 digits: `-25846c51366d46035ad434d0252006e8137fb775.gz`. A killed push leaves
/// NAME-SHA1.gz.pgbackrest.tmp behind forever, for example when a primary dies.
bool is_checksum_and_ending(std::string_view text) {
    constexpr std::size_t sha1_digits = 40, end_of_sha1 = 1 + sha1_digits;
    if (text.size() < end_of_sha1 || text.front() != '-') {
        return false;
    }
    const auto ending = text.substr(end_of_sha1);
    return text.substr(1, sha1_digits).find_first_not_of("0123456789abcdef") == std::string_view::npos &&
           (ending.empty() || (ending.front() == '.' && ending.find('.', 1) == std::string_view::npos));
}

}  // namespace

bool is_directory_name(const std::string& name) {
    return name.size() == directory_digits && name.find_first_not_of("0123456789ABCDEF") == std::string::npos;
}

bool is_segment_file(const std::string& name) {
    const std::string_view text = name;
    return postgres::is_segment_name(text.substr(0, segment_digits)) &&
           is_checksum_and_ending(text.substr(segment_digits));
}

bool is_partial_file(const std::string& name) {
    constexpr std::string_view partial = ".partial";
    const std::string_view text = name;
    return postgres::is_segment_name(text.substr(0, segment_digits)) &&
           text.substr(segment_digits).starts_with(partial) &&
           is_checksum_and_ending(text.substr(segment_digits + partial.size()));
}

postgres::Timeline timeline_of(const std::string& name) {
    const auto number = system::number(std::string_view(name).substr(0, timeline_digits), 16);
    return postgres::Timeline{static_cast<std::uint32_t>(number.value_or(0))};
}

}  // namespace patroni_pgbackrest::pgbackrest
