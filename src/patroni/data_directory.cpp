#include "patroni/data_directory.hpp"

#include "patroni/base_configuration.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
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

bool is_in_bootstrap(const std::filesystem::path& data_directory, const std::optional<Configuration>& configuration) {
    if (configuration && configuration->hba_file) {
        return false;
    }
    const auto directory =
        configuration ? base_configuration_path(*configuration, data_directory).parent_path() : data_directory;
    const auto content = system::read_file_if_present(directory / "pg_hba.conf");
    const auto lines = system::lines(content.value_or(""));
    return std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
        return line.starts_with("local\treplication\t") && line.ends_with("\t\ttrust");
    });
}

bool is_empty_for_patroni(const std::filesystem::path& data_directory) {
    return entries_for_patroni(data_directory).empty();
}

}  // namespace patroni_pgbackrest::patroni
