#include "replay/made_places.hpp"

#include "postgres/wal_tablespaces.hpp"
#include "staging/places.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/mapped_file.hpp"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <memory>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

/// The file of the segment before, on whatever timeline, if PostgreSQL still has it.
std::optional<fs::path> segment_before(const postgres::Segment& segment, postgres::SegmentSize size) {
    if (segment.number == 0) {
        return std::nullopt;
    }
    for (auto timeline = segment.timeline; timeline.number > 0; --timeline.number) {
        const auto file = fs::path("pg_wal") / postgres::Segment{timeline, segment.number - 1}.name(size);
        std::error_code error;
        if (fs::exists(file, error)) {
            return file;
        }
    }
    return std::nullopt;
}

std::vector<std::string> places_made_in(const std::string& wanted, const fs::path& delivered) {
    const system::MappedFile file(delivered);
    const postgres::SegmentSize size{file.bytes().size()};
    if (!std::has_single_bit(size.bytes) || size.bytes < (1ULL << 20) || size.bytes > (1ULL << 30)) {
        return {};  // PostgreSQL takes no file of another size
    }
    const auto segment = postgres::Segment::parse(wanted, size);
    if (!segment) {
        return {};
    }
    const auto before = segment_before(*segment, size);
    const auto mapped = before ? std::make_unique<system::MappedFile>(*before) : nullptr;
    return postgres::tablespaces_made(mapped ? mapped->bytes() : std::string_view(), {*segment, file.bytes()}, size);
}

/// Why not, in the system's words; empty when it was made.
std::string make_place(const fs::path& place) {
    std::error_code error;
    if (fs::create_directories(place, error)) {
        fs::permissions(place, fs::perms::owner_all, error);
    }
    return error ? error.message() : "";
}

}  // namespace

PlaceState state_of_place(const fs::path& place) {
    std::error_code error;
    if (!fs::exists(place, error)) {
        return PlaceState::absent;
    }
    struct stat facts {};
    if (::stat(place.c_str(), &facts) == 0 && facts.st_uid != ::geteuid()) {
        return PlaceState::foreign;
    }
    const auto names = fs::is_directory(place, error) ? system::entries(place) : std::vector<std::string>{"PG_"};
    return std::any_of(names.begin(), names.end(), is_version_directory) ? PlaceState::filled : PlaceState::free;
}

std::optional<GuardAnswer> judge_place(const fs::path& place, PlaceState state, bool is_ours) {
    if (state == PlaceState::foreign) {
        return GuardAnswer{
            GuardAnswer::Kind::abort, ExitCode::replay_failed,
            fmt::format("the WAL makes a tablespace in {}, which belongs to another user", place.string()),
            fmt::format("chown --reference={} {}, then run it again: it goes on from here", fs::current_path().string(),
                        place.string())};
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

std::optional<GuardAnswer> prepare_places(const Ticket& ticket, const std::string& wanted, const fs::path& delivered) {
    if (!postgres::is_segment_name(wanted)) {
        return std::nullopt;
    }
    for (const std::string& place : places_made_in(wanted, delivered)) {
        auto noted = made_places(".");
        const auto state = state_of_place(place);
        const auto knows = [&](const std::vector<std::string>& places) {
            return std::find(places.begin(), places.end(), place) != places.end();
        };
        if (const auto refusal = judge_place(place, state, knows(ticket.places) || knows(noted))) {
            return refusal;
        }
        if (!knows(noted)) {
            noted.push_back(place);
            note_made_places(".", noted);
        }
        if (state == PlaceState::absent) {
            const auto why = make_place(place);
            if (!why.empty()) {
                return GuardAnswer{
                    GuardAnswer::Kind::abort, ExitCode::replay_failed,
                    fmt::format("the WAL makes a tablespace in {}, which cannot be made: {}", place, why),
                    fmt::format("mkdir -p {0} && chown --reference={1} {0}, then run it again: it goes "
                                "on from here",
                                place, fs::current_path().string())};
            }
            log::info("{} is made for a tablespace of the WAL", place);
        }
    }
    return std::nullopt;
}

}  // namespace patroni_pgbackrest
