#include "patroni/data_directory.hpp"

#include "patroni/base_configuration.hpp"
#include "postgres/configuration.hpp"
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
    const auto directory =
        configuration ? base_configuration_path(*configuration, data_directory).parent_path() : data_directory;
    const auto lines = system::lines(system::read_file_if_present(directory / "pg_hba.conf").value_or(""));
    const bool is_opened = std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
        return line.starts_with("local\treplication\t") && line.ends_with("\t\ttrust");
    });
    if (!is_opened || !configuration || !configuration->hba_file) {
        return is_opened;
    }
    const auto file = directory / (configuration->config_base_name + ".conf");
    const auto settings = postgres::settings_of(system::read_file_if_present(file).value_or(""));
    return std::none_of(settings.begin(), settings.end(), [&](const postgres::Setting& setting) {
        return system::lower(setting.name) == "hba_file" && setting.value == configuration->hba_file->text;
    });
}

bool is_empty_for_patroni(const std::filesystem::path& data_directory) {
    return entries_for_patroni(data_directory).empty();
}

}  // namespace patroni_pgbackrest::patroni
