#include "request/target.hpp"
#include "show/progress_text.hpp"
#include "show/rehearsal.hpp"
#include "system/descriptor.hpp"
#include "system/file.hpp"
#include "system/lock.hpp"
#include "system/log.hpp"
#include "system/process_facts.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <iterator>
#include <pwd.h>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

/// The history of the rehearsals.
namespace patroni_pgbackrest {

namespace {

constexpr std::int64_t a_day = 86400;
constexpr std::int64_t days_without_rehearsal = 30;
constexpr std::size_t most_compared = 5;

std::filesystem::path directory_of_state() {
    const char* state = std::getenv("XDG_STATE_HOME");
    if (state != nullptr && *state == '/') {
        return state;
    }
    const char* home = std::getenv("HOME");
    // A change of the user may leave the other one's.
    if (home != nullptr && *home == '/' && ::access(home, W_OK) == 0) {
        return std::filesystem::path(home) / ".local" / "state";
    }
    const auto* user = ::getpwuid(::geteuid());
    return std::filesystem::path(user == nullptr ? "/" : user->pw_dir) / ".local" / "state";
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// `12 % less than the median of the 5 before`; empty where there is nothing to compare with.
template <typename Get>
std::string compared(const std::vector<Rehearsal>& done, Get get) {
    const auto last = get(done.back());
    std::vector<double> before;
    for (auto each = done.rbegin() + 1; each != done.rend() && before.size() < most_compared; ++each) {
        if (const auto value = get(*each)) {
            before.push_back(*value);
        }
    }
    if (!last || before.empty()) {
        return {};
    }
    const auto usual = median(before);
    const auto percent = usual == 0 ? 0.0 : (*last - usual) / usual * 100;
    return fmt::format("{:.0f} % {} than the median of the {} before", std::abs(percent), percent < 0 ? "less" : "more",
                       before.size());
}

std::string trend_text(const std::vector<Rehearsal>& rehearsals) {
    std::vector<Rehearsal> done;
    std::copy_if(rehearsals.begin(), rehearsals.end(), std::back_inserter(done),
                 [&](const Rehearsal& each) { return each.is_done() && each.stanza == rehearsals.back().stanza; });
    if (done.empty()) {
        return {};
    }
    std::string text;
    const auto add = [&](std::string_view what, const std::string& words) {
        text += words.empty() ? std::string() : fmt::format("trend: {} {}\n", what, words);
    };
    add("copied bytes a second:", compared(done, [](const Rehearsal& each) { return each.copy_rate(); }));
    add("replayed segments a second:", compared(done, [](const Rehearsal& each) { return each.replay_rate(); }));
    add("seconds to the latest point:", compared(done, [](const Rehearsal& each) { return each.projected(); }));
    return text;
}

/// A disk that got full may have left half a line: what is written behind it would be no line either.
bool ends_in_line(const system::Descriptor& history) {
    const auto size = ::lseek(history.number(), 0, SEEK_END);
    char last = '\n';
    return size <= 0 || ::pread(history.number(), &last, 1, size - 1) != 1 || last == '\n';
}

std::string history_line(const Rehearsal& rehearsal) {
    auto line = fmt::format("{}  {}  {}", instant(rehearsal.at), rehearsal.stanza,
                            rehearsal.is_done() ? "succeeded" : fmt::format("failed ({})", rehearsal.exit_code));
    line += fmt::format("  in {}", duration_text(rehearsal.seconds));
    if (!rehearsal.target.empty()) {
        line += "  to " + rehearsal.target;
    }
    if (const auto rate = rehearsal.copy_rate()) {
        line += fmt::format("  copy {}/s", bytes_text(*rate));
    }
    if (const auto rate = rehearsal.replay_rate()) {
        line += fmt::format("  replay {:.1f} segments/s", *rate);
    }
    if (const auto seconds = rehearsal.projected()) {
        line += "  recovery about " + duration_text(*seconds);
    }
    return system::on_one_line(line + (rehearsal.message.empty() ? "" : "  " + rehearsal.message)) + "\n";
}

}  // namespace

std::filesystem::path usual_rehearsals_file() {
    return directory_of_state() / "patroni_pgbackrest" / "rehearsals.jsonl";
}

std::vector<Rehearsal> read_rehearsals(const std::filesystem::path& file) {
    std::vector<Rehearsal> rehearsals;
    std::size_t newer = 0;
    for (const auto& line : system::lines(system::read_file_if_present(file).value_or(""))) {
        if (auto rehearsal = Rehearsal::from_json(line)) {
            rehearsals.push_back(std::move(*rehearsal));
        } else if (Rehearsal::is_newer(line)) {
            ++newer;
        }
    }
    if (newer > 0) {
        log::warning("{} rehearsals in {} are of a newer patroni_pgbackrest and are passed over", newer, file.string());
    }
    return rehearsals;
}

void add_rehearsal(const std::filesystem::path& file, const Rehearsal& rehearsal) {
    const system::Descriptor history(::open(file.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
    if (!history.is_open()) {
        throw system::refused("write", file, errno);
    }
    const auto line = (ends_in_line(history) ? "" : "\n") + history_json({rehearsal});
    const auto written = ::write(history.number(), line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size())) {
        throw system::refused("write", file, written < 0 ? errno : ENOSPC);
    }
}

std::filesystem::path note_of_rehearsal(const std::filesystem::path& history) {
    return history.string() + ".running";
}

std::optional<RunStatus> killed_rehearsal(const std::filesystem::path& history) {
    const auto content = system::read_file_if_present(note_of_rehearsal(history));
    const auto written = content ? RunStatus::from_json(*content) : std::nullopt;
    if (!written) {
        return std::nullopt;
    }
    const auto& process = written->process;
    const bool lives = process.start_time != 0 && system::may_be_running(process.pid, process.start_time);
    auto status = judge_status(written, {.journal = {},
                                         .here = ProcessMark::of_this_process(),
                                         .process_is_alive = lives,
                                         .is_locked = system::is_locked(history.parent_path()),
                                         .now = std::time(nullptr)});
    return status.state == RunStatus::State::interrupted ? std::optional(std::move(status)) : std::nullopt;
}

Rehearsal rehearsal_of_killed(const RunStatus& status) {
    Rehearsal rehearsal;
    rehearsal.at = status.started;
    rehearsal.stanza = status.stanza;
    rehearsal.target = status.target;
    rehearsal.backup_set = status.plan ? status.plan->backup_set : "";
    rehearsal.exit_code = static_cast<int>(exit_code_of(status));
    rehearsal.phase = status.phase.phase;
    rehearsal.message = "it was killed, or its machine went down";
    rehearsal.seconds = static_cast<double>(std::max<std::int64_t>(status.updated - status.started, 0));
    rehearsal.phases = status.phases;
    return rehearsal;
}

std::string history_json(const std::vector<Rehearsal>& rehearsals) {
    std::string text;
    for (const auto& rehearsal : rehearsals) {
        text += rehearsal.to_json().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    }
    return text;
}

std::string history_text(const std::vector<Rehearsal>& rehearsals) {
    if (rehearsals.empty()) {
        return "no rehearsal is known\n";
    }
    std::string text;
    for (const auto& rehearsal : rehearsals) {
        text += history_line(rehearsal);
    }
    return text + trend_text(rehearsals);
}

std::vector<Finding> review_rehearsals(const std::vector<Rehearsal>& rehearsals, const std::string& stanza,
                                       std::int64_t now) {
    const Rehearsal* last = nullptr;
    const Rehearsal* last_done = nullptr;
    const Rehearsal* ahead = nullptr;
    for (const auto& rehearsal : rehearsals) {
        if (rehearsal.stanza == stanza) {
            last = &rehearsal;
            // Of a clock that was ahead: how long ago it was, nobody knows.
            auto& kind = rehearsal.at >= now + a_day ? ahead : last_done;
            kind = rehearsal.is_done() && rehearsal.knows_latest() ? &rehearsal : kind;
        }
    }
    const auto days = last_done == nullptr ? 0 : (now - last_done->at) / a_day;
    if (last_done != nullptr && days < days_without_rehearsal) {
        return {};
    }
    auto message = last_done == nullptr
                       ? fmt::format("no rehearsal of stanza {} has succeeded yet", stanza)
                       : fmt::format("the last rehearsal of stanza {} that succeeded was {} days ago", stanza, days);
    if (last != nullptr && !last->is_done()) {
        message += fmt::format(", and the last one ended with {}: {}", last->exit_code, last->message);
    } else if (last != nullptr && !last->knows_latest()) {
        message += ", and the last one could not plan a restore to the latest point";
    }
    if (ahead != nullptr) {
        message += fmt::format("; one is of {}, which this clock says is to come", instant(ahead->at));
    }
    return {{"no-rehearsal",
             {message, "run patroni_pgbackrest rehearse with --scratch=DIR and the same options, as the user of this "
                       "check"}}};
}

}  // namespace patroni_pgbackrest
