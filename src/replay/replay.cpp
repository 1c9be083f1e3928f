#include "replay/replay.hpp"

#include "postgres/client.hpp"
#include "postgres/configuration.hpp"
#include "postgres/timeline_history.hpp"
#include "replay/auto_conf.hpp"
#include "replay/made_places.hpp"
#include "replay/probes.hpp"
#include "replay/proof.hpp"
#include "replay/roles.hpp"
#include "replay/settings.hpp"
#include "replay/ticket.hpp"
#include "replay/wal_server.hpp"
#include "replay/wal_source.hpp"
#include "staging/hand_over.hpp"
#include "staging/memory.hpp"
#include "staging/places.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/machine.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// What every private server runs with, whatever it is for.
std::vector<postgres::Setting> base_settings(const Request& request, const Plan& plan, const StagingDirectory& staging,
                                             const postgres::ControlData& control) {
    // A rehearsal believes nothing that an earlier one has left.
    const bool may_be_lost = !request.scratch && !tells_mounts_apart(staging.path(), staging.journal().places);
    const ReplayResources resources{
        .memory = std::min<std::uint64_t>(system::available_memory(), request.memory.value_or(UINT64_MAX)),
        .wal_disk = system::free_bytes(staging.path() / "pg_wal"),
        .processors = system::processors(),
        .database = plan.backup.size,
        .flushes = may_be_lost};
    auto settings = server_settings(control, plan.major_version, resources, request.preload_libraries);
    // The roles' passwords are stored in this form; PostgreSQL 13's default is another one than later versions'.
    if (request.patroni && request.patroni->password_encryption) {
        settings.push_back({"password_encryption", *request.patroni->password_encryption});
    }
    return settings;
}

/// Where a private server may write beside its directory: the restore's own places.
std::vector<fs::path> writable_places(const StagingDirectory& staging) {
    std::vector<fs::path> places;
    for (const auto& place : staging.journal().places.owned().paths()) {
        places.emplace_back(place);
    }
    return places;
}

class Replay {
  public:
    Replay(const Request& request, const Plan& plan, StagingDirectory& staging, const fs::path& bin_directory,
           const FirstSession& session, std::function<void()> copy_again, OnPosition on_position)
        : request_(request), plan_(plan), staging_(staging), bin_directory_(bin_directory), session_(session),
          copy_again_(std::move(copy_again)), on_position_(std::move(on_position)), data_(staging.path()) {}

    Reached run(Start start) {
        prepare(start == Start::replay);
        try {
            run_server(start == Start::replay);
        } catch (const Failure& failure) {
            if (tells_of_a_flush(failure.what())) {
                doubt_what_is_written(staging_);
            }
            throw;
        }
        auto reached = prove();
        take_time_of_earlier_run(reached);
        staging_.journal().places.add(linked_places(data_).owned());
        clean_up();
        return reached;
    }

  private:
    void prepare(bool recovering) {
        remove_signals();
        staging_.journal().places.add(made_places(data_).owned());
        if (recovering) {
            remove_newer_timelines();
            forget_spool();
            write_ticket();
            system::replace_file(data_ / "recovery.signal", "");
        }
        set_aside_auto_conf(staging_);
        staging_.journal().followed = plan_.history.text();
        staging_.enter(Phase::replaying);
    }

    /// Before another start: PostgreSQL begins where its last restartpoint was, most of the time at the backup.
    void go_back_if_needed() {
        const auto once = OnlyOnce::in(data_);
        if (once && once->is_behind(control().redo)) {
            log::info(
                "a database was copied file by file, or a tablespace dropped, at {}, which gives something else the "
                "second time: the copy is brought back to the backup first",
                once->at.text());
            put_back_auto_conf(staging_);
            copy_again_();
            prepare(true);
        }
    }

    postgres::ControlData control() const { return postgres::read_control_data(bin_directory_, data_); }

    void remove_signals() const {
        for (const char* name : {"recovery.signal", "standby.signal", ReplayNotes::file_name}) {
            system::remove_file(data_ / name);
        }
    }

