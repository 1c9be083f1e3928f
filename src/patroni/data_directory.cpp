#include "patroni/data_directory.hpp"

#include "system/file.hpp"

#include <system_error>

namespace patroni_pgbackrest::patroni {

std::vector<std::string> entries_for_patroni(const std::filesystem::path& data_directory) {
    std::error_code error;
    if (std::filesystem::status(data_directory, error).type() == std::filesystem::file_type::not_found) {
        return {};
    }
    auto names = system::entries(data_directory);
    std::erase_if(names, [](const std::string& name) { return name.front() == '.' || name == "lost+found"; });
    return names;
}

bool is_empty_for_patroni(const std::filesystem::path& data_directory) {
    return entries_for_patroni(data_directory).empty();
}

}  // namespace patroni_pgbackrest::patroni
