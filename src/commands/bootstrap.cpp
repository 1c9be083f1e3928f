#include "commands/bootstrap.hpp"

#include "checks/verification.hpp"
#include "commands/arguments.hpp"
#include "commands/copy.hpp"
#include "commands/dcs_in_force.hpp"
#include "commands/in_force.hpp"
#include "commands/preflight.hpp"
#include "commands/recovery.hpp"
#include "commands/run_outputs.hpp"
#include "commands/spools.hpp"
#include "commands/sync.hpp"
#include "patroni/members.hpp"
#include "patroni/review.hpp"
#include "patroni/startup_files.hpp"
#include "plan/plan.hpp"
#include "postgres/binaries.hpp"
#include "postgres/control_data.hpp"
#include "replay/beginning.hpp"
#include "replay/delivery.hpp"
#include "replay/in_vain.hpp"
#include "replay/probes.hpp"
#include "replay/proof.hpp"
#include "replay/replay.hpp"
#include "show/run_view.hpp"
#include "staging/adoption.hpp"
#include "staging/discard.hpp"
#include "staging/hand_over.hpp"
#include "staging/kept_base.hpp"
#include "staging/memory.hpp"
#include "staging/renamed_link.hpp"
#include "staging/reused_data.hpp"
#include "staging/set_aside.hpp"
#include "staging/staging.hpp"
#include "staging/unarchived_wal.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"
#include "system/write_back.hpp"
#include "system/write_wall.hpp"

#include <ctime>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace patroni_pgbackrest::commands {

