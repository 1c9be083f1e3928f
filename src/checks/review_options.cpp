#include "checks/review_options.hpp"

#include "patroni/dcs_configuration.hpp"
#include "pgbackrest/option_in_force.hpp"
#include "pgbackrest/restore.hpp"
#include "staging/layout.hpp"

#include <filesystem>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// Each run has its own, whatever is configured for others.
bool is_of_no_interest(std::string_view name) {
    return name.starts_with("log-") || name == "lock-path" || name == "spool-path" || name == "delta";
}

/// It need not exist. pgBackRest takes a slash at the end away.
fs::path resolved(const fs::path& path) {
    return choose_layout(path).data_directory;
}

/// How the restored cluster's archive_command calls pgBackRest; empty if it does not, as far as one can see.
std::optional<pgbackrest::Pgbackrest> archiving_pgbackrest(const Request& request) {
    const auto archiving = request.patroni ? request.patroni->archiving : patroni::Archiving{};
    if (!archiving.is_on || !archiving.command || archiving.command->text.find("archive-push") == std::string::npos) {
        return std::nullopt;
    }
    const auto& command = archiving.command->text;
    pgbackrest::Pgbackrest pgbackrest;
    pgbackrest.stanza = patroni::pgbackrest_option(command, "stanza").value_or(request.pgbackrest.stanza);
    for (const char* name : {"config-path", "config-include-path"}) {
        if (const auto value = patroni::pgbackrest_option(command, name)) {
            pgbackrest.common.push_back({name, *value});
        }
    }
    if (const auto file = patroni::pgbackrest_option(command, "config")) {
        pgbackrest.configuration = *file;
    }
    return pgbackrest;
}

}  // namespace

/// No values: of an unknown option, or in a recovery-option, they may be secrets.
std::vector<Finding> review_options(const Request& request) {
    std::vector<Finding> findings;
    for (const auto& variable : pgbackrest::dropped_variables()) {
        findings.push_back({"option-empty",
                            {"the variable has no value: pgBackRest refuses each command that knows the option",
                             "unset " + variable + " in Patroni's environment, or give it a value", variable}});
    }
    for (const auto& option : request.configured) {
        const auto treatment = pgbackrest::treatment_of(option.name);
        if (treatment == pgbackrest::Treatment::unknown) {
            findings.push_back({"option-unknown",
                                {fmt::format("'{}' is no option of pgBackRest 2.33 to 2.60", option.name),
                                 "correct it, or look up what it does to a restore", option.place}});
        } else if (treatment == pgbackrest::Treatment::ours && !is_of_no_interest(option.name)) {
            findings.push_back({"option-not-used",
                                {fmt::format("{} is not used here", option.name),
                                 "say in the method's block what is wanted, and take it out here unless it is for "
                                 "pgbackrest restore by hand",
                                 option.place}});
        }
    }
    return findings;
}

std::vector<Finding> review_restore_options(const Request& request) {
    pgbackrest::RestoreJob job;
    job.pgbackrest = request.pgbackrest;
    job.backup_set = "latest";
    job.options = request.restore_options;
    try {
        pgbackrest::read_options(job);
        return {};
    } catch (const Failure& failure) {
        return {{"option-refused", failure.problems().front()}};
    }
}

std::vector<Finding> review_pg_path(const Request& request) {
    const auto pgbackrest = archiving_pgbackrest(request);
    if (!pgbackrest) {
        return {};
    }
    const auto& command = *request.patroni->archiving.command;
    try {
        const auto in_force = [&](const char* name) {
            return pgbackrest::option_in_force(*pgbackrest, "archive-push", name);
        };
        auto path = in_force("pg1-path");
        if (const auto given = patroni::pgbackrest_option(command.text, "pg1-path")) {
            path = pgbackrest::ConfiguredOption{"pg1-path", {*given}, command.place};
        }
        // With a host it is a path there.
        if (!path || in_force("pg1-host") || resolved(path->values.front()) == resolved(request.data_directory)) {
            return {};
        }
        const Problem problem{
            fmt::format("pg1-path of stanza {} is {}, and the data directory {}: the restored cluster will not archive",
                        pgbackrest->stanza, path->values.front(), request.data_directory.string()),
            "make both name the same directory", path->place};
        return {{"pg-path-other", patroni::said_of_dcs(problem, request.patroni->dcs_edit)}};
    } catch (const Failure&) {
        return {};  // what the restore reads itself is looked at elsewhere
    }
}

}  // namespace patroni_pgbackrest
