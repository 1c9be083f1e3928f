#include "commands/configured_in_dcs.hpp"

#include "commands/configured_commands.hpp"
#include "patroni/command_words.hpp"
#include "request/patroni_mode.hpp"
#include "system/text.hpp"
#include "yaml/write.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace patroni_pgbackrest::commands {

bool is_in_dcs(const yaml::Path& path, const patroni::DcsConfiguration& dcs) {
    return !dcs.json.empty() && path.size() > 2 && path[0] == "bootstrap" && path[1] == "dcs";
}

std::string standbys_command(const NamedRepository& repository, bool patroni_mode) {
    return (patroni_mode ? guard_call(repository) : pgbackrest_call(repository) + " archive-get") + " %f \"%p\"";
}

void require_stanza_of_dcs(const patroni::DcsConfiguration& dcs, const std::string& stanza) {
    const auto json = nlohmann::json::parse(dcs.json.empty() ? "{}" : dcs.json, nullptr, false);
    for (const std::string key :
         {"parameters/archive_command", "parameters/restore_command", "recovery_conf/restore_command"}) {
        const nlohmann::json::json_pointer place("/postgresql/" + key);
        const bool is_command = json.contains(place) && json.at(place).is_string();
        const auto other = is_command ? other_stanza_in(json.at(place).get<std::string>(), stanza) : std::nullopt;
        if (other) {
            throw Failure(ExitCode::usage,
                          fmt::format("/config in the DCS has a {} that names stanza {}, and the restore's is {}",
                                      place.back(), *other, stanza),
                          "name this cluster's with --stanza");
        }
    }
}

std::optional<Problem> restore_command_in_dcs(const patroni::RecoveryConf& in_force, const NamedRepository& repository,
                                              bool patroni_mode, const std::string& edit) {
    const auto* setting = in_force.find("restore_command");
    const auto current = setting == nullptr ? std::string() : setting->entry->value->text;
    const bool fits = is_guard(current) || (!patroni_mode && patroni::calls_pgbackrest(current, "archive-get"));
    const auto stanza = patroni::option_in(patroni::command_words(current), "stanza");
    if (fits && stanza.value_or(repository.stanza) == repository.stanza) {
        return std::nullopt;
    }
    const yaml::Path path = setting == nullptr ? below(in_force.path, "restore_command") : setting->path;
    const auto key = yaml::text(yaml::Path(path.begin() + 2, path.end()));
    const auto value =
        yaml::written_scalar(yaml::NewNode::of_text(standbys_command(repository, patroni_mode)), yaml::Style(), false);
    return Problem{fmt::format("{} of /config in the DCS counts for standbys, and not what patroni.yml says: it {}",
                               key, current.empty() ? "is not set" : "runs something else"),
                   fmt::format("if that is not meant, run {} -s {}", edit, system::shell_word(key + "=" + value))};
}

}  // namespace patroni_pgbackrest::commands
