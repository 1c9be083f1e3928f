#include "patroni/own_settings.hpp"

#include "patroni/effective.hpp"
#include "postgres/configuration.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <system_error>
#include <unistd.h>
#include <vector>

namespace patroni_pgbackrest::patroni {

namespace {

namespace fs = std::filesystem;

std::string text_of(const yaml::Entry* entry) {
    return entry == nullptr || yaml::blank(*entry->value) ? std::string() : entry->value->text;
}

/// The one that counts first.
std::vector<fs::path> files_of_postgresql(const yaml::Node& tree, const fs::path& root) {
    const auto& local = tree.map_at("postgresql");
    const auto& dynamic = tree.map_at("bootstrap").map_at("dcs").map_at("postgresql");
    const fs::path data_directory = text_of(local.find("data_dir"));
    const fs::path config_directory = text_of(local.find("config_dir"));
    const auto directory = config_directory.empty() ? data_directory : config_directory;
    std::vector<fs::path> files;
    if (!data_directory.empty()) {
        files.push_back(data_directory / "postgresql.auto.conf");
    }
    if (const fs::path custom = text_of(effective(local, dynamic, "custom_conf")); !custom.empty()) {
        files.push_back(custom.is_absolute() ? custom : directory / custom);
    } else if (!directory.empty()) {
        const auto given = text_of(effective(local, dynamic, "config_base_name"));
        const auto name = given.empty() ? std::string("postgresql") : given;
        std::error_code error;
        const auto base = directory / (name + ".base.conf");
        files.push_back(fs::exists(root / base.relative_path(), error) ? base : directory / (name + ".conf"));
    }
    return files;
}

}  // namespace

std::optional<Value> own_setting(const yaml::Node& tree, const std::string& name, const fs::path& root) {
    for (const auto& file : files_of_postgresql(tree, root)) {
        const auto there = root / file.relative_path();
        std::error_code error;
        if (!fs::is_regular_file(there, error) || ::access(there.c_str(), R_OK) != 0) {
            continue;
        }
        const auto settings = postgres::settings_of(system::read_file(there));
        for (auto setting = settings.rbegin(); setting != settings.rend(); ++setting) {
            if (system::lower(setting->name) == name) {
                return Value{setting->value, file.string()};
            }
        }
    }
    return std::nullopt;
}

}  // namespace patroni_pgbackrest::patroni
