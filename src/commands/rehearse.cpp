#include "commands/rehearse.hpp"

#include "checks/corruption.hpp"
#include "checks/dump.hpp"
#include "checks/health.hpp"
#include "checks/page_checksums.hpp"
#include "checks/verification.hpp"
#include "commands/arguments.hpp"
#include "commands/copy.hpp"
#include "commands/disk_floor.hpp"
#include "commands/drill.hpp"
#include "commands/kept_rehearsal.hpp"
#include "commands/preflight.hpp"
#include "commands/print.hpp"
#include "commands/recovery.hpp"
#include "commands/rehearsal_plan.hpp"
#include "commands/run_outputs.hpp"
#include "patroni/review.hpp"
#include "patroni/roles.hpp"
#include "pgbackrest/command_line.hpp"
#include "pgbackrest/working_places.hpp"
#include "postgres/binaries.hpp"
#include "process/bandwidth.hpp"
#include "process/process_tree.hpp"
#include "replay/auto_conf.hpp"
#include "replay/position.hpp"
#include "replay/probes.hpp"
#include "replay/replay.hpp"
#include "show/metrics.hpp"
#include "show/rehearsal.hpp"
#include "staging/hand_over.hpp"
#include "staging/memory.hpp"
#include "staging/scratch.hpp"
#include "system/file.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/low_priority.hpp"
#include "system/refusal.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest::commands {