    /// An earlier try may have been killed after it had written its new timeline's history file: PostgreSQL would count
    /// it as taken, and the server would archive it later as a branch that never was.
    void remove_newer_timelines() const {
        const auto prefix_of = [](const std::string& name) { return system::number(name.substr(0, 8), 16); };
        for (const auto& directory : {data_ / "pg_wal", data_ / "pg_wal" / "archive_status"}) {
            if (!fs::exists(directory)) {
                continue;
            }
            for (const auto& name : system::entries(directory)) {
                const auto timeline = name.size() >= 16 ? prefix_of(name) : std::nullopt;
                if (timeline && *timeline > plan_.timeline().number && fs::is_regular_file(directory / name)) {
                    system::remove_file(directory / name);
                }
            }
        }
    }

    void write_ticket() {
        wal_ = wal_of(request_, plan_, staging_);
        system::replace_file(data_ / Ticket::file_name, wal_.ticket.to_json());
    }

    std::vector<postgres::Setting> settings(const postgres::ControlData& control,
                                            const std::optional<WalServer>& wal) const {
        auto needed = control;
        needed.raise_limits(seen_limits_);
        needed.max_prepared_transactions += more_prepared_;
        auto all = base_settings(request_, plan_, staging_, needed);
        all.push_back(setting_for_origins(plan_.major_version, replication_origins_in(data_)));
        if (request_.scratch) {
            const auto more = settings_beside_production(plan_.major_version);
            all.insert(all.end(), more.begin(), more.end());
        }
        if (wal) {
            const auto more = recovery_settings(request_.target, plan_.timeline(), wal->restore_command());
            all.insert(all.end(), more.begin(), more.end());
        }
        return all;
    }

    /// The request's, as far as this replay can have them.
    std::vector<postgres::Setting> wishes() const {
        if (may_read_ahead_) {
            return request_.replay_settings;
        }
        const std::vector<postgres::Setting> not_ahead{{"recovery_prefetch", "off"}};
        return postgres::with_wishes(request_.replay_settings, not_ahead);
    }

    /// Of tablespaces that the WAL makes: the server can write there from its next start on.
    void take_places(const std::vector<std::string>& places) {
        for (const auto& place : places) {
            make_room(data_, place);
        }
        staging_.journal().places.add(made_places(data_).owned());
        staging_.enter(Phase::replaying);
        write_ticket();
    }

    void run_server(bool recovering) {
        while (true) {
            const auto before = control();
            log::info("{} of {} WAL segments with a private PostgreSQL {} in {}",
                      recovering ? "replay" : "end of the replay", plan_.wal.segments, plan_.major_version,
                      data_.string());
            std::optional<WalServer> wal;
            std::function<void()> serve;
            if (recovering) {
                wal_.first = fs::exists(data_ / "backup_label") ? plan_.wal.first() : std::string();
                wal.emplace(wal_);
                serve = [&wal] {
                    if (wal) {
                        wal->step();
                    }
                };
            }
            const auto all = settings(before, wal);
            reads_ahead_ = reads_ahead(plan_.major_version, postgres::with_wishes(all, wishes()));
            postgres::PrivateServer server({bin_directory_, data_, all, writable_places(staging_), serve, wishes()},
                                           [this](const postgres::RecoveryLog& seen) { tell_position(seen); });
            if (server.wait_until_ready()) {
                wal.reset();  // a primary asks for nothing more, and nothing more is fetched ahead
                return complete(server);
            }
            log_ = server.log();
            const auto notes = wal ? std::optional(wal->notes()) : std::nullopt;
            const auto failure = failure_of_replay(request_, plan_, log_, notes, *server.outcome(), data_);
            wal.reset();  // what it fetches is not awaited any more
            change_next_start(failure, notes, before);
            go_back_if_needed();
        }
    }

    /// What Patroni needs of a finished primary, and the session's looks at it; then it is stopped.
    void complete(postgres::PrivateServer& server) {
        log_ = server.log();
        tell_end();
        const auto superuser = set_roles(session_.roles, server, bin_directory_);
        refuse_too_many_origins();
        refuse_too_many_prepared();
        const postgres::Client client(bin_directory_, superuser_connection(server, superuser, session_.database));
        require_probes(client, session_.probes);
        if (session_.examine) {
            session_.examine(client);
        }
        server.stop();
    }

