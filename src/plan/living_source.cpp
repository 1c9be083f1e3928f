#include "plan/living_source.hpp"

#include "patroni/command_words.hpp"
#include "patroni/dcs_configuration.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace patroni_pgbackrest {

namespace {

constexpr auto archiving_settings =
    std::to_array<std::string_view>({"archive_mode", "archive_command", "archive_library"});

std::optional<std::string> value_in(const std::vector<postgres::Setting>& settings, std::string_view name) {
    const auto found =
        std::find_if(settings.begin(), settings.end(), [&](const auto& setting) { return setting.name == name; });
    return found == settings.end() ? std::nullopt : std::optional(found->value);
}

bool is_off(const std::string& mode) {
    static constexpr auto words = std::to_array<std::string_view>({"off", "false", "no", "0"});
    return std::find(words.begin(), words.end(), system::lower(mode)) != words.end();
}

/// With the command that changes archive_command, where it is in the DCS.
Problem said_where(Problem problem, const Request& request) {
    if (request.patroni && request.patroni->archiving.command) {
        problem.place = request.patroni->archiving.command->place;
        problem = patroni::said_of_dcs(std::move(problem), request.patroni->dcs_edit);
    }
    return problem;
}

}  // namespace

bool would_archive_into(const Request& request, const std::vector<postgres::Setting>& altered) {
    const auto archiving = request.patroni ? request.patroni->archiving : patroni::Archiving{};
    const auto altered_mode = value_in(altered, "archive_mode");
    if (altered_mode ? is_off(*altered_mode) : archiving.mode && !archiving.is_on) {
        return false;
    }
    // A library may archive anywhere.
    if (!value_in(altered, "archive_library").value_or("").empty()) {
        return true;
    }
    const auto command = archive_command_in_force(request, altered);
    if (!command) {
        return true;
    }
    if (system::trim(*command).empty()) {
        return false;
    }
    // In another program, without its own --stanza, or where a shell expands it, pgBackRest may get the stanza from
    // anywhere. One command may archive into several.
    const auto words = patroni::command_words(*command);
    const auto stanzas = patroni::values_in(words, "stanza");
    const auto pushes = std::count(words.begin(), words.end(), "archive-push");
    return stanzas.empty() || std::ssize(stanzas) < pushes ||
           std::any_of(stanzas.begin(), stanzas.end(), [&](const std::string& stanza) {
               return stanza == request.pgbackrest.stanza || stanza.find_first_of("$`") != std::string::npos;
           });
}

std::optional<std::string> archive_command_in_force(const Request& request,
                                                    const std::vector<postgres::Setting>& altered) {
    auto command = value_in(altered, "archive_command");
    if (!command && request.patroni && request.patroni->archiving.command) {
        command = request.patroni->archiving.command->text;
    }
    return command;
}

std::vector<std::string> archiving_to_reset(const Request& request, const std::vector<postgres::Setting>& altered) {
    std::vector<std::string> names;
    if (!would_archive_into(request) && would_archive_into(request, altered)) {
        for (const auto name : archiving_settings) {
            if (value_in(altered, name)) {
                names.emplace_back(name);
            }
        }
    }
    return names;
}

void refuse_living_source(const Request& request, const std::string& arrived,
                          const std::vector<postgres::Setting>& altered) {
    const auto what = fmt::format("{} has arrived in stanza {} since the restore began: the old cluster is alive",
                                  arrived, request.pgbackrest.stanza);
    if (request.source_is_fenced) {
        log::warning("{}, although source says that it is fenced", what);
        return;
    }
    if (!would_archive_into(request, altered)) {
        log::warning("{}; the restored one archives elsewhere", what);
        return;
    }
    const auto problem =
        said_where({what + ", and the restored one would destroy its archive by archiving into the same stanza",
                    "stop the old cluster, or give the restored one an archive_command with a stanza of its own, and "
                    "run it again: the staging directory is kept; `source: fenced` says that it cannot come back"},
                   request);
    throw Failure(ExitCode::unsafe, problem.message, problem.hint);
}

}  // namespace patroni_pgbackrest
