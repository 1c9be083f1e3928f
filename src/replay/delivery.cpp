#include "replay/delivery.hpp"

#include "patroni/base_configuration.hpp"
#include "pgbackrest/configured_spool.hpp"
#include "postgres/configuration.hpp"
#include "replay/settings.hpp"
#include "replay/ticket.hpp"
#include "replay/wal_source.hpp"
#include "request/patroni_mode.hpp"
#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "staging/places.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/machine.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// Every recovery setting, so that nothing that the lost cluster's files have is in force. What recovery_conf says
/// comes after it, in Patroni's own file, and says the same (problems_of_patroni_mode).
std::vector<postgres::Setting> recovery_block(const Request& request, const Plan& plan) {
    std::vector<postgres::Setting> settings;
    // A stale target of another type in the restored configuration is FATAL beside the real one, and can only be
    // blanked before it in the file order (13 to 18).
    for (const char* name :
         {"recovery_target", "recovery_target_name", "recovery_target_time", "recovery_target_xid",
          "recovery_target_lsn", "primary_conninfo", "primary_slot_name", "archive_cleanup_command"}) {
        settings.push_back({name, ""});
    }
    settings.push_back({"recovery_target_inclusive", request.target.exclusive ? "off" : "on"});
    settings.push_back({"recovery_target_action", "promote"});
    // The plan's: what PostgreSQL takes for the newest is what it is given a history of.
    settings.push_back({"recovery_target_timeline", plan.timeline().text()});
    // With it PostgreSQL asks for the next segment before it looks for the target in this one (from 15 on), and the
    // guard ends the recovery for a segment that it cannot have.
    constexpr int first_with_prefetch = 15;
    if (plan.major_version >= first_with_prefetch && !request.target.is_latest()) {
        settings.push_back({"recovery_prefetch", "off"});
    }
    settings.push_back({"recovery_min_apply_delay", "0"});
    settings.push_back({"restore_command", guard_command()});
    settings.push_back({"recovery_end_command",
                        postgres::quote_command_word(fs::canonical("/proc/self/exe").string()) + " recovery-end"});
    return settings;
}

/// The guard is started for each segment. Beside the data directory pgBackRest fetches ahead meanwhile, into a spool
/// that recovery-end removes; what Patroni gives up leaves it to the next run, so it is small. In a data directory
/// nothing may be written that Patroni has given up, or that a standby is copied from.
std::vector<pgbackrest::Option> options_for_guard(const Request& request, const Layout& layout) {
    constexpr std::uint64_t most = 256ULL << 20;
    if (layout.inside) {
        return {};
    }
    const auto queue = archive_get_queue(system::free_bytes(layout.staging), system::available_memory());
    return options_ahead(request, layout, std::min(queue, most));
}

void empty_pg_wal(const fs::path& pg_wal) {
    for (const auto& directory : {pg_wal, pg_wal / "archive_status"}) {
        if (!fs::exists(directory)) {
            continue;
        }
        for (const auto& name : system::entries(directory)) {
            if (fs::is_regular_file(directory / name)) {
                system::remove_file(directory / name);
            }
        }
    }
}

void strip_auto_conf(const fs::path& file, const RecoveryTarget& target) {
    if (const auto content = system::read_file_if_present(file)) {
        system::replace_file(file, auto_conf_for_replay(*content, target));
    }
}

bool asks_for_newest_timeline(const Request& request) {
    const auto& conf = *request.patroni->method->recovery_conf;
    const auto timeline = conf.find("recovery_target_timeline");
    return timeline != conf.end() && system::trim(timeline->second.text) == "latest";
}

/// What is newer than the plan's timeline, when nothing but what Patroni gave up is: another try meets it then.
std::optional<postgres::Timeline> newer_rejected_timeline(const Plan& plan) {
    const auto& there = plan.archive_end.histories;
    const auto first = there.upper_bound(plan.timeline());
    const bool are_all = std::all_of(
        first, there.end(), [&](postgres::Timeline timeline) { return plan.rejected_timelines.contains(timeline); });
    return first != there.end() && are_all ? std::optional(*there.rbegin()) : std::nullopt;
}

/// What the WAL made belongs to this restore for as long as its journal knows the directory: Patroni may set it aside.
void keep_made_places() {
    try {
        const auto data_directory = fs::current_path();
        for (const auto& file : journals_of(data_directory)) {
            auto journal = Journal::read(file);
            if (journal && journal->handed_over_is(data_directory)) {
                journal->places.add(made_places(data_directory).owned());
                journal->save(file);
            }
        }
    } catch (const std::exception& error) {
        log::warning("the journal does not know which tablespaces the WAL made: {}", error.what());
    }
}

}  // namespace