    /// So that it goes past what has ended this one; throws the failure where no other start would.
    void change_next_start(const Failure& failure, const std::optional<ReplayNotes>& notes,
                           const postgres::ControlData& before) {
        // pg_control's minimums can rise while WAL is replayed; each FATAL of that kind is followed by one more start.
        constexpr int most_raised = 4;
        if (raised_ < most_raised && limits_rose(before, control())) {
            ++raised_;
            seen_limits_ = control().limits();
            log::info("the source raised its limits while its WAL was written: started again with them");
        } else if (raised_ < most_raised && has_too_few_prepared(failure)) {
            ++raised_;
            more_prepared_ += 1000;
            log::info("the WAL has more prepared transactions than pg_control allows: started again with room");
        } else if (may_have_read_past_target(failure, notes)) {
            may_read_ahead_ = false;
            log::info("PostgreSQL may have read ahead of the target: started again without recovery_prefetch");
        } else if (notes && !notes->wanted_places.empty()) {
            take_places(notes->wanted_places);
            log::info("started again with the tablespace's directory");
        } else {
            throw Failure(failure);
        }
    }

    /// With recovery_prefetch, from version 15 on, PostgreSQL asks for the next segment before it looks whether the
    /// target is in this one, and for more of them where they have little in them. A segment that cannot be had, or
    /// that makes a tablespace in a place that is not ready for it, matters only where the replay needs it.
    bool may_have_read_past_target(const Failure& failure, const std::optional<ReplayNotes>& notes) const {
        const bool was_aborted = notes && notes->aborted_with;
        const bool is_about_a_segment = was_aborted || failure.code() == ExitCode::pgbackrest_failed;
        const bool is_about_a_place =
            was_aborted && (failure.code() == ExitCode::unsafe || failure.code() == ExitCode::replay_failed);
        return reads_ahead_ && !request_.target.is_latest() && is_about_a_segment &&
               (failure.is_lasting() || is_about_a_place);
    }

    /// The source may have lowered the limit since, and a killed replay has left that in pg_control already.
    static bool has_too_few_prepared(const Failure& failure) {
        return std::string_view(failure.what()).find("maximum number of prepared transactions reached") !=
               std::string_view::npos;
    }

    /// Patroni starts the first time with pg_control's limit, and then with its own (effective_configuration in
    /// postgresql/config.py, 2.0 to 4.1), with which PostgreSQL does not start while it holds more of them. They are
    /// counted where nothing has to answer: the checkpoint at the end of the recovery has written each down.
    void refuse_too_many_prepared() const {
        if (const auto pending = static_cast<std::int64_t>(prepared_transactions_in(data_)); pending > 0) {
            require_room("prepared transactions are pending", pending, "max_prepared_transactions",
                         std::max(pending, control_limit()));
        }
    }

    /// That checkpoint has written them down, too. Patroni gives PostgreSQL its own limit, at least 4, always; from 18
    /// on they have another setting, which it leaves alone.
    void refuse_too_many_origins() const {
        const auto origins = static_cast<std::int64_t>(replication_origins_in(data_));
        if (origins > 4 && plan_.major_version < first_with_setting_for_origins) {
            require_room("replication origins are in use", origins, "max_replication_slots", origins);
        }
    }

    void require_room(const std::string& what, std::int64_t count, const std::string& name, std::int64_t least) const {
        if (!session_.patroni_limits) {
            return;
        }
        const auto limits = session_.patroni_limits();
        if (const auto most = limits.in_force(name); most && count > *most) {
            Failure failure(ExitCode::preflight_refused,
                            fmt::format("{} {} in the restored cluster, and Patroni starts PostgreSQL with {} {}, with "
                                        "which it does not come up",
                                        count, what, name, *most),
                            limits.how_to_raise(name, least) + ": the next run goes on from here");
            if (session_.on_low_limit) {
                session_.on_low_limit(failure);
                return;
            }
            throw limits.is_left() ? failure : failure.lasting();
        }
    }

