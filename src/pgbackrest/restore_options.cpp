#include "pgbackrest/restore_options.hpp"

#include "pgbackrest/configuration_files.hpp"
#include "pgbackrest/option_in_force.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace patroni_pgbackrest::pgbackrest {

namespace {

constexpr auto ours = std::to_array<std::string_view>({"archive-mode", "delta", "force", "lock-path",
                                                       "log-level-console", "log-level-stderr", "log-timestamp",
                                                       "recovery-option", "repo", "set", "spool-path", "target",
                                                       "target-action", "target-exclusive", "target-timeline", "type"});

constexpr auto requested = std::to_array<std::string_view>(
    {"db-exclude", "db-include", "link-all", "link-map", "process-max", "tablespace-map", "tablespace-map-all"});

/// Without the numbers of repositories and clusters. How a repository is reached begins with `repo-`, how a cluster is
/// reached with `pg-`; the others were their names before 2.0.
constexpr auto harmless_prefixes =
    std::to_array<std::string_view>({"repo-", "pg-", "db-", "backup-", "archive-", "tls-server-", "log-", "tcp-keep-",
                                     "job-retry", "retention-", "compress", "cipher-", "config", "cmd", "tls-cipher-"});
constexpr auto harmless = std::to_array<std::string_view>({"allow-root",
                                                           "annotation",
                                                           "beta",
                                                           "buffer-size",
                                                           "checksum-page",
                                                           "detail-level",
                                                           "dry-run",
                                                           "exclude",
                                                           "exec-id",
                                                           "expire-auto",
                                                           "filter",
                                                           "hardlink",
                                                           "help",
                                                           "ignore-missing",
                                                           "io-timeout",
                                                           "lock",
                                                           "manifest-save-threshold",
                                                           "neutral-umask",
                                                           "oldest",
                                                           "online",
                                                           "output",
                                                           "page-header-check",
                                                           "pg",
                                                           "priority",
                                                           "process",
                                                           "protocol-timeout",
                                                           "raw",
                                                           "recurse",
                                                           "reference",
                                                           "remote-type",
                                                           "report",
                                                           "resume",
                                                           "sck-block",
                                                           "sck-keep-alive",
                                                           "sort",
                                                           "stanza",
                                                           "start-fast",
                                                           "stop-auto",
                                                           "verbose",
                                                           "version"});

/// Of other commands alone, or secret: "not valid for command 'restore'", "not allowed on the command-line".
constexpr auto not_taken_by_restore = std::to_array<std::string_view>({"annotation",
                                                                       "archive-async",
                                                                       "archive-check",
                                                                       "archive-copy",
                                                                       "archive-get-queue-max",
                                                                       "archive-push-queue-max",
                                                                       "archive-timeout",
                                                                       "backup-standby",
                                                                       "checksum-page",
                                                                       "cipher-pass",
                                                                       "compress",
                                                                       "compress-level",
                                                                       "compress-type",
                                                                       "db-timeout",
                                                                       "dry-run",
                                                                       "exclude",
                                                                       "expire-auto",
                                                                       "filter",
                                                                       "manifest-save-threshold",
                                                                       "online",
                                                                       "output",
                                                                       "page-header-check",
                                                                       "pg-database",
                                                                       "pg-port",
                                                                       "pg-socket-path",
                                                                       "pg-user",
                                                                       "raw",
                                                                       "repo-azure-account",
                                                                       "repo-azure-key",
                                                                       "repo-block",
                                                                       "repo-bundle",
                                                                       "repo-cipher-pass",
                                                                       "repo-gcs-key",
                                                                       "repo-hardlink",
                                                                       "repo-retention-archive",
                                                                       "repo-retention-archive-type",
                                                                       "repo-retention-diff",
                                                                       "repo-retention-full",
                                                                       "repo-retention-full-type",
                                                                       "repo-retention-history",
                                                                       "repo-s3-key",
                                                                       "repo-s3-key-secret",
                                                                       "repo-s3-sse-customer-key",
                                                                       "repo-s3-token",
                                                                       "repo-sftp-private-key-passphrase",
                                                                       "resume",
                                                                       "start-fast",
                                                                       "stop-auto"});
constexpr auto flags_of_restore = std::to_array<std::string_view>(
    {"allow-root", "beta", "delta", "force", "link-all", "log-subprocess", "log-timestamp", "neutral-umask", "pg-local",
     "repo-local", "repo-storage-verify-tls", "sck-block", "sck-keep-alive", "target-exclusive"});

template <typename Names>
bool is_among(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// `repo1-path` → `repo-path`.
std::string without_number(std::string_view name) {
    for (const std::string_view group : {"repo", "pg", "db"}) {
        const auto digits = name.starts_with(group) ? name.find_first_not_of("0123456789", group.size()) : 0;
        if (digits != 0 && digits != std::string_view::npos && name[digits] == '-') {
            return fmt::format("{}{}", group, name.substr(digits));
        }
    }
    return std::string(name);
}

/// Lists are divided by colons there.
ConfiguredOption from_environment(const ConfigurationLine& line) {
    ConfiguredOption option{line.key, {}, line.place};
    const bool is_list = line.key.ends_with("-map") || line.key == "db-include" || line.key == "db-exclude";
    for (std::string_view rest = line.value; !rest.empty();) {
        const auto end = is_list ? std::min(rest.find(':'), rest.size()) : rest.size();
        option.values.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return option;
}

void add(ConfiguredOption option, std::vector<ConfiguredOption>& found) {
    if (treatment_of(option.name) != Treatment::harmless) {
        found.push_back(std::move(option));
    }
}

/// Those of one section that no earlier one has given.
void add_section(const std::string& section, const std::vector<ConfigurationLine>& lines,
                 std::vector<ConfiguredOption>& found) {
    const auto known = found.size();
    for (const auto& line : lines) {
        if (line.section != section || line.key.empty()) {
            continue;
        }
        const auto same =
            std::find_if(found.begin(), found.end(), [&](const auto& option) { return option.name == line.key; });
        if (same == found.end()) {
            add({line.key, {line.value}, line.place}, found);
        } else if (static_cast<std::size_t>(same - found.begin()) >= known) {
            same->values.push_back(line.value);
        }
    }
}

/// What reads the plan, the copy and the WAL out of the repository.
constexpr auto reading_commands =
    std::to_array<std::string_view>({"info", "repo-ls", "repo-get", "restore", "archive-get"});

bool is_section_of_reading(std::string_view section, const std::string& stanza) {
    const auto colon = section.find(':');
    return colon != std::string_view::npos && is_among(reading_commands, section.substr(colon + 1)) &&
           (section.substr(0, colon) == stanza || section.substr(0, colon) == "global");
}

/// Says which repository is meant, and not how it is reached.
bool names_repository(std::string_view name) {
    static constexpr auto names = std::to_array<std::string_view>(
        {"repo-azure-account", "repo-azure-container", "repo-azure-endpoint", "repo-gcs-bucket", "repo-gcs-endpoint",
         "repo-host", "repo-host-config", "repo-host-config-include-path", "repo-host-config-path", "repo-path",
         "repo-s3-bucket", "repo-s3-endpoint", "repo-s3-region", "repo-sftp-host", "repo-storage-host", "repo-type"});
    return is_among(names, without_number(name));
}

/// The first of the commands that takes something else for it than `info` does; empty where they agree.
std::string_view reads_another(const Pgbackrest& pgbackrest, const std::string& name) {
    const auto value_for = [&](std::string_view command) {
        const auto option = option_in_force(pgbackrest, std::string(command), name);
        return option ? option->values.front() : std::string();
    };
    const auto of_info = value_for(reading_commands.front());
    const auto other = std::find_if(reading_commands.begin(), reading_commands.end(),
                                    [&](std::string_view command) { return value_for(command) != of_info; });
    return other == reading_commands.end() ? std::string_view() : *other;
}

/// What is refused for restore is refused for them.
void add_refused(const std::string& stanza, const std::vector<ConfigurationLine>& lines,
                 std::vector<ConfiguredOption>& found) {
    for (const auto& line : lines) {
        if (treatment_of(line.key) == Treatment::refused && is_section_of_reading(line.section, stanza) &&
            std::none_of(found.begin(), found.end(), [&](const auto& option) { return option.name == line.key; })) {
            found.push_back({line.key, {line.value}, line.place});
        }
    }
}

}  // namespace

Treatment treatment_of(std::string_view name) {
    if (is_among(ours, name)) {
        return Treatment::ours;
    }
    if (is_among(requested, name)) {
        return Treatment::requested;
    }
    const auto general = without_number(name);
    if (general == "repo-target-time") {
        return Treatment::refused;
    }
    const bool is_known = is_among(harmless, general) ||
                          std::any_of(harmless_prefixes.begin(), harmless_prefixes.end(),
                                      [&](std::string_view prefix) { return general.starts_with(prefix); });
    return is_known ? Treatment::harmless : Treatment::unknown;
}

bool is_taken_by_restore(std::string_view name) {
    return treatment_of(name) != Treatment::unknown && !is_among(not_taken_by_restore, without_number(name));
}

bool is_flag_of_restore(std::string_view name) {
    return is_among(flags_of_restore, without_number(name));
}

std::vector<ConfiguredOption> configured_restore_options(const Pgbackrest& pgbackrest) {
    std::vector<ConfiguredOption> found;
    for (const auto& line : environment_options()) {
        add(from_environment(line), found);
    }
    const auto lines = read_configuration(pgbackrest);
    for (const auto& section :
         {pgbackrest.stanza + ":restore", pgbackrest.stanza, std::string("global:restore"), std::string("global")}) {
        add_section(section, lines, found);
    }
    add_refused(pgbackrest.stanza, lines, found);
    return found;
}

std::vector<Problem> repositories_that_differ(const Pgbackrest& pgbackrest) {
    std::vector<Problem> problems;
    for (const auto& line : read_configuration(pgbackrest)) {
        const bool counts = names_repository(line.key) && is_section_of_reading(line.section, pgbackrest.stanza);
        if (const auto command = counts ? reads_another(pgbackrest, line.key) : std::string_view(); !command.empty()) {
            problems.push_back(
                {fmt::format("{} is another one for {} than for info: plan, copy and replay would not read the same "
                             "repository",
                             line.key, command),
                 fmt::format("set it in [global] or [{}], for every command; what a restore alone is to read belongs "
                             "in a file of its own, which pgbackrest-config names",
                             pgbackrest.stanza),
                 line.place});
        }
    }
    return problems;
}

std::string option_not_passed(std::string_view line, const std::vector<std::string>& arguments) {
    constexpr std::string_view begin = "restore command begin ", dashes = " --";
    const auto is_passed = [&](const std::string& name) {
        return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
            return argument == "--" + name || argument.starts_with("--" + name + "=");
        });
    };
    if (line.find(begin) == std::string_view::npos) {
        return {};
    }
    for (auto at = line.find(dashes); at != std::string_view::npos; at = line.find(dashes, at + 1)) {
        const auto option = line.substr(at + dashes.size());
        const std::string name(option.substr(0, option.find_first_of("= ")));
        const auto treatment = treatment_of(name);
        if ((treatment == Treatment::refused || treatment == Treatment::requested) && !is_passed(name)) {
            return name;
        }
    }
    return {};
}

std::vector<Option> fixed_restore_options(const std::vector<Option>& given) {
    std::vector<Option> fixed{{"archive-mode", "preserve"}, {"reset-recovery-option"}};
    for (const auto name : requested) {
        // 2.33 has no db-exclude.
        const bool is_given =
            std::any_of(given.begin(), given.end(), [&](const auto& one) { return one.name == name; });
        if (!is_given && name != "db-exclude") {
            fixed.push_back({name == "link-all" ? "no-link-all" : fmt::format("reset-{}", name)});
        }
    }
    return fixed;
}

}  // namespace patroni_pgbackrest::pgbackrest
