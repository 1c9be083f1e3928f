#include "pgbackrest/backup_files.hpp"

#include "process/child.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fmt/format.h>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest::pgbackrest {

namespace {

process::Command manifest_command(const Pgbackrest& pgbackrest, const Backup& backup) {
    const auto path = fmt::format("backup/{}/{}/backup.manifest", pgbackrest.stanza, backup.label);
    return pgbackrest.data_command("repo-get", {{"repo", std::to_string(backup.repository)}}, {path});
}

/// `,"size":8192,` in a file's JSON. Beside it there may be repo-size and szo.
std::optional<std::uint64_t> size_in(std::string_view values) {
    constexpr std::string_view key = "\"size\":";
    const auto begin = values.find(key);
    if (begin == std::string_view::npos) {
        return std::nullopt;
    }
    values.remove_prefix(begin + key.size());
    std::uint64_t size = 0;
    const auto read = std::from_chars(values.data(), values.data() + values.size(), size);
    return read.ec == std::errc() ? std::optional(size) : std::nullopt;
}

/// False if it cannot be read.
bool read_manifest(const Pgbackrest& pgbackrest, const Backup& backup, TargetsInManifest& manifest) {
    process::Child child(
        manifest_command(pgbackrest, backup), [&](std::string_view line) { manifest.read(line); }, process::OnLine());
    const auto& outcome = child.wait(std::chrono::minutes(1));
    if (outcome) {
        process::require_resources(pgbackrest.program, *outcome);
    }
    return outcome && process::succeeded(*outcome);
}

}  // namespace

std::optional<std::set<std::string>> top_files_in(std::string_view manifest) {
    constexpr std::string_view section = "\n[target:file]\n";
    constexpr std::string_view directory = "pg_data/";
    const auto begin = manifest.find(section);
    if (begin == std::string_view::npos) {
        return std::nullopt;
    }
    manifest.remove_prefix(begin + section.size());
    std::set<std::string> names;
    while (!manifest.empty() && manifest.front() != '[') {
        const auto line = manifest.substr(0, manifest.find('\n'));
        manifest.remove_prefix(std::min(line.size() + 1, manifest.size()));
        const auto name = line.substr(0, line.find("={"));
        if (name.starts_with(directory) && name.find('/', directory.size()) == std::string_view::npos) {
            names.emplace(name.substr(directory.size()));
        }
    }
    return names;
}

std::optional<std::set<std::string>> top_files_of(const Pgbackrest& pgbackrest, const Backup& backup) {
    const auto manifest = process::capture_while_it_works(manifest_command(pgbackrest, backup));
    process::require_resources(pgbackrest.program, manifest.outcome);
    return process::succeeded(manifest.outcome) ? top_files_in(manifest.output) : std::nullopt;
}

TargetsInManifest::TargetsInManifest(std::vector<std::string> targets)
    : targets_(std::move(targets)), found_(targets_.size() + 1) {
    found_.back().is_directory = true;
}

void TargetsInManifest::read(std::string_view line) {
    if (line.starts_with('[')) {
        section_ = line;
        return;
    }
    const auto sign = line.rfind("={");
    if (sign == std::string_view::npos) {
        return;
    }
    const auto name = line.substr(0, sign);
    const auto size = section_ == "[target:file]" ? size_in(line.substr(sign)) : std::nullopt;
    auto owner = targets_.size();
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        const auto& target = targets_[i];
        const bool is_in = name == target || (name.starts_with(target) && name[target.size()] == '/');
        if (is_in && (owner == targets_.size() || target.size() > targets_[owner].size())) {
            owner = i;
        }
        found_[i].is_directory = found_[i].is_directory || (section_ == "[target:path]" && name == target);
    }
    found_[owner].bytes += size.value_or(0);
    files_ += size ? 1 : 0;
}

std::optional<std::vector<TargetFiles>> TargetsInManifest::found() const {
    return files_ > 0 ? std::optional(found_) : std::nullopt;
}

std::optional<std::vector<TargetFiles>> files_of_targets(const Pgbackrest& pgbackrest, const Backup& backup,
                                                         const std::vector<std::string>& targets) {
    TargetsInManifest manifest(targets);
    return read_manifest(pgbackrest, backup, manifest) ? manifest.found() : std::nullopt;
}

std::optional<std::uint64_t> number_of_files(const Pgbackrest& pgbackrest, const Backup& backup) {
    TargetsInManifest manifest({});
    const bool is_read = read_manifest(pgbackrest, backup, manifest) && manifest.files() > 0;
    return is_read ? std::optional(manifest.files()) : std::nullopt;
}

}  // namespace patroni_pgbackrest::pgbackrest
