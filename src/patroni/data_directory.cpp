#include "patroni/data_directory.hpp"

#include "system/file.hpp"

#include <algorithm>
#include <system_error>

namespace patroni_pgbackrest::patroni {

bool is_empty_for_patroni(const std::filesystem::path& data_directory) {
    std::error_code error;
    if (std::filesystem::status(data_directory, error).type() == std::filesystem::file_type::not_found) {
        return true;
    }
    const std::vector<std::string> names = system::entries(data_directory);
    return std::all_of(names.begin(), names.end(),
                       [](const std::string& name) { return name.front() == '.' || name == "lost+found"; });
}

}  // namespace patroni_pgbackrest::patroni
