#include "commands/bootstrap.hpp"

#include "patroni/members.hpp"
#include "pgbackrest/restore.hpp"
#include "postgres/binaries.hpp"
#include "recovery/delivery.hpp"
#include "recovery/plan.hpp"
#include "recovery/replay.hpp"
#include "recovery/report.hpp"
#include "recovery/staging.hpp"
#include "recovery/verification.hpp"
#include "system/file.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest::commands {

using recovery::Phase;
using recovery::Plan;
using recovery::Recovery;
using recovery::Report;
using recovery::Request;
using recovery::StagingDirectory;
using recovery::Start;

namespace {

std::filesystem::path binaries_for(const Request& request, const Plan& plan) {
    std::optional<std::filesystem::path> configured;
    if (request.patroni && request.patroni->bin_directory) {
        configured = request.patroni->bin_directory->text;
    }
    return postgres::find_binaries(plan.major_version, configured);
}

/// pgBackRest tells its version while it reads the repository.
recovery::RepositoryState observe(const Request& request, Report& report) {
    recovery::require_pgbackrest(request);
    system::Capturing version(pgbackrest::version_command(request.pgbackrest), std::chrono::seconds(30));
    const auto number = [&] { return pgbackrest::version_in(request.pgbackrest, version.result()); };
    try {
        auto repository = recovery::read_repository(request);
        report.version("pgbackrest", fmt::format("{}.{}", number() / 1000, number() % 1000));
        return repository;
    } catch (const Failure&) {
        number();  // a version that is too old explains the rest
        throw;
    }
}

void announce(const Request& request, const Plan& plan, const StagingDirectory& staging) {
    log::info("restore of {} to {}: backup set {}, timeline {} ({}), {} WAL segments, replayed by {}",
              request.pgbackrest.stanza, request.target.text(), plan.backup.label, plan.timeline().text(),
              plan.reason_for_timeline, plan.wal.segments,
              request.recovery == Recovery::standalone ? "a private PostgreSQL (standalone mode)"
                                                       : "Patroni's PostgreSQL (patroni mode)");
    log::info("staging directory {}", staging.path().string());
}

/// What an earlier run with this request left decides where this one begins.
Start where_to_start(const Plan& plan, const StagingDirectory& staging, const std::filesystem::path& bin_directory) {
    const auto& earlier = staging.earlier();
    if (!earlier || earlier->backup_set != plan.backup.label || earlier->phase == Phase::copying) {
        return Start::copy;
    }
    try {
        const auto control = postgres::read_control_data(bin_directory, staging.path());
        return recovery::decide_start(earlier->phase, control, plan.timeline(), earlier->boot == recovery::boot_id());
    } catch (const Failure& failure) {
        log::warning("what an earlier run left cannot be used as it is: {}", failure.what());
        return Start::copy;
    }
}

void copy(const Request& request, const Plan& plan, StagingDirectory& staging) {
    staging.begin_copy(request, plan,
                       pgbackrest::restored_places(plan.targets, request.restore_options, staging.path()));
    pgbackrest::RestoreJob job;
    job.pgbackrest = request.pgbackrest;
    job.data_directory = staging.path();
    job.backup_set = plan.backup.label;
    job.options = request.restore_options;
    job.options.push_back({"repo", std::to_string(plan.backup.repository)});
    job.options.push_back({"process-max", std::to_string(request.processes)});
    job.lock_path = staging.layout().pgbackrest_lock();
    job.spool_path = staging.layout().spool();
    job.retry = request.retry;
    job.detail = request.log_level == log::Level::debug;
    pgbackrest::restore(job);
    staging.reached(Phase::copied);
}

/// patronictl answers while the data goes to disk.
void sync_without_leader(const BootstrapArguments& arguments, const Request& request, const StagingDirectory& staging) {
    if (!arguments.patroni || request.scope.empty()) {
        staging.sync();
        return;
    }
    patroni::LeaderQuery query(arguments.source, request.scope);
    staging.sync();
    const auto leadership = query.answer();
    if (!leadership.why_unknown.empty()) {
        log::warning("{}: not checked whether scope {} has a leader", leadership.why_unknown, request.scope);
    }
    if (leadership.leader) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("scope {} has a leader meanwhile: {}", request.scope, *leadership.leader),
                      "the cluster went on without this restore; the staging directory is kept");
    }
}

void run(const BootstrapArguments& arguments, const Request& request, Report& report) {
    const auto layout = recovery::choose_layout(request.data_directory);
    if (recovery::hand_over_is_unfinished(layout)) {
        report.phase("hand-over");
        log::info("an earlier run was interrupted in the hand-over: it is finished now");
        StagingDirectory(request).hand_over();
        return;
    }
    recovery::refuse_somebodys_data(layout);

    report.phase("plan");
    const auto plan = recovery::make_plan(request, observe(request, report));
    recovery::require_same_timeline(request, plan);
    const auto bin_directory = binaries_for(request, plan);
    StagingDirectory staging(request);
    report.about(plan, staging.layout());
    report.version("postgresql", plan.database.version);
    announce(request, plan, staging);

    report.phase("copy");
    auto start = where_to_start(plan, staging, bin_directory);
    if (start == Start::copy) {
        copy(request, plan, staging);
        start = Start::replay;
    } else {
        log::info("the copy of an earlier run is complete: the recovery goes on");
    }

    report.phase("recovery");
    if (request.recovery == Recovery::standalone) {
        report.about(recovery::replay(request, plan, staging, bin_directory, start));
    } else {
        recovery::deliver(request, plan, staging);
    }
    report.kept(recovery::set_aside_dynamic_configuration(staging));
    staging.reached(Phase::recovered);

    report.phase("verification");
    recovery::verify_directory(request, plan, staging, bin_directory);

    report.phase("sync");
    sync_without_leader(arguments, request, staging);

    report.phase("hand-over");
    staging.hand_over();
    log::info("{} is ready for Patroni", staging.layout().data_directory.string());
}

void write_report(const std::optional<std::filesystem::path>& path, const Report& report,
                  const std::optional<Failure>& failure) {
    if (!path) {
        return;
    }
    try {
        system::replace_file(*path, report.text(failure), 0644);
    } catch (const Failure& error) {
        // The outcome of the restore is worth more than its report.
        log::write(error.problems().front(), log::Level::warning);
    }
}

}  // namespace

void bootstrap(const BootstrapArguments& arguments) {
    Report report("bootstrap");
    const auto report_path = recovery::report_path(arguments.options, arguments.patroni);
    try {
        report.phase("request");
        const auto request = recovery::make_request(arguments.options, arguments.patroni);
        report.about(request);
        log::set_level(request.log_level);
        if (arguments.calling_patroni) {
            interruption::watch_caller(*arguments.calling_patroni);
        }
        if (!arguments.patroni) {
            log::warning("no patroni.yml: whether it fits the request is not checked");
        }
        run(arguments, request, report);
        write_report(report_path, report, std::nullopt);
    } catch (const Failure& failure) {
        write_report(report_path, report, failure);
        throw;
    }
}

}  // namespace patroni_pgbackrest::commands
