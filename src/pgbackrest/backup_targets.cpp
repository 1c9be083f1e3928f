#include "pgbackrest/backup_targets.hpp"

#include "pgbackrest/capture.hpp"
#include "pgbackrest/error_meaning.hpp"
#include "pgbackrest/printable.hpp"
#include "system/text.hpp"
#include "system/whole_number.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <variant>

namespace patroni_pgbackrest::pgbackrest {

using nlohmann::json;

namespace {

void take(const json& backup, const char* key, BackupTarget::Kind kind, std::vector<BackupTarget>& targets) {
    if (!backup.contains(key) || backup.at(key).is_null()) {
        return;
    }
    for (const auto& entry : backup.at(key)) {
        targets.push_back({kind, entry.at("name").get<std::string>(),
                           entry.contains("oid") ? std::to_string(system::whole_number<std::uint32_t>(entry.at("oid")))
                                                 : std::string(),
                           entry.at("destination").get<std::string>()});
    }
}

std::optional<std::string> mapped(const std::vector<Option>& options, const std::string& option,
                                  const BackupTarget& target) {
    for (const auto& given : options) {
        const auto [name, place] = name_and_place(given);
        if (given.name == option && !place.empty() &&
            (name == target.name || (!target.id.empty() && name == target.id))) {
            return place;
        }
    }
    return std::nullopt;
}

std::optional<std::string> value_of(const std::vector<Option>& options, const std::string& option) {
    const auto found =
        std::find_if(options.begin(), options.end(), [&](const Option& given) { return given.name == option; });
    return found == options.end() ? std::nullopt : std::optional(found->value);
}

std::optional<std::string> place_of(const BackupTarget& target, const std::vector<Option>& options) {
    if (target.kind == BackupTarget::Kind::tablespace) {
        if (auto place = mapped(options, "tablespace-map", target)) {
            return place;
        }
        if (const auto all = value_of(options, "tablespace-map-all")) {
            return *all + "/" + target.name;
        }
        return target.destination;
    }
    if (auto place = mapped(options, "link-map", target)) {
        return place;
    }
    return value_of(options, "link-all") ? std::optional(target.destination) : std::nullopt;
}

/// A link's place is relative to the directory that the link is in.
std::filesystem::path resolved(const std::filesystem::path& data_directory, const std::string& name,
                               const std::string& place) {
    return ((data_directory / name).parent_path() / place).lexically_normal();
}

}  // namespace

std::pair<std::string, std::string> name_and_place(const Option& option) {
    const auto sign = option.value.find('=');
    return sign == std::string::npos ? std::pair<std::string, std::string>()
                                     : std::pair(option.value.substr(0, sign), option.value.substr(sign + 1));
}

std::optional<std::vector<BackupTarget>> parse_targets(std::string_view text, const std::string& label) {
    std::vector<BackupTarget> targets;
    bool is_there = false;
    try {
        const auto stanzas = json::parse(text);
        for (const auto& stanza : stanzas) {
            for (const auto& backup : stanza.at("backup")) {
                if (backup.at("label") == label) {
                    is_there = true;
                    take(backup, "tablespace", BackupTarget::Kind::tablespace, targets);
                    take(backup, "link", BackupTarget::Kind::link, targets);
                }
            }
        }
    } catch (const json::exception& error) {
        throw Failure(ExitCode::repository_unreachable,
                      fmt::format("pgbackrest info of backup set {} cannot be read: {}", label, error.what()),
                      "run pgbackrest info with --set and --output=json by hand");
    }
    return is_there ? std::optional(targets) : std::nullopt;
}

std::vector<BackupTarget> parse_printed_targets(std::string_view text) {
    constexpr std::string_view arrow = " => ";
    std::vector<BackupTarget> targets;
    std::optional<BackupTarget::Kind> section;
    for (const auto& line : system::lines(text)) {
        const auto words = system::trim(line);
        const auto sign = words.find(arrow);
        if (words == "symlinks:" || words == "tablespaces:") {
            section = words == "symlinks:" ? BackupTarget::Kind::link : BackupTarget::Kind::tablespace;
        } else if (!section || sign == std::string_view::npos) {
            section.reset();
        } else {
            BackupTarget target{*section, std::string(words.substr(0, sign)), "",
                                std::string(words.substr(sign + arrow.size()))};
            const auto id = target.name.rfind(" (");
            if (*section == BackupTarget::Kind::tablespace && id != std::string::npos) {
                target.id = target.name.substr(id + 2, target.name.size() - id - 3);
                target.name.resize(id);
            }
            targets.push_back(std::move(target));
        }
    }
    return targets;
}

namespace {

/// Why a set is not in an answer that succeeded.
struct Absence {
    Failure failure;
    bool may_pass;
};

/// Its manifest could not be loaded, for this reason of pgBackRest's.
Absence unreadable(const std::string& label, const std::string& reason) {
    const auto meaning = meaning_of_status(reason);
    const auto words = redacted(system::trim(std::string_view(reason).substr(0, reason.find('\n'))));
    return {Failure(meaning.exit_code, fmt::format("backup set {} cannot be read: {}", label, words),
                    std::string(meaning.hint)),
            meaning.may_pass};
}

/// `info` looks for backup.manifest alone, as which its copy is as good.
Absence missing(const std::string& label, unsigned repository) {
    return {
        Failure(ExitCode::target_not_reachable,
                fmt::format("backup set {} has no backup.manifest in repo{}", label, repository),
                "where backup.manifest.copy is still there, copy it to backup.manifest beside it; else name another "
                "set that pgbackrest info lists, or run it again if this one has just expired"),
        false};
}

/// `why` is the repository's status in pgBackRest's words.
Absence without_stanza(const std::string& stanza, unsigned repository, const std::string& why) {
    return {Failure(ExitCode::repository_unreachable,
                    fmt::format("stanza {} is not in repo{} any more: {}", stanza, repository, why),
                    "bring the repository back, see whether it is mounted, and run it again"),
            true};
}

Absence absence_in(std::string_view text, const std::string& stanza, const std::string& label, unsigned repository) {
    for (const auto& status : parse_info(text, stanza).repositories) {
        if (status.code == RepositoryStatus::out_of_reach) {
            return unreadable(label, status.message);
        }
        if (RepositoryStatus::lacks_stanza(status.code)) {
            return without_stanza(stanza, repository, status.message);
        }
    }
    return missing(label, repository);
}

/// 2.33: `full backup: 20261122-072841F`, or the repository's error.
std::optional<std::vector<BackupTarget>> printed_targets(const std::string& text, const std::string& label) {
    return text.find(" backup: " + label + "\n") == std::string::npos ? std::nullopt
                                                                      : std::optional(parse_printed_targets(text));
}

Absence absence_in_printed(const std::string& text, const std::string& stanza, const std::string& label,
                           unsigned repository) {
    for (const char* lack : {"missing stanza path", "missing stanza data"}) {
        if (text.find(fmt::format("error ({})", lack)) != std::string::npos) {
            return without_stanza(stanza, repository, lack);
        }
    }
    const auto reason = text.find("Error] ");
    return reason == std::string::npos ? missing(label, repository)
                                       : unreadable(label, text.substr(std::min(text.rfind('[', reason), reason)));
}

}  // namespace

TargetsQuery::TargetsQuery(const Pgbackrest& pgbackrest, const Backup& backup)
    : stanza_(pgbackrest.stanza), label_(backup.label), repository_(backup.repository),
      command_(pgbackrest.data_command(
          "info", {{"output", "json"}, {"set", backup.label}, {"repo", std::to_string(backup.repository)}})),
      printed_command_(
          pgbackrest.data_command("info", {{"set", backup.label}, {"repo", std::to_string(backup.repository)}})),
      first_(std::make_unique<process::Capturing>(command_)) {}

std::vector<BackupTarget> TargetsQuery::answer(const RetryPolicy& retry) {
    auto result = first_->result();
    const auto* exited = std::get_if<process::Exited>(&result.outcome);
    const bool is_old = exited != nullptr && exited->code == 27;  // 2.33 has no JSON for one set: option invalid
    if (is_old) {
        command_ = printed_command_;
        result = process::capture(command_);
    }
    for (Retries retries(retry);; result = process::capture_while_it_works(command_)) {
        result = succeeded_or_again("info of backup set " + label_, std::move(result), command_, retry);
        const auto text = printable(result.output);
        const auto targets = is_old ? printed_targets(text, label_) : parse_targets(text, label_);
        if (targets) {
            return *targets;
        }
        const auto absence = is_old ? absence_in_printed(text, stanza_, label_, repository_)
                                    : absence_in(text, stanza_, label_, repository_);
        if (!absence.may_pass || !retries.another(absence.failure.what())) {
            throw Failure(absence.failure);
        }
    }
}

std::vector<RestoredTarget> restored_targets(const std::vector<BackupTarget>& targets,
                                             const std::vector<Option>& options,
                                             const std::filesystem::path& data_directory) {
    using Kind = BackupTarget::Kind;
    std::vector<RestoredTarget> restored;
    for (const auto& target : targets) {
        if (const auto place = place_of(target, options)) {
            const bool is_link = target.kind == Kind::link;
            restored.push_back({target.kind, is_link ? "pg_data/" + target.name : "pg_tblspc/" + target.id,
                                resolved(data_directory, target.name, *place)});
        }
    }
    for (const auto& given : options) {
        const auto [name, place] = name_and_place(given);
        const auto is_link = [&name = name](const BackupTarget& target) {
            return target.kind == Kind::link && target.name == name;
        };
        if (given.name == "link-map" && !place.empty() && std::none_of(targets.begin(), targets.end(), is_link)) {
            restored.push_back({Kind::link, "pg_data/" + name, resolved(data_directory, name, place)});
        }
    }
    return restored;
}

std::vector<std::filesystem::path> places_of(const std::vector<RestoredTarget>& targets,
                                             std::optional<BackupTarget::Kind> kind) {
    std::vector<std::filesystem::path> places;
    for (const auto& target : targets) {
        if (!kind || target.kind == *kind) {
            places.push_back(target.place);
        }
    }
    return places;
}

}  // namespace patroni_pgbackrest::pgbackrest