namespace {

void wait_after(unsigned failures, std::int64_t last, const std::string& why, RunDisplay& display) {
    const auto pause = pause_after(failures, last, std::time(nullptr));
    if (pause.count() > 0) {
        display.wait(why, pause);
        log::info("it failed {} times in a row: waiting {} s before the next try", failures, pause.count());
        interruption::sleep(pause);
    }
}

void announce(const Request& request, const Plan& plan, const Layout& layout) {
    log::info("restore of {} to {}: backup set {}, timeline {} ({}), {} WAL segments, replayed by {}",
              request.pgbackrest.stanza, request.target.text(), plan.backup.label, plan.timeline().text(),
              plan.reason_for_timeline, plan.wal.segments,
              request.recovery == Recovery::standalone ? "a private PostgreSQL (standalone mode)"
                                                       : "Patroni's PostgreSQL (patroni mode)");
    log::info("staging directory {}", layout.staging.string());
    if (request.patroni && !request.patroni->dcs_edit.empty()) {
        log::info("the DCS holds a configuration of scope {}: Patroni takes it, and not bootstrap.dcs", request.scope);
    }
    if (system::landlock_version() == 0) {
        log::info("the kernel has no Landlock: where pgbackrest and PostgreSQL write is not confined");
    }
}

/// False, and nothing is handed over, if the DCS tells only now of another configuration than was judged.
bool sync_and_hand_over(InForce& in_force, const Request& request, RunView& view,
                        const pgbackrest::ArchiveEnd& archive_end, StagingDirectory& staging) {
    view.phase("sync");
    const auto on_progress = [&](std::size_t done, std::size_t all) { view.display.counted(Unit::files, done, all); };
    if (!sync_unless_cluster_lives(in_force, request, archive_end, staging, on_progress)) {
        return false;
    }
    view.phase("hand-over");
    empty_spools(in_force.arguments(), request, staging.path());
    hand_over(staging);
    log::info("{} is ready for Patroni", staging.layout().data_directory.string());
    return true;
}

/// What Patroni could not use (a port taken, a wrong parameter) and set aside becomes the staging directory again,
/// when there is a point in another hand-over.
std::optional<TakenBack> take_back_what_was_set_aside(const Request& request, RunView& view, const Plan& plan,
                                                      const FailureMemory& memory, StagingDirectory& staging) {
    const auto directory = set_aside_by_patroni(request, staging.layout());
    const auto earlier = Journal::read(staging.layout().journal());
    if (!directory || !earlier) {
        return std::nullopt;
    }
    view.phase("take back");
    auto in_vain = look_at_set_aside(request, *earlier, *directory, staging.circumstances());
    const auto named = memory.state_named_by(in_vain.last_words);
    in_vain.same_circumstances &= earlier->named.empty() || earlier->named == named;
    if (const auto failure = refuse_to_repeat(in_vain, staging.layout().failure())) {
        begin_to_count_anew(staging.layout());
        memory.remember(*failure, in_vain.last_words);
        throw Failure(*failure);
    }
    const TakenBack taken_back{is_still_the_newest(request, plan, staging.layout()), in_vain.came_up};
    take_back(staging, *directory, plan);
    auto& journal = staging.journal();
    journal.named = named;  // written with the next phase
    log::warning("Patroni could not use what it was handed over, and set it aside: {} is taken back (hand-over {})",
                 directory->string(), journal.hand_overs + 1);
    wait_after(journal.hand_overs, journal.handed_over ? journal.handed_over->at : 0,
               "Patroni could not use what it was handed over", view.display);
    return taken_back;
}

Beginning find_beginning(const Request& request, const Plan& plan, const StagingDirectory& staging,
                         const std::optional<TakenBack>& taken_back, const std::filesystem::path& bin_directory) {
    auto beginning = decide_beginning(request, plan, look_at_staging(staging, taken_back, bin_directory));
    if (const auto* from_repository = std::get_if<Copy>(&beginning); from_repository && !from_repository->why.empty()) {
        log::write(from_repository->level, from_repository->why);
    }
    return beginning;
}

/// With another look at the DCS: somebody may have changed it since.
patroni::DynamicLimits patroni_limits(const InForce& in_force) {
    const auto& arguments = in_force.arguments();
    const auto scope = ask_scope(arguments, in_force.silence());
    return patroni::DynamicLimits(scope ? patroni::with_dcs(arguments.source, scope_of(arguments), *scope)
                                        : arguments.source);
}

/// As the source had them: a private server that has replayed leaves its own, higher ones.
void warn_of_lower_limits(const InForce& in_force, const Plan& plan, const postgres::ControlData& control) {
    if (control.timeline > plan.timeline()) {
        return;
    }
    try {
        const patroni::DynamicLimits known(in_force.arguments().source);
        const bool is_too_low = !known.review(control.limits()).empty();
        const bool is_lost = known.loss_of_commit_timestamps(control.track_commit_timestamp).has_value();
        if (!is_too_low && !is_lost) {
            return;
        }
        const auto asked = patroni_limits(in_force);
        for (const auto& finding : is_too_low ? asked.review(control.limits()) : std::vector<Finding>()) {
            log::write(finding.problem, log::Level::warning);
        }
        const auto loss = asked.loss_of_commit_timestamps(control.track_commit_timestamp);
        if (is_lost && loss) {
            log::write(*loss, log::Level::warning);
        }
    } catch (const Failure& failure) {
        log::warning("the limits in patroni.yml are not compared: {}", failure.what());
    }
}

/// From the whole copy to what is verified and handed over.
void recover(const InForce& in_force, const Request& request, RunView& view, const Plan& plan,
             const std::filesystem::path& bin_directory, StagingDirectory& staging, Start start) {
    const auto& arguments = in_force.arguments();
    std::optional<Reached> reached;
    if (request.recovery == Recovery::standalone) {
        FirstSession session;
        session.roles = patroni::read_roles(arguments.source,
                                            arguments.is_for_patroni() ? patroni::login_of_libpq() : std::nullopt);
        session.database = patroni::read_superuser_access(arguments.source).database;
        session.patroni_limits = [&] { return patroni_limits(in_force); };
        if (arguments.patroni_goes_on) {
            session.probes = read_probes({}, arguments.patroni);
        }
        BaseRemoval base(staging);
        const interruption::Watching watching([&] { base.look(); });
        reached = replay_copy(request, plan, staging, bin_directory, session, start, view);
        if (request.patroni) {
            patroni::restore_startup_files(*request.patroni, staging.path());
        }
    } else {
        deliver(request, plan, staging);
    }
    if (const auto kept = set_aside_dynamic_configuration(staging); !kept.empty()) {
        view.report.kept(kept);
    }
    staging.journal().goal = goal_of(request, plan, postgres::read_control_data(bin_directory, staging.path()));
    staging.journal().reached = reached;
    staging.enter(Phase::recovered);
}

/// From the copy to the hand-over.
void restore(InForce& in_force, Request& request, RunView& view, const Plan& plan,
             const std::filesystem::path& bin_directory, StagingDirectory& staging, const Beginning& beginning) {
    view.phase("copy");
    std::optional<system::WriteBack> write_back;
    if (!request.writes_late) {
        write_back.emplace(staging.path());
    }
    auto start = Start::replay;
    if (const auto* earlier = std::get_if<Continue>(&beginning)) {
        log::info("the copy of an earlier run is complete: the recovery goes on");
        start = earlier->start;
    } else {
        copy(request, plan, staging, view.display);
    }

    in_force.hear();
    judge_copy(in_force, request, bin_directory, staging.path());
    in_force.ask_anew();
    warn_of_lower_limits(in_force, plan, postgres::read_control_data(bin_directory, staging.path()));

    view.phase("recovery", request.recovery == Recovery::standalone ? "replay" : "delivery");
    recover(in_force, request, view, plan, bin_directory, staging, start);
    write_back.reset();

    view.phase("verification");
    verify_directory(request, plan, staging, bin_directory);

    while (!sync_and_hand_over(in_force, request, view, plan.archive_end, staging)) {
        staging.enter(Phase::replaying);  // what it does by the configuration is done again, by the next run as well
        judge_copy(in_force, request, bin_directory, staging.path());
        recover(in_force, request, view, plan, bin_directory, staging, Start::finish);
        verify_directory(request, plan, staging, bin_directory);
    }
}

/// What was read from the repository, WAL among it, is needed no longer.
Plan plan_restore(Request& request, const Layout& layout, Report& report) {
    note_rejected_runs(request.patroni, layout);  // what Patroni set aside may be gone by the next run
    const auto repository = observe(request, rejected_runs(request, layout), report);
    for (const auto& problem : find_unarchived_wal(request, repository)) {
        log::write(problem, log::Level::warning);
    }
    auto plan = make_plan(request, repository);
    if (request.reuses_set_aside) {
        const auto reused = find_reused_data(request, plan, repository.archive.segments, layout);
        for (const auto& line : reused.lines) {
            log::info("reuse-data: {}", line);
        }
        request.reuse_data = reused.directory;
    }
    return plan;
}

void plan_and_restore(InForce& in_force, Request request, RunView& view, const Layout& layout) {
    view.phase("plan");
    const auto plan = plan_restore(request, layout, view.report);
    in_force.hear();
    judge_again(in_force, request);
    if (plan.target.ends_with_plan) {
        request.replaced_target = request.target;
        request.target = plan.target;
    }
    refuse_rejected(request, plan, layout);
    require_same_timeline(request, plan);
    const auto bin_directory = postgres::find_binaries(plan.major_version, configured_binaries(request));
    refuse_replay_settings(request, bin_directory);

    view.display.leave_status();
    StagingDirectory staging(request);
    view.display.keep_status(layout);
    const FailureMemory memory(request, plan, layout, bin_directory);
    memory.refuse_repetition();
    refuse_unstartable(in_force.arguments(), request, bin_directory);
    refuse_server_file(request, plan, bin_directory);
    const auto taken_back = take_back_what_was_set_aside(request, view, plan, memory, staging);
    leave_unfit_base(request, plan, staging);  // before the room on the disks is looked at
    refuse_unfit_node(request, plan, layout);
    view.about(plan, layout);
    view.report.version("postgresql", plan.database.version);
    announce(request, plan, layout);

    if (const auto& last = memory.last()) {
        wait_after(last->in_a_row, last->at, last->message, view.display);
    }
    const auto beginning = find_beginning(request, plan, staging, taken_back, bin_directory);
    try {
        restore(in_force, request, view, plan, bin_directory, staging, beginning);
    } catch (const std::exception& error) {
        const auto failure = system::unexpected(error);
        leave_base_after(failure.code(), staging);
        memory.remember(failure);
        throw;
    }
}

/// What goes on later is kept. Without a network Patroni cannot take the key away either.
void discard_call(const Layout& layout, ExitCode code) {
    if (!is_interruption(code) && code != ExitCode::repository_unreachable) {
        discard_plan(layout);
    }
}

/// None for a person's.
std::optional<PatronisCall> call_of_patroni(const BootstrapArguments& arguments, const Request& request) {
    return arguments.is_for_patroni() ? std::optional(patronis_call(request)) : std::nullopt;
}

void run(InForce& in_force, Request request, RunView& view) {
    refuse_renamed_link(request.data_directory, request.patroni);
    const auto layout = choose_layout(request.data_directory);
    if (hand_over_is_done(layout)) {
        view.display.keep_status(layout);
        view.phase("hand-over");
        log::info("an earlier run was interrupted at the end of its hand-over: it is finished now");
        in_force.hear_out();
        judge_again(in_force, request);
        empty_spools(in_force.arguments(), request, layout.data_directory);
        finish_hand_over(request);
        return;
    }
    undo_hand_over(layout);
    refuse_somebodys_data(layout);
    refuse_unfit_places(layout);
    if (const auto failure = why_unclear(request.patroni, layout)) {
        throw Failure(*failure);
    }
    record_bootstrap_call(request, layout, call_of_patroni(in_force.arguments(), request));
    view.display.keep_status(layout);
    try {
        plan_and_restore(in_force, request, view, layout);
    } catch (const std::exception& error) {
        discard_call(layout, system::unexpected(error).code());
        throw;
    }
}

/// Before anything is asked that takes its time: Patroni never calls again what is interrupted then. What keeps the
/// call from being written down is said later, in its order. Where it was written; empty if it was not.
std::optional<Layout> record_call_of_patroni(const BootstrapArguments& given) {
    try {
        const auto request = make_request_in_any_mode(given.options, given.patroni);
        auto layout = choose_layout(request.data_directory);
        if (hand_over_is_done(layout) || find_renamed_link(request.data_directory)) {
            return std::nullopt;
        }
        record_bootstrap_call(request, layout, call_of_patroni(given, request));
        return layout;
    } catch (const std::exception& error) {
        if (is_interruption(system::unexpected(error).code())) {
            throw;
        }
        return std::nullopt;
    }
}

void look_at_caller(const BootstrapArguments& given, RunView& view) {
    interruption::watch_caller(*given.calling_patroni);
    if (const auto version = patroni::version_of_patroni(*given.calling_patroni)) {
        view.report.version("patroni", *version);
        patroni::require_supported_patroni(*version);
    }
    const auto changed =
        given.source.path ? patroni::changed_since_start(*given.source.path, *given.calling_patroni) : std::nullopt;
    if (changed) {
        log::write(
            Problem{fmt::format("{} was changed after Patroni had started: what is read there now is in force only "
                                "if Patroni has read it since, archive_command too",
                                changed->string()),
                    "if it has not, send it SIGHUP (systemctl reload patroni) before the restore ends"},
            log::Level::warning);
    }
}

}  // namespace