    /// A standby needs as many as the WAL was written with.
    std::int64_t control_limit() const { return control().limits().at("max_prepared_transactions"); }

    /// What an earlier run fetched may be damaged by a power cut, since it was not flushed.
    void forget_spool() const {
        if (const auto error = empty_spool(staging_.layout())) {
            throw system::refused("remove", staging_.layout().spool(), error.value());
        }
    }

    static bool limits_rose(const postgres::ControlData& before, const postgres::ControlData& now) {
        const auto earlier = before.limits();
        const auto limits = now.limits();
        return std::any_of(limits.begin(), limits.end(),
                           [&](const auto& limit) { return limit.second > earlier.at(limit.first); });
    }

    void tell_position(const postgres::RecoveryLog& seen) {
        const auto now = std::chrono::steady_clock::now();
        if (!seen.last_restored || told_ == seen.last_restored || now - told_at_ < std::chrono::seconds(1)) {
            return;
        }
        told_ = seen.last_restored;
        told_at_ = now;
        tell(0);
    }

    /// What was restored last is behind it, once the replay has ended.
    void tell_end() {
        told_ = log_.last_restored;
        if (told_) {
            tell(1);
        }
    }

    /// A replay does not fail for it.
    void tell(std::size_t more) {
        if (!on_position_) {
            return;
        }
        try {
            auto position = position_at(plan_.wal, *told_, plan_.segment_size, data_);
            if (position) {
                position->behind = position->behind ? std::optional(*position->behind + more) : std::nullopt;
                on_position_(*position);
            }
        } catch (const std::exception& error) {
            log::debug("how far the replay is, is not told: {}", error.what());
        }
    }

    Reached prove() {
        try {
            auto reached = prove_target(request_, plan_, log_, control(), data_ / "pg_wal");
            log::info("reached {} ({}), new timeline {}{}: asked for {}", reached.lsn.text(), reached.reason,
                      reached.timeline.text(), reached.time ? ", last transaction at " + *reached.time : "",
                      request_.target.text());
            return reached;
        } catch (const Failure& failure) {
            if (failure.code() == ExitCode::system_refused || is_interruption(failure.code())) {
                throw;  // nothing was proven
            }
            // It was promoted at the wrong place: only a copy from the repository can undo that.
            staging_.enter(Phase::copying);
            throw;
        }
    }

    /// Only the log of the run that replayed has it.
    void take_time_of_earlier_run(Reached& reached) const {
        const auto& earlier = staging_.journal().reached;
        if (!reached.time && earlier && earlier->timeline == reached.timeline && earlier->lsn == reached.lsn) {
            reached.time = earlier->time;
        }
    }

    void clean_up() const {
        leave_spool(staging_.layout());  // it would be synced with the rest of the file system
        put_back_auto_conf(staging_);
        for (const char* name : {Ticket::file_name, ReplayNotes::file_name, OnlyOnce::file_name, made_places_file,
                                 "postmaster.opts", "recovery.signal", "standby.signal"}) {
            system::remove_file(data_ / name);
        }
    }

    const Request& request_;
    const Plan& plan_;
    StagingDirectory& staging_;
    const fs::path& bin_directory_;
    const FirstSession& session_;
    std::function<void()> copy_again_;
    OnPosition on_position_;
    fs::path data_;
    postgres::RecoveryLog log_;
    WalServer::Options wal_{};
    bool may_read_ahead_ = true;
    bool reads_ahead_ = true;  ///< the server that was started last does
    int raised_ = 0;           ///< starts with higher limits
    int more_prepared_ = 0;
    std::map<std::string, int> seen_limits_;  ///< of a server that had to be started again with them
    std::optional<std::string> told_;         ///< the segment of the last position
    std::chrono::steady_clock::time_point told_at_{};
};

}  // namespace

Reached replay(const Request& request, const Plan& plan, StagingDirectory& staging, const fs::path& bin_directory,
               const FirstSession& session, Start start, const std::function<void()>& copy_again,
               const OnPosition& on_position) {
    return Replay(request, plan, staging, bin_directory, session, copy_again, on_position).run(start);
}

}  // namespace patroni_pgbackrest
