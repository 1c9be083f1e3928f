#include "staging/journal.hpp"

#include "pgbackrest/archive_names.hpp"
#include "postgres/control_data.hpp"
#include "postgres/timeline_history.hpp"
#include "system/file.hpp"
#include "system/lock.hpp"

#include <algorithm>
#include <ctime>
#include <sys/stat.h>
#include <system_error>

namespace patroni_pgbackrest {

void Journal::take_as_copy() {
    is_copy = true;
    places.clear();
    base.reset();
    if (phase < Phase::handing_over) {
        phase = Phase::copying;
    }
}

std::optional<HandedOver> HandedOver::of(const std::filesystem::path& directory) {
    struct stat facts {};
    if (::stat(directory.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) {
        return std::nullopt;
    }
    const auto control = postgres::read_control_file(directory);
    return HandedOver{facts.st_ino,
                      static_cast<std::int64_t>(::time(nullptr)),
                      control ? control->written_at : 0,
                      system::Uptime::now(),
                      system::birth_of(directory).value_or(""),
                      control ? std::optional(control->redo) : std::nullopt};
}

bool Journal::handed_over_is(const std::filesystem::path& directory) const {
    struct stat facts {};
    if (!handed_over || ::stat(directory.c_str(), &facts) != 0 || facts.st_ino != handed_over->inode ||
        (!handed_over->birth.empty() &&
         !system::is_same_birth(handed_over->birth, system::birth_of(directory).value_or("")))) {
        return false;
    }
    const auto control = postgres::read_control_file(directory);
    return control && control->system_identifier == system_identifier;
}

std::optional<std::int64_t> end_of_recovery(const std::filesystem::path& data_directory, postgres::Timeline timeline) {
    struct stat history {};
    const auto file = data_directory / "pg_wal" / timeline.history_file();
    return ::stat(file.c_str(), &history) == 0 ? std::optional<std::int64_t>(history.st_mtime) : std::nullopt;
}

std::optional<BegunTimeline> BegunTimeline::in(const std::filesystem::path& data_directory,
                                               postgres::Timeline restored) {
    auto newest = restored;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(data_directory / "pg_wal", error)) {
        const auto name = entry.path().filename().string();
        if (postgres::is_history_name(name)) {
            newest = std::max(newest, pgbackrest::timeline_of(name));
        }
    }
    const auto written_at = newest == restored ? std::nullopt : end_of_recovery(data_directory, newest);
    return written_at ? std::optional(BegunTimeline{newest, *written_at}) : std::nullopt;
}

bool Journal::is_copied_to(const std::filesystem::path& directory) const {
    const auto written_at = begun_timeline ? end_of_recovery(directory, begun_timeline->timeline) : std::nullopt;
    if (!handed_over || !written_at || *written_at != begun_timeline->written_at) {
        return false;
    }
    const auto control = postgres::read_control_file(directory);
    return control && control->system_identifier == system_identifier;
}

bool Journal::refuses(const std::filesystem::path& directory) const {
    return (rejected || not_accepted) && (handed_over_is(directory) || is_copied_to(directory));
}

void Journal::note_begun_timeline(const std::filesystem::path& directory) {
    if (const auto begun = goal ? BegunTimeline::in(directory, goal->timeline) : std::nullopt) {
        begun_timeline = begun;
    }
}

bool Journal::is_of_this_boot(const std::filesystem::path& staging) const {
    const auto now = boot_of(staging, places);
    return !now.empty() && boot == now;
}

bool Journal::went_back_to(const std::filesystem::path& staging) const {
    struct stat facts {};
    if (phase != Phase::handed_over || ::stat((staging / "global" / "pg_control").c_str(), &facts) != 0 ||
        facts.st_ino != control_inode) {
        return false;
    }
    const auto control = postgres::read_control_file(staging);
    return control && control->system_identifier == system_identifier && has_never_started(*control);
}

bool Journal::has_never_started(const postgres::ControlFile& control) const {
    // pg_control's time has seconds only: PostgreSQL may be started in the one in which the replay's server was
    // stopped.
    return handed_over && control.written_at == handed_over->control_written_at &&
           control.redo == handed_over->redo.value_or(control.redo) &&
           (!reached || control.state == postgres::ClusterState::shut_down);
}

void record_bootstrap_call(const Request& request, const Layout& layout,
                           const std::optional<PatronisCall>& of_patroni) {
    make_private(layout.workspace);
    const system::Lock lock(layout.lock());
    refuse_somebodys_data(layout);  // again: the instance that was waited for may have filled it
    auto journal = Journal::read(layout.journal()).value_or(Journal{});
    journal.planning = BootstrapCall{request.scope, member_of(request), identity_of(request), of_patroni};
    journal.given_up = false;
    journal.save(layout.journal());
}

void change_journal(const Layout& layout, const std::function<void(Journal&)>& change) {
    const system::Lock lock(layout.lock());
    if (auto journal = Journal::read(layout.journal())) {
        change(*journal);
        journal->save(layout.journal());
    }
}

}  // namespace patroni_pgbackrest