namespace {

namespace fs = std::filesystem;

/// Up to where the replay ended.
std::uint64_t replayed_segments(const Plan& plan, postgres::Lsn end) {
    const auto last = postgres::Segment::containing(plan.timeline(), end, plan.segment_size).name(plan.segment_size);
    const auto before = segments_before(plan.wal, last, plan.segment_size);
    return std::min<std::uint64_t>(before ? *before + 1 : plan.wal.segments, plan.wal.segments);
}

/// In the private server, once it is a primary.
void examine(const RehearseArguments& arguments, const RehearsalSettings& settings, const postgres::Client& client,
             Drill& drill) {
    auto& examined = drill.told.examined;
    if (!settings.probes.empty()) {
        drill.phase("probes");
        require_probes(client, settings.probes);
        examined.push_back(fmt::format("{} probes", settings.probes.size()));
    }
    if (arguments.amcheck) {
        drill.phase("amcheck");
        const auto look_at_repository = pgbackrest::as_typed(settings.request.pgbackrest.command("verify"));
        const auto seen = look_for_corruption(client, look_at_repository);
        drill.judge(findings_of_rehearsal(seen));
        if (!seen.examined.empty()) {
            examined.push_back(seen.examined);
        }
    }
    if (arguments.dump) {
        drill.phase("dump");
        std::vector<std::string> dumped;
        drill.judge(dump_to_nowhere(client, dumped));
        examined.push_back(fmt::format("dump of {} databases", dumped.size()));
    }
    drill.phase("databases");
    drill.judge(left_by_a_restore(look_at_health(client, true, std::chrono::minutes(5))));
    drill.phase("shutdown");
}

void check_pages(const fs::path& bin_directory, const fs::path& data_directory, Drill& drill) {
    drill.phase("checksums");
    const auto findings = check_page_checksums(bin_directory, data_directory);
    drill.judge(findings);
    if (findings.empty()) {
        drill.told.examined.emplace_back("checksums");
    }
}

/// From the copy to the moment before a hand-over, as a restore in standalone mode.
void restore(const RehearseArguments& arguments, const RehearsalSettings& settings, const Request& request,
             const Plan& plan, const fs::path& bin_directory, StagingDirectory& staging, Drill& drill) {
    DiskFloor floor(request.scratch.value_or(request.data_directory), settings.disk_floor);
    floor.require_room_for(plan.backup.size);
    std::optional<process::BandwidthLimit> limit;
    if (settings.bandwidth > 0) {
        limit.emplace(settings.bandwidth);
    }
    const interruption::Watching watching([&] {
        floor.require();
        if (limit) {
            limit->keep();
        }
    });
    FirstSession session;
    session.roles = patroni::read_roles(settings.source);
    session.database = patroni::read_superuser_access(settings.source).database;
    if (settings.patroni && settings.patroni->method) {
        session.patroni_limits = [&] { return patroni::DynamicLimits(settings.source); };
        session.on_low_limit = [&](const Failure& failure) { drill.warn_of_node(of_a_rehearsal(failure)); };
    }
    session.examine = [&](const postgres::Client& client) { examine(arguments, settings, client, drill); };

    drill.phase("copy");
    copy(request, plan, staging, drill.view.display);
    drill.told.copied = plan.backup.size;

    drill.phase("replay");
    const auto reached = replay_copy(request, plan, staging, bin_directory, session, Start::replay, drill.view);
    drill.told.replayed = replayed_segments(plan, reached.lsn);
    drill.told.reached = reached_text(reached);

    drill.phase("verification");
    verify_directory(request, plan, staging, bin_directory);
    if (arguments.checksums) {
        check_pages(bin_directory, staging.path(), drill);
    }
    drill.phase("sync");
    sync_to_disk(staging,
                 [&](std::size_t done, std::size_t all) { drill.view.display.counted(Unit::files, done, all); });
}

/// From 2.58 on pgBackRest takes the priority that its configuration names, which the kernel refuses to a process that
/// steps further behind (error 100), and hands it on to a repository's host, where nobody knows of ours.
void pass_priority(int version, pgbackrest::Pgbackrest& pgbackrest) {
    constexpr int first_with_priority = 2058;
    if (version >= first_with_priority) {
        pgbackrest.common.push_back({"priority", std::to_string(system::own_priority())});
    }
}

/// Of a rehearsal that failed: what somebody can look at.
void keep_what_was_restored(ScratchDirectory& scratch, const StagingDirectory& staging, const fs::path& bin_directory) {
    switch (what_was_restored(staging.path())) {
    case Restored::nothing:
        log::info("the copy did not come to its end: nothing is kept");
        break;
    case Restored::copy:
        scratch.keep();
        log::info("{}", words_of_kept_copy(scratch));
        break;
    case Restored::cluster:
        scratch.keep();
        put_back_auto_conf(staging);
        log::info("{}", make_startable(scratch, staging.path(), bin_directory));
        break;
    }
}

void run(const RehearseArguments& arguments, const RehearsalSettings& settings, ScratchDirectory& scratch,
         Drill& drill) {
    if (system::is_in_memory(scratch.path())) {
        drill.warn({fmt::format("the scratch directory {} is in memory, of which the server beside it has less then",
                                scratch.path().string()),
                    "name a directory on a disk"});
    }
    auto request = in_scratch(settings.request, scratch.own(), scratch.data_directory(), scratch.tablespaces());
    drill.phase("plan");
    pass_priority(observe_version(request, drill.view.report), request.pgbackrest);
    const auto plan = plan_rehearsal(settings, request, drill);
    drill.told.target = request.target.text();
    drill.told.backup_set = plan.backup.label;
    if (const auto outside = place_outside(request, plan.targets)) {
        throw Failure(ExitCode::unsafe, {*outside});
    }
    const auto bin_directory = postgres::find_binaries(plan.major_version, settings.bin_directory);
    refuse_replay_settings(request, bin_directory);

    StagingDirectory staging(request);
    refuse_unfit_places(staging.layout());
    refuse_unfit_node(request, plan, staging.layout());
    drill.view.display.keep_status(staging.layout());
    drill.view.about(request);
    drill.view.about(plan, staging.layout());
    drill.view.report.version("postgresql", plan.database.version);
    log::info("rehearsal of stanza {} to {}: backup set {}, timeline {} ({}), {} WAL segments, in {}",
              request.pgbackrest.stanza, request.target.text(), plan.backup.label, plan.timeline().text(),
              plan.reason_for_timeline, plan.wal.segments, scratch.path().string());
    try {
        restore(arguments, settings, request, plan, bin_directory, staging, drill);
    } catch (const std::exception& error) {
        // On a disk that got full somebody else needs the room.
        const auto code = system::unexpected(error).code();
        if (arguments.keep && !is_interruption(code) && code != ExitCode::system_refused) {
            write_or_warn([&] { keep_what_was_restored(scratch, staging, bin_directory); });
        }
        throw;
    }
    if (arguments.keep) {
        scratch.keep();
        log::info("{}", make_startable(scratch, staging.path(), bin_directory));
    }
}

/// Of this node: none of them may have anything to do with the scratch directory.
std::vector<fs::path> kept_away_places(const RehearsalSettings& settings) {
    std::vector<fs::path> places;
    try {
        places = pgbackrest::places_of_pgbackrest(settings.request.pgbackrest);
    } catch (const Failure&) {
        places = pgbackrest::places_in({}, "");  // the plan tells why its files cannot be read
    }
    if (settings.data_directory) {
        const auto of_data = kept_away_from(*settings.data_directory);
        places.insert(places.begin(), of_data.begin(), of_data.end());
    }
    return places;
}

/// Where the history is kept, so that two rehearsals know of each other. Without one the drill is done all the same.
fs::path directory_of_history(const fs::path& file) {
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    if (error) {
        log::warning("{} cannot be made: {}: the rehearsal leaves no history", file.parent_path().string(),
                     error.message());
    }
    return error ? fs::path() : file.parent_path();
}

void conclude(const RehearseArguments& arguments, const BootstrapArguments& given, const RehearsalSettings& settings,
              Drill& drill, const std::optional<Failure>& failure) {
    auto report = nlohmann::json::parse(drill.view.report.text(failure));
    report["rehearsal"] = drill.told.to_json();
    const auto text = report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    write_or_warn([&] { print(arguments.json ? text : rehearsal_text(drill.told)); });
    // The block's page is of this node's restore, as its report is.
    const RunFiles files{settings.request.report, page_path(given.options, std::nullopt),
                         metrics_path(given.options, given.patroni)};
    write_files(files, {"Rehearsal", drill_metrics, page_additions(drill.told)}, [&] { return text; },
                drill.view.display.status(), failure,
                {{settings.history, [&] { add_rehearsal(settings.history, drill.told); }}});
    drill.remove_note();
}

/// What is told of a rehearsal that could not begin for what was asked.
RehearsalSettings settings_or_conclude(const RehearseArguments& arguments, const BootstrapArguments& given) {
    try {
        return rehearsal_settings(arguments, given);
    } catch (const Failure& failure) {
        RehearsalSettings known;
        const auto names = names_of_cluster(given.options, given.patroni);
        known.request.scope = names.scope;
        known.request.pgbackrest.stanza = names.stanza;
        known.request.report = report_path(given.options, std::nullopt);
        known.history = history_of(given);
        directory_of_history(known.history);
        Drill drill(known);
        drill.told.target.clear();
        drill.end(failure);
        conclude(arguments, given, known, drill, failure);
        throw;
    }
}

/// An earlier one that was killed could not tell of its end. Of two who see its note, one removes it; who may not do
/// that may not write the history either.
void conclude_killed(const BootstrapArguments& given) {
    const auto history = history_of(given);
    const auto killed = killed_rehearsal(history);
    std::error_code error;
    if (!killed || !fs::remove(note_of_rehearsal(history), error)) {
        return;
    }
    const auto told = rehearsal_of_killed(*killed);
    log::warning("an earlier rehearsal of stanza {} did not come to its end: {}", told.stanza, told.message);
    write_or_warn([&] { add_rehearsal(history, told); });
    if (const auto file = metrics_path(given.options, given.patroni)) {
        write_or_warn([&] { write_metrics(*file, drill_metrics, *killed, Teller::finder); });
    }
}

}  // namespace

