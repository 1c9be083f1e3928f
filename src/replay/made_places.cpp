#include "replay/made_places.hpp"

#include "postgres/binaries.hpp"
#include "postgres/file_effects.hpp"
#include "staging/places.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/mapped_file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <variant>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// For a hint, which is followed somewhere else.
std::string shell_word_of(const fs::path& data_directory) {
    const auto absolute = fs::absolute(data_directory).lexically_normal();
    return system::shell_word(system::without_last_slash(absolute).string());
}

/// The file of the segment before, on whatever timeline, if PostgreSQL still has it.
std::optional<fs::path> segment_before(const fs::path& data_directory, const postgres::Segment& segment,
                                       postgres::SegmentSize size) {
    if (segment.number == 0) {
        return std::nullopt;
    }
    for (auto timeline = segment.timeline; timeline.number > 0; --timeline.number) {
        const auto file = data_directory / "pg_wal" / postgres::Segment{timeline, segment.number - 1}.name(size);
        std::error_code error;
        if (fs::exists(file, error)) {
            return file;
        }
    }
    return std::nullopt;
}

/// recoveryStopsBefore and recoveryStopsAfter in xlogrecovery.c. What ends a transaction, or names a point, does
/// nothing else that is looked for: whether it is replayed itself does not matter.
postgres::EndOfReplay end_at(const RecoveryTarget& target, const postgres::WalRecord& record,
                             const postgres::WalEvent& event) {
    using postgres::EndOfReplay;
    const auto behind_it_if = [](bool ends) { return ends ? EndOfReplay::behind_it : EndOfReplay::none; };
    const auto* ended = std::get_if<postgres::TransactionEnd>(&event);
    const auto* named = std::get_if<postgres::RestorePoint>(&event);
    if (const auto* lsn = std::get_if<LsnTarget>(&target.point)) {
        const auto end = target.exclusive ? EndOfReplay::before_it : EndOfReplay::behind_it;
        return record.start < lsn->lsn ? EndOfReplay::none : end;
    }
    if (const auto* xid = std::get_if<Xid>(&target.point)) {
        return behind_it_if(ended != nullptr && ended->xid == static_cast<std::uint32_t>(xid->number));
    }
    if (const auto* name = std::get_if<Name>(&target.point)) {
        return behind_it_if(named != nullptr && named->name == name->name);
    }
    return behind_it_if(std::holds_alternative<Time>(target.point) && ended != nullptr &&
                        ends_replay(target, ended->time));
}

/// What a delivered segment holds.
struct Content {
    postgres::FileEffects effects{};
    postgres::CopiedDatabases copied{};  ///< before the backup's end
};

Content content_of(const Ticket& ticket, const fs::path& data_directory, const std::string& wanted,
                   const fs::path& delivered, const std::vector<postgres::DatabaseCopy>& copies) {
    Content content{{}, {copies, std::nullopt}};
    const system::MappedFile file(delivered);
    const postgres::SegmentSize size{file.bytes().size()};
    if (!size.is_possible()) {
        return content;  // PostgreSQL takes no file of another size
    }
    const auto segment = postgres::Segment::parse(wanted, size);
    if (!segment) {
        return content;
    }
    const auto before = segment_before(data_directory, *segment, size);
    const auto mapped = before ? std::make_unique<system::MappedFile>(*before) : nullptr;
    const auto bytes_before = mapped ? mapped->bytes() : std::string_view();
    const postgres::SegmentFile segment_file{*segment, file.bytes()};
    content.effects =
        postgres::file_effects(bytes_before, segment_file, size, [&](const auto& record, const auto& event) {
            return end_at(ticket.stop, record, event);
        });
    const bool may_be_later = ticket.backup_end && segment->start(size) < *ticket.backup_end;
    if (may_be_later && (content.effects.only_once || !copies.empty())) {
        content.copied = postgres::copied_databases(copies, bytes_before, segment_file, size, *ticket.backup_end);
    }
    return content;
}

