#include "pgbackrest/archive_names.hpp"

#include "system/text.hpp"

#include <cstdint>
#include <string_view>

namespace patroni_pgbackrest::pgbackrest {

bool is_directory_name(const std::string& name) {
    return name.size() == directory_digits && name.find_first_not_of("0123456789ABCDEF") == std::string::npos;
}

bool is_segment_file(const std::string& name) {
    return name.size() > segment_digits && name[segment_digits] == '-' &&
           postgres::is_segment_name(std::string_view(name).substr(0, segment_digits));
}

postgres::Timeline timeline_of(const std::string& name) {
    const auto number = system::number(std::string_view(name).substr(0, timeline_digits), 16);
    return postgres::Timeline{static_cast<std::uint32_t>(number.value_or(0))};
}

}  // namespace patroni_pgbackrest::pgbackrest