void bootstrap(const BootstrapArguments& given) {
    if (!given.patroni_goes_on) {  // resume has chosen one already
        choose_log_format(given);
    }
    RunView view("bootstrap", !given.calling_patroni);
    const RunOutputs outputs(given);
    view.display.about(names_of_cluster(given.options, given.patroni));
    std::optional<Layout> recorded;
    try {
        view.report.phase("request");  // which the display has begun
        if (given.calling_patroni) {
            look_at_caller(given, view);
            recorded = record_call_of_patroni(given);
        }
        InForce in_force(given, [&](const patroni::ScopeState& state) { view.display.about(state); });
        const auto request = make_request(in_force.arguments().options, in_force.arguments().patroni);
        view.about(request);
        log::set_level(request.log_level);
        if (!given.patroni) {
            log::warning("no patroni.yml: whether it fits the request is not checked");
        }
        refuse_configuration(in_force.arguments(), request);
        refuse_secrets_of_the_call(given, request);
        run(in_force, request, view);
        view.display.done();
        outputs.done(request, view);
    } catch (const std::exception& error) {
        if (recorded && std::filesystem::exists(recorded->journal())) {
            discard_call(*recorded, system::unexpected(error).code());
        }
        view.display.failed(system::unexpected(error));
        outputs.failed(view, system::unexpected(error));
        throw;
    }
}

}  // namespace patroni_pgbackrest::commands
