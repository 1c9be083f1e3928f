#include "commands/bootstrap.hpp"

#include "checks/verification.hpp"
#include "commands/check.hpp"
#include "commands/sync.hpp"
#include "patroni/review.hpp"
#include "pgbackrest/restore.hpp"
#include "plan/plan.hpp"
#include "postgres/binaries.hpp"
#include "postgres/control_data.hpp"
#include "postgres/living_server.hpp"
#include "replay/delivery.hpp"
#include "replay/probes.hpp"
#include "replay/replay.hpp"
#include "show/report.hpp"
#include "staging/memory.hpp"
#include "staging/set_aside.hpp"
#include "staging/staging.hpp"
#include "system/file.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"

#include <ctime>
#include <fmt/format.h>

namespace patroni_pgbackrest::commands {

namespace {

std::optional<std::filesystem::path> configured_binaries(const Request& request) {
    const bool configured = request.patroni && request.patroni->bin_directory;
    return configured ? std::optional<std::filesystem::path>(request.patroni->bin_directory->text) : std::nullopt;
}

void wait_after(unsigned failures, std::int64_t last) {
    const auto pause = pause_after(failures, last, std::time(nullptr));
    if (pause.count() > 0) {
        log::info("it failed {} times in a row: waiting {} s before the next try", failures, pause.count());
        interruption::sleep(pause);
    }
}

/// pgBackRest tells its version while it reads the repository.
RepositoryState observe(const Request& request, Report& report) {
    require_pgbackrest(request);
    process::Capturing version(pgbackrest::version_command(request.pgbackrest), std::chrono::seconds(30));
    const auto number = [&] { return pgbackrest::version_in(request.pgbackrest, version.result()); };
    try {
        auto repository = read_repository(request);
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

/// Why a recovery that ended in an earlier run does not count any more; empty when it does.
std::string why_outdated(const Request& request, const Plan& plan, const Journal& earlier, postgres::Timeline reached) {
    if (reached > plan.timeline() && plan.archive_end.histories.count(reached) > 0) {
        return fmt::format("timeline {} is in the archive meanwhile", reached.text());
    }
    if (reached > plan.timeline() && request.target.is_latest() && earlier.asked &&
        earlier.asked->last_segment < plan.wal.last()) {
        return "the archive has newer WAL";
    }
    return {};
}

/// What an earlier run with this request left decides where this one begins.
Start where_to_start(const Request& request, const Plan& plan, const StagingDirectory& staging,
                     const std::filesystem::path& bin_directory) {
    const auto& earlier = staging.earlier();
    if (!earlier || earlier->backup_set != plan.backup.label || earlier->phase == Phase::copying ||
        !std::filesystem::exists(staging.path() / "PG_VERSION")) {
        return Start::copy;
    }
    try {
        const auto control = postgres::read_control_data(bin_directory, staging.path());
        const auto outdated = why_outdated(request, plan, *earlier, control.timeline);
        if (!outdated.empty()) {
            log::info("what an earlier run recovered is out of date, {}: only its files are used", outdated);
            return Start::copy;
        }
        const bool same_boot = staging.is_same_boot();
        const auto start = decide_start(earlier->phase, control, plan.timeline(), same_boot);
        if (start == Start::copy && !same_boot) {
            log::info("the machine was started or the disk mounted anew since the earlier run, which flushed nothing "
                      "to disk: its copy is checked against the backup first");
        }
        return start;
    } catch (const Failure& failure) {
        log::warning("what an earlier run left cannot be used as it is: {}", failure.what());
        return Start::copy;
    }
}

/// Only where the request names a directory, and nothing was copied yet.
void reuse_data(const Request& request, const Plan& plan, StagingDirectory& staging,
                const std::vector<std::filesystem::path>& outside) {
    if (!request.reuse_data || !staging.is_empty()) {
        return;
    }
    if (!std::filesystem::is_directory(*request.reuse_data)) {
        log::warning("reuse-data {} is no directory: everything is copied", request.reuse_data->string());
        return;
    }
    staging.reuse(*request.reuse_data, plan, outside);
    log::info("{} is the staging directory now: only changed files are copied", request.reuse_data->string());
}

void copy(const Request& request, const Plan& plan, StagingDirectory& staging) {
    const auto outside = pgbackrest::restored_places(plan.targets, request.restore_options, staging.path());
    reuse_data(request, plan, staging, outside);
    staging.begin_copy(request, plan, outside);
    postgres::remove_stale_postmaster_file(staging.path());
    pgbackrest::RestoreJob job;
    job.pgbackrest = request.pgbackrest;
    job.data_directory = staging.path();
    job.backup_set = plan.backup.label;
    job.options = request.restore_options;
    job.outside = outside;
    job.options.push_back({"repo", std::to_string(plan.backup.repository)});
    job.options.push_back({"process-max", std::to_string(request.processes)});
    job.lock_path = staging.layout().pgbackrest_lock();
    job.spool_path = staging.layout().spool();
    job.retry = request.retry;
    job.detail = request.log_level == log::Level::debug;
    pgbackrest::restore(job);
    staging.remove_inherited();
    staging.reached(Phase::copied);
}

void sync_and_hand_over(const BootstrapArguments& arguments, const Request& request, Report& report,
                        const pgbackrest::ArchiveEnd& archive_end, StagingDirectory& staging) {
    report.phase("sync");
    sync_unless_cluster_lives(arguments, request, archive_end, staging);
    report.phase("hand-over");
    staging.hand_over();
    log::info("{} is ready for Patroni", staging.layout().data_directory.string());
}

bool has_signal_file(const std::filesystem::path& directory) {
    return std::filesystem::exists(directory / "recovery.signal") ||
           std::filesystem::exists(directory / "standby.signal");
}

/// What was handed over before is whole, but Patroni could not use it (a port taken, a wrong parameter) and set it
/// aside: it is handed over again without a restore. False: it is not finished, and serves as the beginning of a copy.
bool hand_over_again(const BootstrapArguments& arguments, const Request& request, Report& report, const Plan& plan,
                     const Layout& layout, const std::filesystem::path& directory) {
    report.phase("take back");
    const bool is_current = is_still_the_newest(request, plan, layout, directory);
    StagingDirectory staging(request);
    staging.take_back(directory);
    log::warning("Patroni could not use what it was handed over, and set it aside: {} is taken back (hand-over {})",
                 directory.string(), staging.hand_overs() + 1);
    wait_after(staging.hand_overs(), staging.handed_over_at());
    if (request.recovery != Recovery::standalone) {
        return false;
    }
    if (!is_current) {
        log::warning("the archive has newer WAL than it: only its files are used");
        return false;
    }
    try {
        const auto bin_directory =
            postgres::find_binaries(postgres::major_version(staging.path()), configured_binaries(request));
        const auto state = [&] { return postgres::read_control_data(bin_directory, staging.path()).state; };
        if (has_signal_file(staging.path())) {
            return false;
        }
        if (state() != postgres::ClusterState::shut_down) {
            shut_down_cleanly(request, staging, bin_directory, patroni::read_roles(arguments.source));
        }
        if (state() != postgres::ClusterState::shut_down) {
            return false;
        }
    } catch (const Failure& failure) {
        if (is_interruption(failure.code())) {
            throw;
        }
        log::warning("it cannot be used as it is: {}", failure.what());
        return false;
    }
    staging.reached(Phase::recovered);
    sync_and_hand_over(arguments, request, report, plan.archive_end, staging);
    return true;
}

/// As the source had them: a private server that has replayed leaves its own, higher ones.
void warn_of_lower_limits(const BootstrapArguments& arguments, const Plan& plan, const postgres::ControlData& control) {
    if (control.timeline > plan.timeline()) {
        return;
    }
    try {
        for (const auto& finding : patroni::review_limits(arguments.source, control.limits())) {
            log::write(finding.problem, log::Level::warning);
        }
    } catch (const Failure& failure) {
        log::warning("the limits in patroni.yml are not compared: {}", failure.what());
    }
}

/// From the copy to the hand-over.
void restore(const BootstrapArguments& arguments, const Request& request, Report& report, const Plan& plan,
             const std::filesystem::path& bin_directory, StagingDirectory& staging) {
    report.phase("copy");
    auto start = where_to_start(request, plan, staging, bin_directory);
    if (start == Start::copy) {
        copy(request, plan, staging);
        start = Start::replay;
    } else {
        log::info("the copy of an earlier run is complete: the recovery goes on");
    }

    warn_of_lower_limits(arguments, plan, postgres::read_control_data(bin_directory, staging.path()));

    report.phase("recovery");
    std::optional<Reached> reached;
    if (request.recovery == Recovery::standalone) {
        FirstSession session{patroni::read_roles(arguments.source), {}};
        if (arguments.patroni_goes_on) {
            session.probes = read_probes({}, arguments.patroni);
        }
        reached = replay(request, plan, staging, bin_directory, session, start);
        report.about(*reached);
    } else {
        deliver(request, plan, staging);
    }
    report.kept(set_aside_dynamic_configuration(staging));
    const auto control = postgres::read_control_data(bin_directory, staging.path());
    staging.remember(
        {request.target, plan.timeline(), plan.wal.last(), plan.segment_size, control.checksum_version != 0}, reached);
    staging.reached(Phase::recovered);

    report.phase("verification");
    verify_directory(request, plan, staging, bin_directory);

    sync_and_hand_over(arguments, request, report, plan.archive_end, staging);
}

/// Remembers a failure for the next run: systemd starts a failed Patroni again at once and for ever.
template <typename Work>
void remembering(const Request& request, const Plan& plan, const StagingDirectory& staging, Work work) {
    const auto file = staging.layout().failure();
    const auto facts = facts_of(request, plan);
    auto earlier = EarlierFailure::read(file);
    if (earlier && earlier->request != identity_of(request)) {
        earlier.reset();
    }
    if (earlier) {
        if (const auto again = repeated(*earlier, facts, file)) {
            throw Failure(*again);
        }
        wait_after(earlier->in_a_row, earlier->at);
    }
    try {
        work();
    } catch (const Failure& failure) {
        const auto kept = remembered(failure, earlier, identity_of(request), facts, std::time(nullptr));
        if (kept) {
            try {
                kept->save(file);
            } catch (const Failure& error) {
                log::warning("the next run will not know of this failure: {}", error.what());
            }
        }
        throw;
    }
}

void plan_and_restore(const BootstrapArguments& arguments, const Request& request, Report& report,
                      const Layout& layout) {
    report.phase("plan");
    const auto plan = make_plan(request, observe(request, report));
    refuse_rejected(request, plan, layout);
    if (const auto directory = set_aside_by_patroni(request, layout)) {
        if (hand_over_again(arguments, request, report, plan, layout, *directory)) {
            return;
        }
    }
    require_same_timeline(request, plan);
    const auto bin_directory = postgres::find_binaries(plan.major_version, configured_binaries(request));
    refuse_full_disk(request, plan, layout);
    StagingDirectory staging(request);
    report.about(plan, staging.layout());
    report.version("postgresql", plan.database.version);
    announce(request, plan, staging);
    remembering(request, plan, staging, [&] { restore(arguments, request, report, plan, bin_directory, staging); });
}

void run(const BootstrapArguments& arguments, const Request& request, Report& report) {
    const auto layout = choose_layout(request.data_directory);
    if (hand_over_is_done(layout)) {
        report.phase("hand-over");
        log::info("an earlier run was interrupted at the end of its hand-over: it is finished now");
        StagingDirectory(request).hand_over();
        return;
    }
    undo_hand_over(layout);
    refuse_somebodys_data(layout);
    begin_anew(request, layout);
    try {
        plan_and_restore(arguments, request, report, layout);
    } catch (const Failure& failure) {
        // Without a network Patroni cannot take the key away either.
        if (!is_interruption(failure.code()) && failure.code() != ExitCode::repository_unreachable) {
            give_up_plan(layout);
        }
        throw;
    }
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
    const auto path_of_report = report_path(arguments.options, arguments.patroni);
    try {
        report.phase("request");
        const auto request = make_request(arguments.options, arguments.patroni);
        report.about(request);
        log::set_level(request.log_level);
        if (arguments.calling_patroni) {
            interruption::watch_caller(*arguments.calling_patroni);
            if (const auto version = patroni::version_of_patroni(*arguments.calling_patroni)) {
                report.version("patroni", *version);
                patroni::require_supported_patroni(*version);
            }
        }
        if (!arguments.patroni) {
            log::warning("no patroni.yml: whether it fits the request is not checked");
        }
        refuse_configuration(arguments, request);
        run(arguments, request, report);
        write_report(path_of_report, report, std::nullopt);
    } catch (const Failure& failure) {
        write_report(path_of_report, report, failure);
        throw;
    }
}

}  // namespace patroni_pgbackrest::commands
