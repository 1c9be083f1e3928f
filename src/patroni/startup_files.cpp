#include "patroni/startup_files.hpp"

#include "patroni/base_configuration.hpp"
#include "patroni/dcs_configuration.hpp"
#include "system/file.hpp"
#include "system/owner.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest::patroni {

namespace {

namespace fs = std::filesystem;

constexpr auto hba_name = "pg_hba.conf";

std::string main_name(const Configuration& configuration) {
    return configuration.config_base_name + ".conf";
}

std::string base_name(const Configuration& configuration) {
    return configuration.config_base_name + ".base.conf";
}

/// Patroni includes it instead of the base file. A blank one it takes for the base file, but does not make that.
std::optional<fs::path> custom_file(const Configuration& configuration, const fs::path& directory) {
    const auto& custom = configuration.custom_conf;
    return custom && !custom->text.empty() ? std::optional(directory / custom->text) : std::nullopt;
}

std::optional<fs::path> hba_file(const Configuration& configuration, const fs::path& directory) {
    return configuration.hba_file ? std::optional(directory / configuration.hba_file->text) : std::nullopt;
}

std::set<std::string> files_in(const fs::path& directory) {
    std::set<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(directory, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
        std::error_code ignored;
        if (entry->is_regular_file(ignored)) {
            names.insert(entry->path().filename().string());
        }
    }
    return names;
}

bool has_rule(const fs::path& file) {
    const auto lines = system::lines(system::read_file(file));
    return std::any_of(lines.begin(), lines.end(), [](const auto& line) {
        const auto words = system::trim(line);
        return !words.empty() && words.front() != '#';
    });
}

/// The command that puts an empty file there, or makes the directory, for this user. install belongs to coreutils.
std::string install(const std::string& what, const fs::path& path) {
    const auto owner = system::own_user();
    return fmt::format("install {} -o {} -g {} {}", what, owner.user, owner.group, system::shell_word(path.string()));
}

class Review {
  public:
    Review(const Configuration& configuration, const StartupFiles& seen, bool writes_block)
        : configuration_(configuration), seen_(seen), writes_block_(writes_block) {}

    std::vector<Finding> all() {
        directory();
        base_file();
        rules();
        return std::move(findings_);
    }

  private:
    void add(const char* id, std::string message, std::string hint, const std::optional<Value>& value) {
        findings_.push_back({id, {std::move(message), std::move(hint), value ? value->place : std::string()}});
    }

    /// There, or restored from its backup. What is not known may be there.
    bool has(const std::string& name) const {
        const auto backup = name + ".backup";
        return seen_.there.contains(name) || seen_.there.contains(backup) || !seen_.backups ||
               seen_.backups->contains(backup);
    }

    bool is_missing(const std::optional<fs::path>& path) const { return path && seen_.missing.contains(*path); }

    void directory() {
        const auto path = seen_.directory.string();
        if (!seen_.is_directory) {
            add("config-directory", fmt::format("config_dir {} is no directory", path),
                "make it, as root: " + install("-d -m 0700", seen_.directory), configuration_.config_directory);
        } else if (!seen_.is_writable && (writes_block_ || !works_read_only())) {
            add("config-directory",
                fmt::format("config_dir {} cannot be written by this user, and Patroni writes {} there", path,
                            main_name(configuration_)),
                fmt::format("give it to the user that runs Patroni, as root: chown {} {}", system::own_user().user,
                            system::shell_word(path)),
                configuration_.config_directory);
        }
    }

    /// Patroni overwrites two files, and removes and makes none of them.
    bool works_read_only() const {
        return seen_.writable.contains(main_name(configuration_)) && seen_.writable.contains(hba_name) &&
               configuration_.has_pg_hba &&
               (configuration_.custom_conf || seen_.there.contains(base_name(configuration_)));
    }

    void base_file() {
        const auto custom = custom_file(configuration_, seen_.directory);
        if (is_missing(custom)) {
            add("config-file-missing",
                fmt::format("custom_conf {} does not exist: PostgreSQL would not start", custom->string()),
                "put it there, or remove custom_conf from patroni.yml", configuration_.custom_conf);
        }
        const bool is_renamed = !configuration_.custom_conf && has(main_name(configuration_));
        if (custom || is_renamed || has(base_name(configuration_))) {
            return;
        }
        const auto wanted = configuration_.custom_conf ? base_name(configuration_) : main_name(configuration_);
        add("config-file-missing",
            fmt::format("there is no {} in {}, and the backup brings none: Patroni would fail at its first start",
                        wanted, seen_.directory.string()),
            has_outer_config_directory(configuration_)
                ? "put the cluster's own there; an empty one will do where patroni.yml has all parameters: " +
                      install("-m 0600 /dev/null", seen_.directory / wanted)
                : "put one into a directory of its own, and set postgresql.config_dir in patroni.yml to that: the next "
                  "run goes on with the copy",
            configuration_.config_directory);
    }

