#include "pgbackrest/backup_targets.hpp"

#include "pgbackrest/error_meaning.hpp"
#include "pgbackrest/printable.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

namespace patroni_pgbackrest::pgbackrest {

using nlohmann::json;

namespace {

void take(const json& backup, const char* key, BackupTarget::Kind kind, std::vector<BackupTarget>& targets) {
    if (!backup.contains(key) || backup.at(key).is_null()) {
        return;
    }
    for (const auto& entry : backup.at(key)) {
        targets.push_back({kind, entry.at("name").get<std::string>(),
                           entry.contains("oid") ? std::to_string(entry.at("oid").get<std::uint64_t>()) : std::string(),
                           entry.at("destination").get<std::string>()});
    }
}

std::optional<std::string> mapped(const std::vector<Option>& options, const std::string& option,
                                  const BackupTarget& target) {
    for (const auto& given : options) {
        const auto sign = given.value.find('=');
        if (given.name == option && sign != std::string::npos) {
            const auto name = given.value.substr(0, sign);
            if (name == target.name || (!target.id.empty() && name == target.id)) {
                return given.value.substr(sign + 1);
            }
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

}  // namespace

std::vector<BackupTarget> parse_targets(std::string_view text, const std::string& label) {
    std::vector<BackupTarget> targets;
    try {
        const auto stanzas = json::parse(text);
        for (const auto& stanza : stanzas) {
            for (const auto& backup : stanza.at("backup")) {
                if (backup.at("label") == label) {
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
    return targets;
}

TargetsQuery::TargetsQuery(const Pgbackrest& pgbackrest, const Backup& backup)
    : label_(backup.label),
      command_(pgbackrest.data_command(
          "info", {{"output", "json"}, {"set", backup.label}, {"repo", std::to_string(backup.repository)}})),
      first_(std::make_unique<system::Capturing>(command_)) {}

std::vector<BackupTarget> TargetsQuery::answer(const RetryPolicy& retry) {
    auto result = first_->result();
    for (Retries retries{retry}; !system::succeeded(result.outcome); result = system::capture(command_)) {
        if (!may_pass(result.outcome, result.errors) || !retries.another(what_happened(result.outcome))) {
            throw failure_of("info of backup set " + label_, result.outcome, result.errors);
        }
    }
    return parse_targets(printable(result.output), label_);
}

std::vector<std::filesystem::path> restored_places(const std::vector<BackupTarget>& targets,
                                                   const std::vector<Option>& options,
                                                   const std::filesystem::path& data_directory) {
    std::vector<std::filesystem::path> places;
    for (const auto& target : targets) {
        if (const auto place = place_of(target, options)) {
            const auto holder = (data_directory / target.name).parent_path();
            places.push_back((holder / *place).lexically_normal());
        }
    }
    return places;
}

}  // namespace patroni_pgbackrest::pgbackrest