void note_only_once(const fs::path& data_directory, const Content& content, const std::optional<OnlyOnce>& earlier,
                    const std::string& startup_process) {
    if (const auto& at = content.effects.only_once) {
        OnlyOnce{earlier ? std::max(earlier->at, *at) : *at, startup_process, content.copied.copies}.save(
            data_directory);
    }
}

bool is_ours(const Ticket& ticket, const fs::path& data_directory, const std::string& place) {
    auto ours = made_places(data_directory).owned().paths();
    ours.insert(ours.end(), ticket.places.begin(), ticket.places.end());
    return std::find(ours.begin(), ours.end(), place) != ours.end();
}

std::optional<GuardAnswer> make_ready(const Ticket& ticket, const fs::path& data_directory,
                                      const std::vector<std::string>& places) {
    if (places.empty()) {
        return std::nullopt;
    }
    if (ticket.recovery == Recovery::standalone) {
        return GuardAnswer{
            .kind = GuardAnswer::Kind::abort,
            .cause = ExitCode::replay_failed,
            .message = fmt::format("the WAL makes a tablespace in {}", places.front()),
            .hint = "run it again: it goes on from here",
            .wanted_places = places,
        };
    }
    try {
        for (const std::string& place : places) {
            make_room(data_directory, place);
        }
    } catch (const Failure& failure) {
        const auto& problem = failure.problems().front();
        return GuardAnswer{GuardAnswer::Kind::abort, failure.code(), problem.message, problem.hint};
    }
    return std::nullopt;
}

}  // namespace

GuardAnswer refusal_of_minimal_wal(postgres::Lsn before) {
    return {GuardAnswer::Kind::abort, ExitCode::replay_failed,
            fmt::format("behind {} the WAL was written with wal_level minimal: tables that were made and filled from "
                        "then on are not in it",
                        before.text()),
            fmt::format("restore to the last point before it with type lsn and target {}; what was written later is in "
                        "a backup alone that was made after wal_level was raised again",
                        before.text()),
            true};
}

GuardAnswer refusal_of_changed_source(const postgres::DatabaseCopy& copy, postgres::Lsn backup_end) {
    const bool is_moved = copy.database == copy.source;
    return {
        GuardAnswer::Kind::abort, ExitCode::replay_failed,
        is_moved ? fmt::format("at {} the database with OID {} is moved to another tablespace, and the backup, which "
                               "ended at {}, may no longer have its files: it would come back without tables",
                               copy.at.text(), copy.source, backup_end.text())
                 : fmt::format("at {} the database with OID {} is copied file by file from that with OID {}, which "
                               "was changed or dropped before the backup ended at {}: the backup may have later "
                               "files of it, and the copy would get what was never in it",
                               copy.at.text(), copy.database, copy.source, backup_end.text()),
        fmt::format("name an older backup set with set, one that ended before {}: from there its files are those of "
                    "that moment; where the source lives, make another backup",
                    copy.at.text()),
        true};
}

PlaceState state_of_place(const fs::path& place, int major) {
    std::error_code error;
    if (!fs::exists(place, error)) {
        return PlaceState::absent;
    }
    struct stat facts {};
    if (::stat(place.c_str(), &facts) == 0 && facts.st_uid != ::geteuid()) {
        return PlaceState::foreign;
    }
    const auto names = fs::is_directory(place, error) ? system::entries(place) : std::vector<std::string>{};
    const auto is_filled = [&](const std::string& name) { return is_version_directory(name, major); };
    return !fs::is_directory(place, error) || std::any_of(names.begin(), names.end(), is_filled) ? PlaceState::filled
                                                                                                 : PlaceState::free;
}

