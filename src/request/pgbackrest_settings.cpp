#include "request/pgbackrest_settings.hpp"

#include "pgbackrest/configuration_files.hpp"
#include "request/options.hpp"
#include "system/failure.hpp"
#include "system/text.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <string>

namespace patroni_pgbackrest {

namespace {

/// Of pgBackRest's configuration.
void take_problems(const Failure& failure, Settings& settings) {
    for (const auto& problem : failure.problems()) {
        settings.problem(problem.place.empty() ? settings.place("pgbackrest-config") : problem.place, problem.message,
                         problem.hint);
    }
}

}  // namespace

pgbackrest::Pgbackrest pgbackrest_in(const Settings& settings) {
    pgbackrest::Pgbackrest pgbackrest;
    if (const auto program = settings.value("pgbackrest")) {
        pgbackrest.program = program->text;
    }
    if (const auto file = settings.value("pgbackrest-config")) {
        pgbackrest.configuration = std::filesystem::absolute(file->text);
    }
    for (const std::string name : {"config-path", "config-include-path"}) {
        if (const auto path = settings.value(name)) {
            pgbackrest.common.push_back({name, path->text});
        }
    }
    if (const auto stanza = settings.value("stanza")) {
        pgbackrest.stanza = stanza->text;
    }
    return pgbackrest;
}

pgbackrest::Pgbackrest read_pgbackrest(Settings& settings) {
    auto pgbackrest = pgbackrest_in(settings);
    if (!pgbackrest.stanza.empty()) {
        return pgbackrest;
    }
    try {
        const auto stanzas = pgbackrest::configured_stanzas(pgbackrest);
        if (stanzas.size() == 1) {
            pgbackrest.stanza = stanzas.front();
        } else if (stanzas.empty()) {
            settings.problem("--stanza", "no stanza is given, and pgBackRest's configuration has none",
                             "set stanza, or pgbackrest-config if the configuration is elsewhere");
        } else {
            settings.problem("--stanza",
                             "no stanza is given, and pgBackRest's configuration has several: " +
                                 system::join(stanzas, ", "),
                             "set stanza to one of them");
        }
    } catch (const Failure& failure) {
        take_problems(failure, settings);
    }
    return pgbackrest;
}

std::vector<pgbackrest::ConfiguredOption> add_configured(Settings& settings, const pgbackrest::Pgbackrest& pgbackrest) {
    try {
        auto configured = pgbackrest::configured_restore_options(pgbackrest);
        for (auto& option : configured) {
            const auto treatment = pgbackrest::treatment_of(option.name);
            if (treatment == pgbackrest::Treatment::refused) {
                settings.problem(
                    option.place,
                    fmt::format("{} hides what has come into the repository since, newer timelines too", option.name),
                    "take it out of pgBackRest's configuration, and say with type and target which moment "
                    "is wanted");
            }
            if (treatment != pgbackrest::Treatment::requested) {
                continue;
            }
            if (!option.name.starts_with("db-")) {
                option.counts = settings.add_configured(option);
            } else if (!settings.value(option.name)) {
                settings.problem(
                    option.place,
                    fmt::format("{} {} would leave databases out of the restore", option.name,
                                system::join(option.values, ", ")),
                    fmt::format(
                        "take it out of pgBackRest's configuration; where that is what is wanted, say {} in the "
                        "method's block",
                        option.name));
            }
        }
        for (const auto& problem : pgbackrest::repositories_that_differ(pgbackrest)) {
            settings.problem(problem.place, problem.message, problem.hint);
        }
        return configured;
    } catch (const Failure& failure) {
        take_problems(failure, settings);
        return {};
    }
}

std::vector<pgbackrest::Option> options_to_pass(Settings& settings) {
    std::vector<pgbackrest::Option> options;
    for (const auto& definition : bootstrap_options()) {
        const std::string name(definition.name);
        if (definition.owner != OptionOwner::pgbackrest || name.starts_with("config-") || name == "archive-mode") {
            continue;
        }
        if (definition.kind == OptionKind::flag) {
            if (settings.flag(name)) {
                options.push_back({name});
            }
            continue;
        }
        for (const auto& value : settings.values(name)) {
            options.push_back({name, value.text});
        }
    }
    return options;
}

}  // namespace patroni_pgbackrest
