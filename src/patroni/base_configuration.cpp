#include "patroni/base_configuration.hpp"

#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/refusal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>

namespace patroni_pgbackrest::patroni {

namespace {

namespace fs = std::filesystem;

constexpr auto block_title = "patroni_pgbackrest: recovery under way, removed at its end";

/// The rest of `path` after `directory`; empty if `path` is not in it.
std::optional<fs::path> relative_to(const fs::path& path, const fs::path& directory) {
    const fs::path relative =
        fs::absolute(path).lexically_normal().lexically_relative(fs::absolute(directory).lexically_normal());
    if (relative.empty() || *relative.begin() == "..") {
        return std::nullopt;
    }
    return relative;
}

/// The mode that Patroni gives to files in PGDATA (file_perm.py): readable for the group if PGDATA is.
int file_mode(const fs::path& data_directory) {
    struct stat status {};
    const bool known = ::stat(data_directory.c_str(), &status) == 0;
    return known && (status.st_mode & 0750) == 0750 ? 0640 : 0600;
}

bool is_file(const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error);
}

/// What Patroni does with `file` and its base file on the first start (postgresql/config.py, 2.0 to 4.1).
void prepare_as_patroni(const fs::path& file, const fs::path& base, const fs::path& data_directory) {
    restore_from_backup(file, data_directory);
    restore_from_backup(base, data_directory);
    std::error_code error;
    if (fs::exists(base, error)) {
        return;
    }
    if (fs::symlink_status(file, error).type() == fs::file_type::not_found) {
        throw Failure(
            ExitCode::verification_failed,
            fmt::format("neither {} nor {} exists, and there is no {}.backup: Patroni could not start PostgreSQL",
                        file.string(), base.string(), file.filename().string()),
            "the backup does not hold a configuration outside PGDATA: put a postgresql.conf there (an empty "
            "one will do), or remove postgresql.config_dir from patroni.yml");
    }
    fs::rename(file, base, error);
    if (error) {
        // Patroni does the same when it starts PostgreSQL.
        throw system::refused(fmt::format("rename {} to", file.string()), base, error.value());
    }
    system::sync_directory(base.parent_path());
}

}  // namespace

fs::path config_directory(const Configuration& configuration, const fs::path& data_directory) {
    if (!configuration.config_directory) {
        return data_directory;
    }
    const fs::path directory = configuration.config_directory->text;
    // A file inside PGDATA moves with it: while the copy is in staging, PGDATA itself must stay absent.
    if (configuration.data_directory) {
        if (const auto relative = relative_to(directory, configuration.data_directory->text)) {
            return *relative == "." ? data_directory : data_directory / *relative;
        }
    }
    return directory;
}

void restore_from_backup(const fs::path& file, const fs::path& data_directory) {
    if (is_file(file)) {
        return;
    }
    const std::string name = file.filename().string() + ".backup";
    for (const fs::path& backup : {data_directory / name, file.parent_path() / name}) {
        if (is_file(backup)) {
            struct stat status {};
            const bool known = ::stat(backup.c_str(), &status) == 0;
            const bool inside = relative_to(file, data_directory).has_value();
            const int mode = inside || !known ? file_mode(data_directory) : static_cast<int>(status.st_mode & 0777);
            system::replace_file(file, system::read_file(backup), mode);
            return;
        }
    }
}

fs::path base_configuration_path(const Configuration& configuration, const fs::path& data_directory) {
    return config_directory(configuration, data_directory) / (configuration.config_base_name + ".base.conf");
}

void write_block(const Configuration& configuration, const fs::path& data_directory,
                 const std::vector<postgres::Setting>& settings) {
    if (configuration.custom_conf) {
        throw Failure(ExitCode::usage,
                      {Problem{fmt::format("postgresql.custom_conf replaces {}.base.conf, the only place where a "
                                           "restore_command survives a restart of Patroni",
                                           configuration.config_base_name),
                               "remove custom_conf from patroni.yml, or recovery_conf from the method's block",
                               configuration.custom_conf->place}});
    }
    const fs::path base = base_configuration_path(configuration, data_directory);
    prepare_as_patroni(base.parent_path() / (configuration.config_base_name + ".conf"), base, data_directory);
    const std::string text = postgres::without_block(system::read_file(base), block_title);
    system::replace_file(base, postgres::with_block(text, block_title, settings), file_mode(data_directory));
}

bool remove_block(const fs::path& base_configuration) {
    const std::optional<std::string> text = system::read_file_if_present(base_configuration);
    if (!text) {
        return false;
    }
    const std::string rest = postgres::without_block(*text, block_title);
    if (rest == *text) {
        return false;
    }
    system::replace_file(base_configuration, rest);
    return true;
}

}  // namespace patroni_pgbackrest::patroni
