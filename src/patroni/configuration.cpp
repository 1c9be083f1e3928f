#include "patroni/configuration.hpp"

#include "patroni/command_words.hpp"
#include "patroni/configuration_files.hpp"
#include "patroni/dcs_configuration.hpp"
#include "patroni/effective.hpp"
#include "patroni/method_block.hpp"
#include "system/failure.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace patroni_pgbackrest::patroni {

namespace {

using yaml::Entry;
using yaml::Node;
using Problems = std::vector<Problem>;

/// The section of that name; an empty one when it is absent or null.
const Node& section(const Node& root, std::string_view name, Problems& problems) {
    const Entry* entry = root.find(name);
    if (entry != nullptr && !entry->value->is_map() && !entry->value->is_null()) {
        problems.push_back({fmt::format("{} is not a map", name), "write keys and values below it", entry->place});
    }
    return root.map_at(name);
}

void read_postgresql(const Node& local, const Node& dynamic, Configuration& result, Problems& problems) {
    result.data_directory = scalar_at(local, "data_dir", "postgresql.data_dir", problems);
    result.config_directory = scalar_at(local, "config_dir", "postgresql.config_dir", problems);
    for (const Node* postgresql : {&local, &dynamic}) {
        const std::string path = postgresql == &local ? "postgresql." : "bootstrap.dcs.postgresql.";
        if (!result.bin_directory) {
            result.bin_directory = scalar_at(*postgresql, "bin_dir", path + "bin_dir", problems);
        }
        const Entry* custom_conf = postgresql->find("custom_conf");
        if (!result.custom_conf && custom_conf != nullptr) {
            // Patroni tests whether the key exists, not what its value is.
            result.custom_conf = scalar_at(*postgresql, "custom_conf", path + "custom_conf", problems)
                                     .value_or(Value{"", custom_conf->place});
        }
    }
    const Node& named = local.find("config_base_name") != nullptr ? local : dynamic;
    if (const auto name = scalar_at(named, "config_base_name", "postgresql.config_base_name", problems)) {
        result.config_base_name = name->text;
    }
}

bool has_rules(const Entry* list) {
    return list != nullptr && yaml::truthy(*list->value);
}

/// The file that Patroni points PostgreSQL to instead of writing pg_hba.conf itself. It does not count if it is the
/// very file that Patroni opens to everybody during the bootstrap (config.py hba_file).
std::optional<Value> own_hba_file(const Node& local, const Node& dynamic, const Configuration& configuration) {
    const Entry* file = parameter(local, dynamic, "hba_file");
    if (file == nullptr || yaml::blank(*file->value)) {
        return std::nullopt;
    }
    const auto& directory =
        configuration.config_directory ? configuration.config_directory : configuration.data_directory;
    const bool is_patronis = directory && std::filesystem::path(directory->text) / file->value->text ==
                                              std::filesystem::path(directory->text) / "pg_hba.conf";
    return is_patronis ? std::nullopt : std::optional(Value{file->value->text, file->place});
}

void add_setting(const Node& map, std::string_view name, bool blank_counts, std::vector<Value>& found) {
    const Entry* entry = find_any_case(map, name);
    if (entry != nullptr && (blank_counts || !yaml::blank(*entry->value))) {
        found.push_back({entry->value->text, entry->place});
    }
}

/// Wherever Patroni takes it from for a server: one after 4.1 merges parameters_ROLE into parameters once it knows its
/// role.
std::vector<Value> in_every_section(const Node& local, const Node& dynamic, std::string_view name, bool blank_counts) {
    static constexpr std::array keys = {"recovery_conf", "parameters", "parameters_primary", "parameters_replica",
                                        "parameters_standby_leader"};
    std::vector<Value> found;
    for (const Node* postgresql : {&local, &dynamic}) {
        for (const char* key : keys) {
            add_setting(postgresql->map_at(key), name, blank_counts, found);
        }
    }
    return found;
}

/// An empty command counts: Patroni writes it after its include, where it overrides the command in the base file.
std::vector<Value> restore_commands(const Node& local, const Node& dynamic, const Node& standby_cluster) {
    auto found = in_every_section(local, dynamic, "restore_command", true);
    add_setting(standby_cluster, "restore_command", false, found);
    return found;
}

std::vector<Value> leaderless_replica_methods(const Node& local, const Node& dynamic) {
    std::vector<Value> found;
    for (const auto& [method, block] : replica_methods(local, dynamic)) {
        if (method->text == "basebackup" || block == nullptr) {
            continue;
        }
        for (const char* key : {"no_leader", "no_master"}) {
            const Entry* flag = block->value->find(key);
            if (flag != nullptr && yaml::truthy(*flag->value)) {
                found.push_back({method->text, flag->place});
                break;
            }
        }
    }
    return found;
}

std::optional<Value> value_of(const Entry* entry) {
    return entry == nullptr ? std::nullopt : std::optional(Value{entry->value->text, entry->place});
}

/// split_host_port (utils.py, 2.0 to 4.1): what stands behind the last colon is the port, even of an IPv6 address.
std::optional<unsigned> read_port(const Node& local) {
    constexpr unsigned usual = 5432;
    const Entry* listen = local.find("listen");
    if (listen == nullptr || yaml::blank(*listen->value)) {
        return std::nullopt;
    }
    const auto& text = listen->value->text;
    const auto colon = text.rfind(':');
    const auto port = colon == std::string::npos ? std::nullopt : system::number(text.substr(colon + 1));
    return port ? static_cast<unsigned>(*port) : usual;
}

unsigned read_loop_wait(const Node& dcs) {
    const Entry* entry = dcs.find("loop_wait");
    const auto seconds = entry == nullptr ? std::nullopt : system::number(entry->value->text);
    return seconds ? static_cast<unsigned>(*seconds) : Configuration{}.loop_wait;
}

std::optional<std::string> read_password_encryption(const Node& local, const Node& dynamic) {
    const auto value = value_of(parameter(local, dynamic, "password_encryption"));
    const auto word = value ? system::lower(value->text) : std::string();
    return word == "md5" || word == "scram-sha-256" ? std::optional(word) : std::nullopt;
}

constexpr std::array on = {"on", "always", "true", "yes", "1"};

std::size_t fingerprint_of(const Node& tree) {
    return yaml::fingerprint(tree, "password");
}

Archiving archiving_in(const Node& local, const Node& dynamic) {
    Archiving archiving;
    archiving.mode = value_of(written_parameter(local, dynamic, "archive_mode"));
    archiving.command = value_of(written_parameter(local, dynamic, "archive_command"));
    const auto mode = archiving.mode ? system::lower(archiving.mode->text) : std::string();
    archiving.is_on = std::find(on.begin(), on.end(), mode) != on.end();
    return archiving;
}

OpenedAtStart read_opened_at_start(const Node& local, const Node& dynamic) {
    OpenedAtStart opened;
    const auto value = [&](const char* name) {
        const Entry* entry = parameter(local, dynamic, name);
        return entry == nullptr || yaml::blank(*entry->value) ? std::nullopt : value_of(entry);
    };
    if (const Entry* listen = local.find("listen"); listen != nullptr && !yaml::blank(*listen->value)) {
        opened.listen = value_of(listen);
    }
    opened.socket_directories = value("unix_socket_directories");
    opened.libraries = value("shared_preload_libraries");
    opened.has_library_path = value("dynamic_library_path").has_value();
    const auto ssl = value("ssl");
    const bool is_encrypted = ssl && std::find(on.begin(), on.end(), system::lower(ssl->text)) != on.end();
    for (const char* name : {"ssl_cert_file", "ssl_key_file", "ssl_ca_file", "ssl_crl_file"}) {
        if (auto file = is_encrypted ? value(name) : std::nullopt) {
            opened.tls_files.emplace_back(name, std::move(*file));
        }
    }
    return opened;
}

}  // namespace

