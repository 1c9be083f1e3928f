#include "request/target_settings.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <string>

namespace patroni_pgbackrest {

namespace {

std::optional<Time> time_target(Settings& settings, const std::string& value, const std::string& place) {
    auto time = Time::parse(value);
    if (!time) {
        settings.problem(
            place, fmt::format("'{}' is not a point in time with a UTC offset", value),
            "write it as 2026-11-22 10:00:00+00: without an offset pgBackRest and PostgreSQL would read it "
            "in different time zones");
    }
    return time;
}

std::optional<Xid> xid_target(Settings& settings, const std::string& value, const std::string& place) {
    const auto number = system::number(value);
    if (!number || static_cast<std::uint32_t>(*number) < 3) {  // behind an epoch as well
        settings.problem(place, fmt::format("'{}' is not a transaction number", value),
                         "give the number that pg_current_xact_id() returned, 3 or more");
        return std::nullopt;
    }
    return Xid{*number};
}

std::optional<LsnTarget> lsn_target(Settings& settings, const std::string& value, const std::string& place) {
    const auto lsn = postgres::Lsn::parse(value);
    if (!lsn) {
        settings.problem(place, fmt::format("'{}' is not an LSN", value), "write it as PostgreSQL does: 16/B374D848");
        return std::nullopt;
    }
    return LsnTarget{*lsn};
}

std::optional<Name> name_target(Settings& settings, const std::string& value, const std::string& place) {
    constexpr std::size_t longest = 63;
    if (has_control_character(value)) {
        settings.problem(place, "the restore point's name has a line feed or another control character",
                         "write it in one line, as pg_create_restore_point() was given it; a restore point whose name "
                         "really has one is reached by its LSN, with type lsn");
        return std::nullopt;
    }
    if (value.size() > longest) {
        settings.problem(place, fmt::format("the restore point's name has {} bytes", value.size()),
                         fmt::format("PostgreSQL keeps {} bytes at most", longest));
        return std::nullopt;
    }
    return Name{value};
}

}  // namespace

bool has_control_character(std::string_view value) {
    constexpr unsigned char first_printable = 0x20;
    constexpr char del = 0x7f;
    return std::any_of(value.begin(), value.end(), [](char character) {
        return (static_cast<unsigned char>(character) < first_printable && character != '\t') || character == del;
    });
}

RecoveryTarget read_target(Settings& settings) {
    RecoveryTarget target{Latest{}};
    const auto type = settings.value("type");
    const auto value = settings.value("target");
    const std::string kind = type ? std::string(system::trim(type->text)) : "latest";
    const bool needs_value = kind == "time" || kind == "xid" || kind == "lsn" || kind == "name";
    const bool takes_none = kind == "latest" || kind == "default" || kind == "immediate";
    if (!needs_value && !takes_none) {
        settings.problem(type->place, fmt::format("'{}' is not a recovery type", kind),
                         "use latest, immediate, time, xid, lsn or name");
        return target;
    }
    if (needs_value && !value) {
        settings.problem(type->place, fmt::format("type {} needs a target", kind), "set target as well");
        return target;
    }
    if (takes_none && value) {
        settings.problem(value->place, type ? fmt::format("type {} takes no target", kind) : "target without a type",
                         "set type to time, xid, lsn or name, or leave target out");
        return target;
    }
    if (kind == "immediate") {
        target.point = Immediate{};
    } else if (needs_value) {
        const std::string text(kind == "name" ? std::string_view(value->text) : system::trim(value->text));
        const auto take = [&](const auto& parsed) {
            if (parsed) {
                target.point = *parsed;
            }
        };
        if (kind == "time") {
            take(time_target(settings, text, value->place));
        } else if (kind == "xid") {
            take(xid_target(settings, text, value->place));
        } else if (kind == "lsn") {
            take(lsn_target(settings, text, value->place));
        } else {
            take(name_target(settings, text, value->place));
        }
    }
    if (settings.flag("target-exclusive")) {
        if (kind != "time" && kind != "xid" && kind != "lsn") {
            settings.problem(settings.place("target-exclusive"), "target-exclusive without a time, xid or lsn target",
                             "leave target-exclusive out");
        }
        target.exclusive = true;
    }
    return target;
}

std::optional<TimelineWish> read_timeline_wish(Settings& settings) {
    const auto wish = settings.value("target-timeline");
    if (!wish) {
        return std::nullopt;
    }
    const auto timeline = TimelineWish::parse(system::trim(wish->text));
    if (!timeline) {
        settings.problem(wish->place, fmt::format("'{}' is not a timeline", wish->text),
                         "use a number, latest or current");
    }
    return timeline;
}

}  // namespace patroni_pgbackrest
