#include "patroni/configuration_files.hpp"

#include "patroni/dcs_configuration.hpp"
#include "patroni/merge.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/text.hpp"
#include "yaml/readable.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest::patroni {

namespace {

namespace fs = std::filesystem;

constexpr auto configuration_variable = "PATRONI_CONFIGURATION";

Failure unusable_path(const std::string& message) {
    return Failure(
        ExitCode::usage, message,
        "name Patroni's configuration with --patroni-config: a YAML file, or a directory of *.yml and *.yaml");
}

std::vector<fs::path> yaml_files(const fs::path& path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found) {
        throw unusable_path(fmt::format("{} does not exist", path.string()));
    }
    if (status.type() == fs::file_type::none) {
        throw unusable_path(fmt::format("cannot look at {}: {}", path.string(), error.message()));
    }
    if (fs::is_regular_file(status)) {
        return {path};
    }
    if (!fs::is_directory(status)) {
        throw unusable_path(fmt::format("{} is neither a file nor a directory", path.string()));
    }
    std::vector<fs::path> files;
    fs::directory_iterator directory(path, error);
    for (; !error && directory != fs::directory_iterator(); directory.increment(error)) {
        const std::string suffix = directory->path().extension().string();
        const std::string name = directory->path().filename().string();
        // Python's endswith accepts a file that is just called `.yml` too; here that name has no extension.
        const bool is_yaml = suffix == ".yml" || suffix == ".yaml" || name == ".yml" || name == ".yaml";
        std::error_code ignored;
        if (is_yaml && fs::is_regular_file(directory->path(), ignored)) {
            files.push_back(directory->path());
        }
    }
    if (error) {
        throw unusable_path(fmt::format("cannot read the directory {}: {}", path.string(), error.message()));
    }
    if (files.empty()) {
        throw unusable_path(fmt::format("the directory {} holds no *.yml or *.yaml file", path.string()));
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// A number of Python's, as parse_int (utils.py) makes it of a variable.
yaml::NodePtr make_number(const std::string& text, const std::string& place) {
    yaml::Node node;
    node.kind = yaml::Node::Kind::scalar;
    node.place = place;
    node.text = text;
    node.plain = true;
    return std::make_shared<const yaml::Node>(std::move(node));
}

/// The part of config.py's _build_environment_configuration that we read. An empty variable counts as not set.
yaml::NodePtr overrides(const std::map<std::string, std::string>& environment) {
    std::vector<yaml::Entry> top, postgresql, citus, log;
    const auto add = [&](std::vector<yaml::Entry>& entries, const char* key, const std::string& variable) {
        const auto found = environment.find(variable);
        if (found != environment.end() && !found->second.empty()) {
            entries.push_back({key, variable, yaml::make_scalar(found->second, variable)});
        }
    };
    add(top, "scope", "PATRONI_SCOPE");
    add(top, "name", "PATRONI_NAME");
    add(postgresql, "data_dir", "PATRONI_POSTGRESQL_DATA_DIR");
    add(postgresql, "bin_dir", "PATRONI_POSTGRESQL_BIN_DIR");
    add(postgresql, "config_dir", "PATRONI_POSTGRESQL_CONFIG_DIR");
    add(postgresql, "listen", "PATRONI_POSTGRESQL_LISTEN");
    const auto group = environment.find("PATRONI_CITUS_GROUP");
    if (group != environment.end() && system::number(group->second)) {
        citus.push_back({"group", group->first, make_number(group->second, group->first)});
    }
    add(citus, "database", "PATRONI_CITUS_DATABASE");
    add(log, "dir", "PATRONI_LOG_DIR");
    for (auto [section, entries] :
         {std::pair("postgresql", &postgresql), std::pair("citus", &citus), std::pair("log", &log)}) {
        if (!entries->empty()) {
            const std::string place = entries->front().place;
            top.push_back({section, place, yaml::make_map(std::move(*entries), place)});
        }
    }
    return yaml::make_map(std::move(top), {});
}

/// What PATRONI_CONFIGURATION holds; null if it is not used, or holds nothing (config.py __init__ goes on to the other
/// variables then).
yaml::NodePtr tree_in_variable(const ConfigurationSource& source) {
    const auto text = source.environment.find(configuration_variable);
    if (source.path || text == source.environment.end() || text->second.empty()) {
        return nullptr;
    }
    const auto tree = yaml::parse(text->second, configuration_variable);
    yaml::require_readable_by_patroni(text->second, configuration_variable);
    const bool is_empty = tree->is_null() || (tree->is_map() && tree->entries.empty());
    return is_empty ? nullptr : read_map(text->second, configuration_variable).tree;
}

yaml::NodePtr local_tree(const ConfigurationSource& source) {
    if (source.path) {
        return tree_of(read_files(*source.path), source.environment);
    }
    if (auto tree = tree_in_variable(source)) {
        return tree;
    }
    auto variables = overrides(source.environment);
    return variables->entries.empty() ? nullptr : variables;
}

}  // namespace

yaml::Document read_map(const std::string& text, const std::string& name) {
    auto document = yaml::read(text, name);
    if (!document.tree->is_map()) {
        throw Failure(ExitCode::usage,
                      {Problem{document.tree->is_null() ? "the file is empty" : "the top level is not a map",
                               "Patroni wants keys and values at the top: `scope: demo`, `postgresql:`, …", name}});
    }
    return document;
}

bool variables_count(const ConfigurationSource& source) {
    return source.path || !tree_in_variable(source);
}

std::map<std::string, std::string> variables_in_force(const ConfigurationSource& source) {
    return variables_count(source) ? source.environment : std::map<std::string, std::string>();
}

std::vector<ConfigurationFile> read_files(const fs::path& path) {
    std::vector<ConfigurationFile> files;
    for (const fs::path& file : yaml_files(path)) {
        files.push_back({file, system::read_file(file)});
        yaml::require_readable_by_patroni(files.back().text, files.back().name());
    }
    return files;
}

yaml::NodePtr merged(const std::vector<yaml::NodePtr>& files, const std::map<std::string, std::string>& environment) {
    yaml::NodePtr tree = yaml::make_map({}, {});
    for (const auto& file : files) {
        tree = yaml::patch(tree, file);
    }
    return yaml::patch(tree, overrides(environment));
}

yaml::NodePtr tree_of(const std::vector<ConfigurationFile>& files,
                      const std::map<std::string, std::string>& environment) {
    std::vector<yaml::NodePtr> read;
    for (const ConfigurationFile& file : files) {
        read.push_back(read_map(file.text, file.name()).tree);
    }
    return merged(read, environment);
}

yaml::NodePtr load_tree(const ConfigurationSource& source) {
    auto tree = local_tree(source);
    return !tree || source.dcs.json.empty() ? tree : with_dcs_configuration(*tree, source.dcs.json);
}

std::vector<yaml::RepeatedKey> repeated_keys(const ConfigurationSource& source) {
    if (!source.path) {
        const auto text = source.environment.find(configuration_variable);
        return text == source.environment.end() ? std::vector<yaml::RepeatedKey>()
                                                : yaml::repeated_keys(text->second, configuration_variable);
    }
    std::vector<yaml::RepeatedKey> all;
    for (const fs::path& file : yaml_files(*source.path)) {
        const auto found = yaml::repeated_keys(system::read_file(file), file.filename().string());
        all.insert(all.end(), found.begin(), found.end());
    }
    return all;
}

}  // namespace patroni_pgbackrest::patroni
