#include "pgbackrest/archive_names.hpp"

#include "system/text.hpp"

#include <cstdint>
#include <string_view>

namespace patroni_pgbackrest::pgbackrest {

bool is_directory_name(const std::string& name) {
    return name.size() == directory_digits && name.find_first_not_of("0123456789ABCDEF") == std::string::npos;
}

// A killed push leaves NAME-SHA1.gz.pgbackrest.tmp behind forever, for example when a primary dies.
bool is_segment_file(const std::string& name) {
    constexpr std::size_t sha1_digits = 40, end_of_sha1 = segment_digits + 1 + sha1_digits;
    if (name.size() < end_of_sha1 || name[segment_digits] != '-' ||
        !postgres::is_segment_name(std::string_view(name).substr(0, segment_digits))) {
        return false;
    }
    const auto sha1 = std::string_view(name).substr(segment_digits + 1, sha1_digits);
    const auto ending = std::string_view(name).substr(end_of_sha1);
    return sha1.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
           (ending.empty() || (ending.front() == '.' && ending.find('.', 1) == std::string_view::npos));
}

postgres::Timeline timeline_of(const std::string& name) {
    const auto number = system::number(std::string_view(name).substr(0, timeline_digits), 16);
    return postgres::Timeline{static_cast<std::uint32_t>(number.value_or(0))};
}

}  // namespace patroni_pgbackrest::pgbackrest