void rehearse(const RehearseArguments& arguments) {
    const auto given = read_bootstrap_arguments(arguments.words);
    if (given.patroni) {
        take_variables(*given.patroni);
    }
    choose_log_format(given);
    write_or_warn([&] { conclude_killed(given); }, log::Level::debug);
    if (arguments.history) {
        const auto rehearsals = read_rehearsals(history_of(given));
        return print(arguments.json ? history_json(rehearsals) : history_text(rehearsals));
    }
    const auto settings = settings_or_conclude(arguments, given);
    log::set_level(settings.request.log_level);
    system::run_behind_others();
    Drill drill(settings);
    std::unique_ptr<ScratchDirectory> scratch;
    try {
        const auto of_history = directory_of_history(settings.history);
        scratch = std::make_unique<ScratchDirectory>(settings.scratch, kept_away_places(settings), of_history);
        ::setenv("TMPDIR", scratch->temporary().c_str(), 1);
        if (!of_history.empty()) {
            drill.keep_note(note_of_rehearsal(settings.history));
        }
        drill.judge_node(given);
        run(arguments, settings, *scratch, drill);
        process::end_descendants(std::chrono::seconds(2));  // an archive-get that still fetches ahead
        drill.end(std::nullopt);
        conclude(arguments, given, settings, drill, std::nullopt);
    } catch (const std::exception& error) {
        const auto failure = of_a_rehearsal(system::unexpected(error));
        process::end_descendants(std::chrono::seconds(2));
        drill.end(failure);
        if (scratch || failure.code() != ExitCode::lock_held) {  // the other one tells of itself
            conclude(arguments, given, settings, drill, failure);
        }
        throw Failure(failure);
    }
}

}  // namespace patroni_pgbackrest::commands