std::optional<std::string> pgbackrest_option(const std::string& command, const std::string& name) {
    return option_in(command_words(command), name);
}

std::optional<Configuration> read_configuration(const ConfigurationSource& source) {
    const yaml::NodePtr tree = load_tree(source);
    if (!tree) {
        return std::nullopt;
    }
    const bool only_variables = !source.path && variables_count(source);
    try {
        auto configuration = configuration_in(*tree, source.path      ? source.path->string()
                                                     : only_variables ? "the PATRONI_* variables"
                                                                      : "PATRONI_CONFIGURATION");
        configuration.only_variables = only_variables;
        configuration.dcs_edit = source.dcs.edit;
        if (!source.dcs.json.empty()) {
            configuration.fingerprint = fingerprint_of(*load_tree({source.path, source.environment}));
        }
        return configuration;
    } catch (const Failure& failure) {
        throw Failure(failure.code(), said_of_dcs(failure.problems(), source.dcs.edit));
    }
}

Configuration configuration_in(const yaml::Node& tree, const std::string& source) {
    Problems problems;
    const Node& bootstrap = section(tree, "bootstrap", problems);
    const Node& local = section(tree, "postgresql", problems);
    const Node& dcs = bootstrap.map_at("dcs");
    const Node& dynamic = dcs.map_at("postgresql");

    Configuration result;
    result.source = source;
    result.fingerprint = fingerprint_of(tree);
    result.fingerprint_in_force = result.fingerprint;
    result.scope = scalar_at(tree, "scope", "scope", problems);
    result.name = tree.find("name") != nullptr ? scalar_at(tree, "name", "name", problems)
                                               : scalar_at(local, "name", "postgresql.name", problems);
    result.log_directory = value_of(tree.map_at("log").find("dir"));
    read_postgresql(local, dynamic, result, problems);
    result.hba_file = own_hba_file(local, dynamic, result);
    result.has_pg_hba = result.hba_file || has_rules(effective(local, dynamic, "pg_hba"));
    result.has_bootstrap_pg_hba = has_rules(bootstrap.find("pg_hba"));
    result.loop_wait = read_loop_wait(dcs);
    result.port = read_port(local);
    result.archiving = archiving_in(local, dynamic);
    result.opened = read_opened_at_start(local, dynamic);
    result.written_parameters = written_parameters(local, dynamic);
    // ProcessConfigFileInternal (13 to 18) compares it letter by letter, and Patroni writes it as it is spelt.
    const Entry* directory = written_parameter(local, dynamic, "data_directory");
    result.parameter_data_directory =
        directory != nullptr && directory->key == "data_directory" ? value_of(directory) : std::nullopt;
    result.password_encryption = read_password_encryption(local, dynamic);
    result.restore_commands = restore_commands(local, dynamic, dcs.map_at("standby_cluster"));
    result.prefetches = in_every_section(local, dynamic, "recovery_prefetch", false);
    result.leaderless_replica_methods = leaderless_replica_methods(local, dynamic);
    result.method_name = scalar_at(bootstrap, "method", "bootstrap.method", problems);
    if (result.method_name) {
        result.method = read_method_block(bootstrap, *result.method_name, problems);
    }
    if (!problems.empty()) {
        throw Failure(ExitCode::usage, std::move(problems));
    }
    return result;
}

std::optional<bool> parse_bool(std::string_view value) {
    const auto word = system::lower(value);
    const bool is_on = word == "on" || word == "true" || word == "yes" || word == "1";
    const bool is_off = word == "off" || word == "false" || word == "no" || word == "0";
    return is_on || is_off ? std::optional(is_on) : std::nullopt;
}

Archiving read_archiving(const ConfigurationSource& source) {
    const auto tree = load_tree(source);
    return tree ? archiving_in(tree->map_at("postgresql"), tree->map_at("bootstrap").map_at("dcs").map_at("postgresql"))
                : Archiving();
}

}  // namespace patroni_pgbackrest::patroni