    void rules() {
        const auto elsewhere = hba_file(configuration_, seen_.directory);
        if (is_missing(elsewhere)) {
            add("hba-missing",
                fmt::format("hba_file {} does not exist: PostgreSQL would not start", elsewhere->string()),
                "put it there, or remove hba_file and set postgresql.pg_hba in patroni.yml", configuration_.hba_file);
        }
        if (configuration_.has_pg_hba || configuration_.has_bootstrap_pg_hba) {
            return;
        }
        if (!has(hba_name) || seen_.has_no_rules) {
            add("hba-missing",
                fmt::format("there is no rule in {}, in a backup of it or in patroni.yml: once restarted, PostgreSQL "
                            "would not start",
                            (seen_.directory / hba_name).string()),
                "list who may connect in postgresql.pg_hba of patroni.yml, or put the cluster's own pg_hba.conf there",
                configuration_.config_directory);
        }
    }

    const Configuration& configuration_;
    const StartupFiles& seen_;
    bool writes_block_;
    std::vector<Finding> findings_;
};

bool contains(const fs::path& directory, const fs::path& path) {
    const auto rest = path.lexically_normal().lexically_relative(directory.lexically_normal());
    return !rest.empty() && *rest.begin() != "..";
}

void look_into_directory(StartupFiles& seen) {
    std::error_code error;
    seen.is_directory = fs::is_directory(seen.directory, error);
    seen.is_writable = system::is_writable(seen.directory);
    seen.there = files_in(seen.directory);
    for (const auto& name : seen.there) {
        if (::access((seen.directory / name).c_str(), W_OK) == 0) {
            seen.writable.insert(name);
        }
    }
    const auto rules = seen.directory / hba_name;
    seen.has_no_rules = ::access(rules.c_str(), R_OK) == 0 && !has_rule(rules);
}

void look_for_missing(const Configuration& configuration, StartupFiles& seen) {
    for (const auto& path : {custom_file(configuration, seen.directory), hba_file(configuration, seen.directory)}) {
        std::error_code error;
        if (!path) {
            continue;
        }
        // What is in PGDATA comes with the backup.
        const bool is_inside = configuration.data_directory && contains(configuration.data_directory->text, *path);
        if (!is_inside && !fs::exists(*path, error)) {
            seen.missing.insert(*path);
        }
    }
}

/// The files that Patroni restores from `NAME.backup` where they are missing: postgresql.conf, postgresql.base.conf and
/// pg_hba.conf, as far as this patroni.yml needs them.
std::vector<std::string> files_to_restore(const Configuration& configuration) {
    std::vector<std::string> names{main_name(configuration)};
    if (!configuration.custom_conf || configuration.custom_conf->text.empty()) {
        names.push_back(base_name(configuration));
    }
    if (!configuration.has_pg_hba) {
        names.emplace_back(hba_name);
    }
    return names;
}

}  // namespace

bool has_outer_config_directory(const Configuration& configuration) {
    return config_directory(configuration, "/one") == config_directory(configuration, "/other");
}

StartupFiles look_before_copy(const Configuration& configuration) {
    const fs::path data_directory = configuration.data_directory ? configuration.data_directory->text : "";
    StartupFiles seen;
    seen.directory = config_directory(configuration, data_directory);
    seen.is_directory = true;
    seen.is_writable = true;
    if (has_outer_config_directory(configuration)) {
        look_into_directory(seen);
    }
    look_for_missing(configuration, seen);
    return seen;
}

StartupFiles look_into_copy(const Configuration& configuration, const fs::path& data_directory) {
    StartupFiles seen;
    seen.directory = config_directory(configuration, data_directory);
    look_into_directory(seen);
    look_for_missing(configuration, seen);
    seen.backups = files_in(data_directory);
    return seen;
}

std::optional<fs::path> included_file(const Configuration& configuration, const fs::path& data_directory) {
    const auto directory = config_directory(configuration, data_directory);
    std::vector<fs::path> places;
    if (const auto custom = custom_file(configuration, directory)) {
        places.push_back(*custom);
    } else {
        for (const auto& name : {base_name(configuration), main_name(configuration)}) {
            // In this order Patroni restores what is missing.
            places.insert(places.end(),
                          {directory / name, data_directory / (name + ".backup"), directory / (name + ".backup")});
        }
    }
    std::error_code error;
    const auto found = std::find_if(places.begin(), places.end(),
                                    [&](const auto& place) { return fs::is_regular_file(place, error); });
    return found == places.end() ? std::nullopt : std::optional(*found);
}

bool gives_way(const Configuration& configuration, const fs::path& included, const std::set<std::string>& backups) {
    return !custom_file(configuration, "") && included.filename() != base_name(configuration) &&
           backups.contains(base_name(configuration) + ".backup");
}

bool needs_backup(const Configuration& configuration, const StartupFiles& seen) {
    const auto names = files_to_restore(configuration);
    return has_outer_config_directory(configuration) && seen.is_directory &&
           std::any_of(names.begin(), names.end(), [&](const auto& name) { return !seen.there.contains(name); });
}

std::vector<Finding> review_startup_files(const Configuration& configuration, const StartupFiles& seen,
                                          bool writes_block) {
    return said_of_dcs(Review(configuration, seen, writes_block).all(), configuration.dcs_edit);
}

void restore_startup_files(const Configuration& configuration, const fs::path& data_directory) {
    for (const auto& name : files_to_restore(configuration)) {
        restore_from_backup(config_directory(configuration, data_directory) / name, data_directory);
    }
}

}  // namespace patroni_pgbackrest::patroni