void require_same_timeline(const Request& request, const Plan& plan) {
    constexpr const char* hint = "take recovery_target_timeline out of recovery_conf: this program sets the plan's";
    if (request.recovery != Recovery::patroni || plan.explicit_timeline || !asks_for_newest_timeline(request)) {
        return;
    }
    if (const auto lost = first_timeline_without_history(plan)) {
        throw Failure(ExitCode::usage,
                      fmt::format("recovery_conf asks for the newest timeline, and PostgreSQL finds none behind {}, "
                                  "which has no history file in the archive, before timeline {}",
                                  lost->text(), plan.timeline().text()),
                      hint);
    }
    if (const auto rejected = newer_rejected_timeline(plan)) {
        throw Failure(ExitCode::usage,
                      fmt::format("recovery_conf asks for the newest timeline, and that is timeline {} now, which was "
                                  "begun by a restore that Patroni gave up: the target {} is on timeline {}",
                                  rejected->text(), request.target.text(), plan.timeline().text()),
                      hint);
    }
    if (!plan.newest_timeline) {
        throw Failure(ExitCode::usage,
                      fmt::format("recovery_conf asks for the newest timeline, but the target {} is on timeline {}",
                                  request.target.text(), plan.timeline().text()),
                      hint);
    }
}

std::string auto_conf_for_replay(std::string_view source, const RecoveryTarget& target) {
    const auto rest = postgres::without_settings(source, postgres::recovery_settings());
    if (target.is_latest()) {
        return rest;
    }
    const auto final = postgres::without_settings(rest, {"recovery_prefetch"});
    if (final != rest) {
        log::warning("recovery_prefetch of the source's ALTER SYSTEM would have PostgreSQL read ahead of the target: "
                     "taken out of postgresql.auto.conf");
    }
    return final;
}

void deliver(const Request& request, const Plan& plan, StagingDirectory& staging) {
    const auto& data = staging.path();
    const auto& configuration = *request.patroni;
    auto ticket = make_ticket(request, plan);
    ticket.base_configuration =
        patroni::base_configuration_path(configuration, staging.layout().data_directory).string();
    ticket.archive_get =
        archive_get_words(request, staging.layout().data_directory, options_for_guard(request, staging.layout()));
    ticket.histories = plan.archive_end.histories;
    if (staging.layout().inside) {
        ticket.incoming = pgbackrest::configured_incoming(request.pgbackrest).string();
        const auto* spool = std::getenv("PGBACKREST_SPOOL_PATH");
        if (ticket.variables && spool != nullptr && *spool != '\0') {
            (*ticket.variables)["PGBACKREST_SPOOL_PATH"] = spool;  // only the block's command may have it
        }
    }
    ticket.places = staging.journal().places.owned().paths();

    system::remove_file(data / "standby.signal");
    empty_pg_wal(data / "pg_wal");
    strip_auto_conf(data / "postgresql.auto.conf", request.target);
    patroni::write_block(configuration, data, recovery_block(request, plan));
    system::remove_file(data / ReplayNotes::file_name);
    system::remove_file(data / OnlyOnce::file_name);
    system::replace_file(data / Ticket::file_name, ticket.to_json());
    log::info("recovery to {} is left to Patroni's PostgreSQL: {} WAL segments to replay on timeline {}",
              request.target.text(), plan.wal.segments, plan.timeline().text());
}

void end_recovery() {
    keep_made_places();
    const auto ticket = Ticket::in(".");
    if (!ticket) {
        system::remove_file(made_places_file);
        return;
    }
    // Where another directory is in its place, the block that the ticket names is the next restore's.
    std::error_code error;
    const bool is_in_its_place = ticket->is_in_its_place();
    const bool is_replaced = !is_in_its_place && fs::exists(ticket->data_directory, error);
    if (!is_replaced && !ticket->base_configuration.empty() && patroni::remove_block(ticket->base_configuration)) {
        log::info("recovery to {} ended: block removed from {}", ticket->target, ticket->base_configuration);
    }
    // Patroni 3.0 has copied the base configuration file into the data directory meanwhile (save_configuration_files).
    if (!ticket->base_configuration.empty()) {
        patroni::remove_block(fs::path(ticket->base_configuration).filename().string() + ".backup");
    }
    for (const char* name : {ReplayNotes::file_name, OnlyOnce::file_name, made_places_file, Ticket::file_name}) {
        system::remove_file(name);
    }
    if (is_in_its_place) {
        leave_spool(*ticket);
    }
}

}  // namespace patroni_pgbackrest
