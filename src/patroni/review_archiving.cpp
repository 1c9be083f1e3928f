#include "patroni/command_words.hpp"
#include "patroni/effective.hpp"
#include "patroni/own_settings.hpp"
#include "patroni/review.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <optional>
#include <string_view>
#include <system_error>

namespace patroni_pgbackrest::patroni {

namespace {

namespace fs = std::filesystem;
using yaml::Entry;
using yaml::Node;
using Words = std::vector<std::string>;

const fs::path usual_file = "/etc/pgbackrest/pgbackrest.conf", old_file = "/etc/pgbackrest.conf";

bool is_off(const std::string& value) {
    const auto word = system::lower(value);
    return word == "off" || word == "false" || word == "no" || word == "0";
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : value;
}

/// The file that pgBackRest reads when none is named. Since 2.02 /etc/pgbackrest.conf, the only one before, is its
/// second choice (cfgFileLoad in parse.c).
fs::path default_configuration(const fs::path& root) {
    std::error_code error;
    const auto is_there = [&](const fs::path& file) { return fs::exists(root / file.relative_path(), error); };
    return !is_there(usual_file) && is_there(old_file) ? old_file : usual_file;
}

/// The file that a command line reads; empty if it is behind a wrapper that may set its environment. `inherits`: what
/// our own environment says holds for it.
fs::path configuration_of(const Words& words, const fs::path& root, bool inherits) {
    static constexpr std::array<std::string_view, 9> transparent = {"env",  "nice", "ionice", "timeout", "sh",
                                                                    "bash", "exec", "test",   "["};
    static constexpr std::string_view of_file = "PGBACKREST_CONFIG=", of_directory = "PGBACKREST_CONFIG_PATH=";
    if (const auto named = option_in(words, "config"); named && !named->empty()) {
        return *named;
    }
    if (const auto directory = option_in(words, "config-path"); directory && !directory->empty()) {
        return fs::path(*directory) / "pgbackrest.conf";
    }
    const auto program = std::find_if(words.begin(), words.end(), [](const auto& word) {
        // not PGBACKREST_CONFIG_PATH=/srv/pgbackrest
        return word.find('=') == std::string::npos && fs::path(word).filename() == "pgbackrest";
    });
    for (auto word = words.begin(); word != program; ++word) {
        if (word->starts_with(of_file)) {
            return word->substr(of_file.size());
        }
        if (word->starts_with(of_directory)) {
            return fs::path(word->substr(of_directory.size())) / "pgbackrest.conf";
        }
    }
    const auto name = words.empty() ? std::string() : fs::path(words.front()).filename().string();
    const bool is_wrapped = program != words.begin() && name.find('=') == std::string::npos &&
                            std::find(transparent.begin(), transparent.end(), name) == transparent.end();
    const auto inherited = inherits ? variable("PGBACKREST_CONFIG") : std::string();
    return is_wrapped ? fs::path() : !inherited.empty() ? fs::path(inherited) : default_configuration(root);
}

/// Two spellings of one file, or links to it; or both choices of the default while neither is there.
bool is_same_file(const fs::path& one, const fs::path& other, const fs::path& root) {
    std::error_code error;
    const bool is_default =
        default_configuration(root) == usual_file && !fs::exists(root / usual_file.relative_path(), error);
    const auto is_choice = [](const fs::path& file) { return file == usual_file || file == old_file; };
    return (is_default && is_choice(one) && is_choice(other)) || one.lexically_normal() == other.lexically_normal() ||
           fs::equivalent(root / one.relative_path(), root / other.relative_path(), error);
}

/// Whether our PGBACKREST_CONFIG stands before the program in the block's command: PostgreSQL, which has Patroni's
/// environment, does not get it.
bool is_of_the_call(const Node& tree) {
    const Node& bootstrap = tree.map_at("bootstrap");
    const Entry* method = bootstrap.find("method");
    const Entry* command = method == nullptr ? nullptr : bootstrap.map_at(method->value->text).find("command");
    const auto words = command == nullptr ? std::nullopt : system::shell_words(command->value->text);
    const auto call = words ? call_of_us(*words, "bootstrap") : std::nullopt;
    return call && call->sets("PGBACKREST_CONFIG");
}

/// How a command line of PostgreSQL's that calls pgBackRest differs from what the restore reads; empty if it does not.
std::string difference(const std::string& command, const Intent& intent) {
    const auto stanzas = values_in(command_words(command), "stanza");
    const bool is_another = std::find(stanzas.begin(), stanzas.end(), intent.stanza) == stanzas.end();
    if (!stanzas.empty() && !intent.stanza.empty() && is_another) {
        return fmt::format("stanza {}, and the restore reads stanza {}", stanzas.back(), intent.stanza);
    }
    if (words_from(command, "pgbackrest").empty()) {
        return {};  // patroni_pgbackrest archive-get has the restore's
    }
    const auto file = configuration_of(command_words(command), intent.root, intent.inherits);
    const auto by_default = intent.pgbackrest_directory ? *intent.pgbackrest_directory / "pgbackrest.conf"
                                                        : configuration_of({}, intent.root, true);
    const auto of_restore = intent.pgbackrest_configuration.value_or(by_default);
    return file.empty() || is_same_file(file, of_restore, intent.root)
               ? std::string()
               : fmt::format("the configuration {}, and the restore that of {}", file.string(), of_restore.string());
}

/// The rest of a command line of pgBackRest's for the cluster that the restore reads.
std::string archive_of(const Intent& intent, const std::string& option_of_file) {
    const auto option = [](const std::string& name, const std::optional<fs::path>& path) {
        return path ? " " + system::shell_word(name + "=" + path->string()) : std::string();
    };
    return fmt::format("{}{} --stanza={}", option(option_of_file, intent.pgbackrest_configuration),
                       option("--config-path", intent.pgbackrest_directory),
                       intent.stanza.empty() ? "NAME" : system::shell_word(intent.stanza));
}

std::optional<Value> server_setting(const Node& tree, const std::string& name, const Intent& intent) {
    const Node& dynamic = tree.map_at("bootstrap").map_at("dcs").map_at("postgresql");
    const Entry* entry = written_parameter(tree.map_at("postgresql"), dynamic, name);
    return entry == nullptr ? own_setting(tree, name, intent.root)
                            : std::optional(Value{entry->value->text, entry->place});
}

void review_archive_command(const Value& mode, const std::optional<Value>& command, const Intent& intent,
                            std::vector<Finding>& findings) {
    if (!command || system::trim(command->text).empty()) {
        findings.push_back(
            {"archive-command-missing",
             {command ? "archive_mode is on, but archive_command is empty: WAL piles up"
                      : "archive_mode is on, but archive_command is not set by Patroni: WAL piles up, unless the "
                        "backup's own configuration sets it",
              fmt::format("set archive_command: pgbackrest{} archive-push %p", archive_of(intent, "--config")),
              command ? command->place : mode.place}});
    } else if (!calls_pgbackrest(command->text, "archive-push")) {
        findings.push_back({"archive-command-other",
                            {"archive_command does not run pgbackrest archive-push",
                             fmt::format("set archive_command: pgbackrest{} archive-push %p; ignore this if it is a "
                                         "script that runs it",
                                         archive_of(intent, "--config")),
                             command->place}});
    } else if (const auto other = difference(command->text, intent); !other.empty()) {
        findings.push_back(
            {"archive-command-elsewhere",
             {"archive_command uses " + other,
              "make both name the same one, unless the restored cluster should archive elsewhere", command->place}});
    }
}

void review_archive(const Node& tree, const Intent& intent, std::vector<Finding>& findings) {
    const auto mode = server_setting(tree, "archive_mode", intent);
    const auto library = server_setting(tree, "archive_library", intent);
    if (!mode || is_off(mode->text)) {
        const std::string in_vain = "nothing that the restored cluster writes can be restored again";
        // A local one counts more than that of bootstrap.dcs.
        const bool is_local = find_any_case(tree.map_at("postgresql").map_at("parameters"), "archive_mode") != nullptr;
        findings.push_back(
            {"archive-mode-off",
             {mode ? "archive_mode is not on: " + in_vain
                   : "archive_mode is not set by Patroni: unless the backup's own configuration sets "
                     "it, " +
                         in_vain,
              fmt::format("set archive_mode: 'on' in {}postgresql.parameters", is_local ? "" : "bootstrap.dcs."),
              mode ? mode->place : std::string()}});
    } else if (library && !system::trim(library->text).empty()) {
        findings.push_back(
            {"archive-library",
             {fmt::format("archive_library is {}: WAL does not go through archive_command", library->text),
              fmt::format("take it out, and set archive_command: pgbackrest{} archive-push %p",
                          archive_of(intent, "--config")),
              library->place}});
    } else {
        review_archive_command(*mode, server_setting(tree, "archive_command", intent), intent, findings);
    }
}

void review_standbys(const RecoveryConf& recovery_conf, bool guarded, const Intent& intent,
                     std::vector<Finding>& findings) {
    const auto* command = recovery_conf.find("restore_command");
    const auto name = yaml::text(recovery_conf.path);
    if (command == nullptr || yaml::blank(*command->entry->value)) {
        const auto call = guarded ? "patroni_pgbackrest archive-get" + archive_of(intent, "--pgbackrest-config") + " "
                                  : "pgbackrest" + archive_of(intent, "--config") + " archive-get ";
        findings.push_back(
            {"standby-restore-command-missing",
             {name + ".restore_command is not set: a standby that lags behind cannot fetch WAL from the "
                     "archive",
              "set it to: " + call + "%f \"%p\"", command == nullptr ? recovery_conf.place : command->entry->place}});
    } else if (const auto other = difference(command->entry->value->text, intent); !other.empty()) {
        findings.push_back({"standby-restore-command-elsewhere",
                            {name + ".restore_command uses " + other,
                             "make it read the archive that the cluster writes", command->entry->place}});
    }
    for (const auto& setting : recovery_conf.settings) {
        const auto& entry = *setting.entry;
        if (system::lower(entry.key).starts_with("recovery_target") &&
            system::lower(entry.key) != "recovery_target_timeline") {
            findings.push_back({"standby-target-ignored",
                                {fmt::format("{} is ignored by Patroni there", yaml::text(setting.path)),
                                 "put the recovery target into the method's block: type and target", entry.place}});
        }
    }
}

/// Of parameters_ROLE, what the other findings judge in parameters.
bool is_judged(const std::string& key) {
    const auto name = system::lower(key);
    return name == "archive_mode" || name == "archive_command" || name == "archive_library" ||
           name == "restore_command" || name.starts_with("recovery_");
}

/// No Patroni up to 4.1 looks at them. Later ones merge them into `parameters` once the node has its role (config.py
/// build_effective_postgresql_configuration).
void review_roles(const Node& postgresql, const std::string& section, std::vector<Finding>& findings) {
    for (const char* role : {"primary", "replica", "standby_leader"}) {
        const auto key = std::string("parameters_") + role;
        for (const Entry& entry : postgresql.map_at(key).entries) {
            if (is_judged(entry.key)) {
                findings.push_back(
                    {"role-parameter",
                     {fmt::format("{}.{}.{} is ignored by Patroni up to 4.1, and counts more than "
                                  "parameters and recovery_conf in later ones",
                                  section, key, entry.key),
                      "let parameters or recovery_conf say it for all roles, and take it out", entry.place}});
            }
        }
    }
}

}  // namespace

void review_archiving(const Node& tree, const Intent& intent, std::vector<Finding>& findings) {
    const Node& bootstrap = tree.map_at("bootstrap");
    const Entry* method = bootstrap.find("method");
    // In patroni mode every restore_command is the guard's.
    const bool guarded = method != nullptr && bootstrap.map_at(method->value->text).find("recovery_conf") != nullptr;
    auto compared = intent;
    compared.inherits = !is_of_the_call(tree);
    review_archive(tree, compared, findings);
    review_standbys(recovery_conf_of_standbys(tree), guarded, compared, findings);
    review_roles(tree.map_at("postgresql"), "postgresql", findings);
    review_roles(bootstrap.map_at("dcs").map_at("postgresql"), "bootstrap.dcs.postgresql", findings);
}

}  // namespace patroni_pgbackrest::patroni
