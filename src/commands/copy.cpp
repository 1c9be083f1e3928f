#include "commands/copy.hpp"

#include "pgbackrest/backup_files.hpp"
#include "pgbackrest/backup_targets.hpp"
#include "pgbackrest/restore.hpp"
#include "postgres/living_server.hpp"
#include "replay/ticket.hpp"
#include "staging/adoption.hpp"
#include "staging/kept_base.hpp"
#include "staging/places.hpp"
#include "staging/rejected_directory.hpp"
#include "system/file.hpp"
#include "system/log.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace patroni_pgbackrest::commands {

namespace {

/// Only where the request names a directory, and nothing was copied yet.
void reuse_data(const Request& request, const Plan& plan, StagingDirectory& staging,
                const std::vector<std::filesystem::path>& outside) {
    if (!request.reuse_data || !system::is_empty_or_absent(staging.path())) {
        return;
    }
    if (!std::filesystem::is_directory(*request.reuse_data)) {
        log::warning("reuse-data {} is no directory: everything is copied", request.reuse_data->string());
        return;
    }
    reuse(staging, *request.reuse_data, plan, outside, request.restore_options);
    log::info("{} is the staging directory now: only changed files are copied", request.reuse_data->string());
}

/// Of the links whose targets are not there. Without a manifest none is known to be one.
std::vector<std::filesystem::path> absent_directories(const Request& request, const Plan& plan,
                                                      const std::vector<pgbackrest::RestoredTarget>& targets) {
    std::vector<std::string> names;
    std::vector<std::filesystem::path> absent, directories;
    for (const auto& target : targets) {
        std::error_code error;
        if (target.kind == pgbackrest::BackupTarget::Kind::link && !std::filesystem::exists(target.place, error)) {
            names.push_back(target.files);
            absent.push_back(target.place);
        }
    }
    const auto files =
        names.empty() ? std::nullopt : pgbackrest::files_of_targets(request.pgbackrest, plan.backup, names);
    for (std::size_t i = 0; files && i < absent.size(); ++i) {
        if (files->at(i).is_directory) {
            directories.push_back(absent[i]);
        }
    }
    return directories;
}

/// As many as hide the waits, where each file is flushed.
unsigned processes_of_copy(const Request& request, const Plan& plan, const std::optional<std::string>& why_it_flushes) {
    const auto repository = plan.backup.repository;
    if (!why_it_flushes) {
        return processes_for(request, "restore", repository);
    }
    log::info("pgbackrest flushes each file of the copy: {}", *why_it_flushes);
    return processes_with_flushes(request, repository, plan.backup.size,
                                  [&] { return pgbackrest::number_of_files(request.pgbackrest, plan.backup); });
}

/// What ALTER SYSTEM had left, kept from an earlier copy, would come back in place of this one's where that is empty.
void forget_auto_conf(const StagingDirectory& staging) {
    system::remove_file(staging.layout().kept_auto_conf());
}

/// With the clone that was kept of an earlier copy of the same, if there is one.
bool copy_from_base(const Request& request, const Plan& plan, StagingDirectory& staging,
                    const std::vector<std::filesystem::path>& outside, RunDisplay& display) {
    if (!has_base(request, plan, staging)) {
        return false;
    }
    log::info("a clone of backup set {} was kept: nothing is copied from the repository", plan.backup.label);
    postgres::remove_stale_postmaster_file(staging.path());
    staging.begin_copy(request, plan, outside);
    if (!take_base(staging)) {
        return false;
    }
    display.copies(0);
    display.counted(Unit::bytes, plan.backup.size, plan.backup.size);
    forget_auto_conf(staging);
    staging.enter(Phase::copied);
    return true;
}

}  // namespace

void copy(const Request& request, const Plan& plan, StagingDirectory& staging, RunDisplay& display) {
    const auto targets = pgbackrest::restored_targets(plan.targets, request.restore_options, staging.path());
    const auto outside = pgbackrest::places_of(targets);
    if (copy_from_base(request, plan, staging, outside, display)) {
        return;
    }
    leave_unfit_base(request, plan, staging);
    reuse_data(request, plan, staging, outside);
    display.copies(system::is_empty_or_absent(staging.path()) ? plan.backup.size : 0);
    postgres::remove_stale_postmaster_file(staging.path());  // waits for a server of ours that still ends
    const bool is_first = staging.journal().only_planned() && system::is_empty_or_absent(staging.path());
    staging.begin_copy(request, plan, outside);
    if (is_first && !request.scratch) {  // a rehearsal holds up nobody's disk
        staging.write_errors().forget();
    }
    pgbackrest::RestoreJob job;
    job.pgbackrest = request.pgbackrest;
    job.data_directory = staging.path();
    job.backup_set = plan.backup.label;
    job.options = request.restore_options;
    job.outside = outside;
    job.tablespaces = pgbackrest::places_of(targets, pgbackrest::BackupTarget::Kind::tablespace);
    job.linked_directories = absent_directories(request, plan, targets);
    job.when_places_are_made = [&] { staging.note_places(outside); };
    job.options.push_back({"repo", std::to_string(plan.backup.repository)});
    const auto why_it_flushes = pgbackrest::why_it_flushes(job);
    job.flushes = why_it_flushes.has_value();
    const auto processes = processes_of_copy(request, plan, why_it_flushes);
    job.options.push_back({"process-max", std::to_string(processes)});
    job.lock_path = staging.layout().pgbackrest_lock();
    job.spool_path = staging.layout().spool();
    job.retry = request.retry;
    job.detail = request.log_level == log::Level::debug;
    job.on_progress = [&](double percent) {
        const auto done = percent / 100 * static_cast<double>(plan.backup.size);
        display.counted(Unit::bytes, static_cast<std::uint64_t>(done), plan.backup.size);
    };
    job.on_progress(0);
    pgbackrest::restore(job);
    remove_inherited_workspace(staging.path());
    for (const char* name : {made_places_file, OnlyOnce::file_name, rejection_mark}) {
        system::remove_file(staging.path() / name);  // the backup's, or of an earlier try
    }
    forget_auto_conf(staging);
    staging.enter(Phase::copied);
    keep_base(request, plan, staging);
}

}  // namespace patroni_pgbackrest::commands
