#include "pgbackrest/restore_options.hpp"

#include "pgbackrest/configuration_files.hpp"
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

/// What the plan and the replay are read with.
bool is_section_of_reading(std::string_view section, const std::string& stanza) {
    static constexpr auto commands = std::to_array<std::string_view>({"archive-get", "info", "repo-get", "repo-ls"});
    const auto colon = section.find(':');
    return colon != std::string_view::npos && is_among(commands, section.substr(colon + 1)) &&
           (section.substr(0, colon) == stanza || section.substr(0, colon) == "global");
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
