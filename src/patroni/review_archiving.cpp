#include "patroni/effective.hpp"
#include "patroni/review.hpp"
#include "system/text.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest::patroni {

namespace {

using yaml::Entry;
using yaml::Node;

bool is_off(const std::string& value) {
    const auto word = system::lower(value);
    return word == "off" || word == "false" || word == "no" || word == "0";
}

/// How a pgBackRest command line differs from what the restore reads; empty if it does not.
std::string difference(const std::string& command, const Intent& intent) {
    const auto stanza = pgbackrest_option(command, "stanza");
    if (stanza && !intent.stanza.empty() && *stanza != intent.stanza) {
        return fmt::format("stanza {}, and the restore reads stanza {}", *stanza, intent.stanza);
    }
    const auto file = pgbackrest_option(command, "config");
    if (file && intent.pgbackrest_configuration && *file != intent.pgbackrest_configuration->string()) {
        return fmt::format("the configuration {}, and the restore that of {}", *file,
                           intent.pgbackrest_configuration->string());
    }
    return {};
}

void review_archive_command(const Entry* mode, const Entry* command, const Intent& intent,
                            std::vector<Finding>& findings) {
    if (mode == nullptr || is_off(mode->value->text)) {
        findings.push_back({"archive-mode-off",
                            {"archive_mode is not on: nothing that the restored cluster writes can be restored again",
                             "set archive_mode: 'on' in bootstrap.dcs.postgresql.parameters",
                             mode == nullptr ? std::string() : mode->place}});
        return;
    }
    if (command == nullptr || yaml::blank(*command->value)) {
        findings.push_back({"archive-command-missing",
                            {"archive_mode is on, but there is no archive_command: WAL piles up",
                             fmt::format("set archive_command: pgbackrest --stanza={} archive-push %p", intent.stanza),
                             command == nullptr ? mode->place : command->place}});
        return;
    }
    const auto& text = command->value->text;
    if (text.find("archive-push") == std::string::npos) {
        findings.push_back({"archive-command-other",
                            {"archive_command does not run pgbackrest archive-push",
                             "ignore this if it is a script that does", command->place}});
    } else if (const auto other = difference(text, intent); !other.empty()) {
        findings.push_back(
            {"archive-command-elsewhere",
             {"archive_command uses " + other,
              "make both name the same one, unless the restored cluster should archive elsewhere", command->place}});
    }
}

void review_standbys(const Node& recovery_conf, const std::string& place, const Intent& intent,
                     std::vector<Finding>& findings) {
    const Entry* command = find_any_case(recovery_conf, "restore_command");
    if (command == nullptr || yaml::blank(*command->value)) {
        findings.push_back(
            {"standby-restore-command-missing",
             {"postgresql.recovery_conf.restore_command is not set: a standby that lags behind cannot "
              "fetch WAL from the archive",
              fmt::format("set it to: pgbackrest --stanza={} archive-get %f \"%p\"", intent.stanza), place}});
    } else if (const auto other = difference(command->value->text, intent); !other.empty()) {
        findings.push_back({"standby-restore-command-elsewhere",
                            {"postgresql.recovery_conf.restore_command uses " + other,
                             "make it read the archive that the cluster writes", command->place}});
    }
    for (const Entry& entry : recovery_conf.entries) {
        if (system::lower(entry.key).starts_with("recovery_target") &&
            system::lower(entry.key) != "recovery_target_timeline") {
            findings.push_back({"standby-target-ignored",
                                {fmt::format("postgresql.recovery_conf.{} is ignored by Patroni there", entry.key),
                                 "put the recovery target into the method's block: type and target", entry.place}});
        }
    }
}

}  // namespace

void review_archiving(const Node& tree, const Intent& intent, std::vector<Finding>& findings) {
    const Node& local = tree.map_at("postgresql");
    const Node& dynamic = tree.map_at("bootstrap").map_at("dcs").map_at("postgresql");
    review_archive_command(parameter(local, dynamic, "archive_mode"), parameter(local, dynamic, "archive_command"),
                           intent, findings);
    const Entry* recovery_conf = effective(local, dynamic, "recovery_conf");
    static const Node nothing;
    review_standbys(recovery_conf == nullptr ? nothing : *recovery_conf->value,
                    recovery_conf == nullptr ? std::string() : recovery_conf->place, intent, findings);
}

}  // namespace patroni_pgbackrest::patroni