std::optional<GuardAnswer> judge_place(const fs::path& place, PlaceState state, bool is_ours,
                                       const fs::path& data_directory) {
    if (state == PlaceState::foreign) {
        return GuardAnswer{
            GuardAnswer::Kind::abort, ExitCode::replay_failed,
            fmt::format("the WAL makes a tablespace in {}, which belongs to another user", place.string()),
            fmt::format("chown --reference={} {}, then run it again: it goes on from here",
                        shell_word_of(data_directory), system::shell_word(place.string()))};
    }
    if (state != PlaceState::filled || is_ours) {
        return std::nullopt;
    }
    return GuardAnswer{
        GuardAnswer::Kind::abort, ExitCode::unsafe,
        fmt::format("the WAL makes a tablespace in {}, which holds a tablespace's files that are not of "
                    "this restore: PostgreSQL would write into them, and keep what is newer",
                    place.string()),
        "if no server uses them, move them away and leave the directory empty; the next run goes on from "
        "here"};
}

std::optional<GuardAnswer> refuse_outside_of_scratch(const Ticket& ticket, const fs::path& place) {
    if (ticket.scratch.empty() || system::lies_in(place, ticket.scratch)) {
        return std::nullopt;
    }
    return GuardAnswer{
        GuardAnswer::Kind::abort, ExitCode::unsafe,
        fmt::format("the WAL makes a tablespace in {}, and a rehearsal writes in {} alone", place.string(),
                    ticket.scratch),
        "rehearse a point before it with type and target, or wait for the next backup, which has that tablespace: "
        "it is restored into the scratch directory then",
        true};
}

std::optional<GuardAnswer> prepare_places(const Ticket& ticket, const fs::path& data_directory,
                                          const std::string& wanted, const fs::path& delivered,
                                          const std::string& startup_process) {
    if (!postgres::is_segment_name(wanted) || !fs::exists(delivered)) {
        return std::nullopt;  // PostgreSQL looks for the file, too
    }
    const auto earlier = OnlyOnce::in(data_directory);
    const auto content = content_of(ticket, data_directory, wanted, delivered,
                                    earlier ? earlier->copies : std::vector<postgres::DatabaseCopy>{});
    const auto& effects = content.effects;
    if (effects.before_minimal) {
        return refusal_of_minimal_wal(*effects.before_minimal);
    }
    if (content.copied.changed) {
        return refusal_of_changed_source(*content.copied.changed, *ticket.backup_end);
    }
    std::vector<std::string> not_ready;
    for (const std::string& place : effects.tablespaces) {
        if (auto refusal = refuse_outside_of_scratch(ticket, place)) {
            return refusal;
        }
        if (system::lies_in(place, ticket.data_directory)) {
            return GuardAnswer{GuardAnswer::Kind::abort, ExitCode::replay_failed,
                               fmt::format("the WAL makes a tablespace in {}, inside of the data directory", place),
                               "restore to a point before it", true};
        }
        const auto state = state_of_place(place, postgres::major_version(data_directory));
        const bool ours = is_ours(ticket, data_directory, place);
        if (const auto refusal = judge_place(place, state, ours, data_directory)) {
            return refusal;
        }
        if (!ours || state == PlaceState::absent) {
            not_ready.push_back(place);
        }
    }
    if (const auto answer = make_ready(ticket, data_directory, not_ready)) {
        return answer;
    }
    note_only_once(data_directory, content, earlier, startup_process);
    return std::nullopt;
}

void make_room(const fs::path& data_directory, const fs::path& place) {
    std::error_code error;
    if (!fs::exists(place, error)) {
        if (fs::create_directories(place, error)) {
            fs::permissions(place, fs::perms::owner_all, error);
        }
        if (error) {
            throw Failure(
                ExitCode::replay_failed,
                fmt::format("the WAL makes a tablespace in {}, which cannot be made: {}", place.string(),
                            error.message()),
                fmt::format("mkdir -p {0} && chown --reference={1} {0}, then run it again: it goes on from here",
                            system::shell_word(place.string()), shell_word_of(data_directory)));
        }
        log::info("{} is made for a tablespace of the WAL", place.string());
    }
    note_made_place(data_directory, place);
}

}  // namespace patroni_pgbackrest
