#include "request/target.hpp"

#include "system/overloaded.hpp"
#include "system/text.hpp"

#include <fmt/format.h>
#include <regex>

namespace patroni_pgbackrest {

using namespace std::chrono;

std::optional<Time> Time::parse(std::string_view text) {
    static const std::regex form(
        R"(\s*(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?\s*(Z|z|UTC|GMT|([+-])(\d{2})(?::?(\d{2}))?)\s*)");
    std::match_results<std::string_view::const_iterator> found;
    if (!std::regex_match(text.begin(), text.end(), found, form)) {
        return std::nullopt;
    }
    const auto part = [&](int index) { return found[index].matched ? std::stoi(found[index].str()) : 0; };
    const year_month_day date{year{part(1)}, month{static_cast<unsigned>(part(2))},
                              day{static_cast<unsigned>(part(3))}};
    if (!date.ok() || part(4) > 23 || part(5) > 59 || part(6) > 59 || part(10) > 15 || part(11) > 59) {
        return std::nullopt;
    }
    std::string fraction = found[7].str();
    fraction.resize(6, '0');
    auto at = sys_time<microseconds>{sys_days{date}} + hours{part(4)} + minutes{part(5)} + seconds{part(6)} +
              microseconds{std::stoi(fraction)};
    const auto offset = hours{part(10)} + minutes{part(11)};
    at += found[9].str() == "-" ? offset : -offset;
    return Time{at};
}

std::string instant(std::int64_t seconds) {
    return Time{std::chrono::sys_time<std::chrono::microseconds>{std::chrono::seconds{seconds}}}.text();
}

std::string Time::text() const {
    const auto midnight = floor<days>(at);
    const year_month_day date{midnight};
    const hh_mm_ss clock{at - midnight};
    auto text = fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                            static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                            clock.hours().count(), clock.minutes().count(), clock.seconds().count());
    if (clock.subseconds().count() != 0) {
        text += fmt::format(".{:06}", clock.subseconds().count());
    }
    return text + "+00";
}

std::optional<RecoveryTarget> RecoveryTarget::parse(std::string_view type, std::string_view value, bool exclusive) {
    const auto made = [&](const auto& point) -> std::optional<RecoveryTarget> {
        return point ? std::optional(RecoveryTarget{*point, exclusive}) : std::nullopt;
    };
    if (type == "default") {
        return RecoveryTarget{Latest{}};
    }
    if (type == "immediate") {
        return RecoveryTarget{Immediate{}};
    }
    if (type == "time") {
        return made(Time::parse(value));
    }
    if (type == "xid") {
        const auto number = system::number(value);
        return made(number ? std::optional(Xid{*number}) : std::nullopt);
    }
    if (type == "lsn") {
        const auto lsn = postgres::Lsn::parse(value);
        return made(lsn ? std::optional(LsnTarget{*lsn}) : std::nullopt);
    }
    return type == "name" ? std::optional(RecoveryTarget{Name{std::string(value)}}) : std::nullopt;
}

std::string RecoveryTarget::type() const {
    return std::visit(system::Overloaded{[](const Latest&) { return "default"; },
                                         [](const Immediate&) { return "immediate"; },
                                         [](const Time&) { return "time"; }, [](const Xid&) { return "xid"; },
                                         [](const LsnTarget&) { return "lsn"; }, [](const Name&) { return "name"; }},
                      point);
}

std::string RecoveryTarget::value() const {
    return std::visit(
        system::Overloaded{
            [](const Latest&) { return std::string(); }, [](const Immediate&) { return std::string(); },
            [](const Time& time) { return time.text(); }, [](const Xid& xid) { return std::to_string(xid.number); },
            [](const LsnTarget& target) { return target.lsn.text(); }, [](const Name& name) { return name.name; }},
        point);
}

std::string RecoveryTarget::parameter() const {
    if (is_latest()) {
        return {};
    }
    return is_immediate() ? "recovery_target" : "recovery_target_" + type();
}

std::string RecoveryTarget::text() const {
    if (is_latest()) {
        return "latest";
    }
    return type() + (is_immediate() ? "" : " " + value()) + (exclusive ? ", exclusive" : "");
}

std::optional<TimelineWish> TimelineWish::parse(std::string_view text) {
    if (text == "latest") {
        return TimelineWish{Latest{}};
    }
    if (text == "current") {
        return TimelineWish{Immediate{}};
    }
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    const auto number = hexadecimal ? system::number(text.substr(2), 16) : system::number(text);
    if (!number || *number == 0 || *number > 0xFFFFFFFFU) {
        return std::nullopt;
    }
    return TimelineWish{postgres::Timeline{static_cast<std::uint32_t>(*number)}};
}

bool ends_replay(const RecoveryTarget& target, std::chrono::sys_time<std::chrono::microseconds> ended) {
    const auto& time = std::get<Time>(target.point);
    return target.exclusive ? ended >= time.at : ended > time.at;
}

}  // namespace patroni_pgbackrest
