#include "show/status.hpp"

#include "show/progress_text.hpp"
#include "system/descriptor.hpp"
#include "system/file.hpp"
#include "system/temporary_file.hpp"
#include "system/text.hpp"
#include "system/whole_number.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace patroni_pgbackrest {

using nlohmann::json;
using system::whole_number;

namespace {

using State = RunStatus::State;

constexpr unsigned status_schema = 1;  // a field that is removed, renamed or given another meaning changes it
constexpr std::array<std::string_view, 6> state_names = {"running", "waiting", "done", "failed", "interrupted", "none"};

json or_null(const std::string& text) {
    return text.empty() ? json() : json(text);
}

json moment(std::int64_t at) {
    return at == 0 ? json() : json(instant(at));
}

std::int64_t moment_in(const json& text) {
    const auto time = text.is_string() ? Time::parse(text.get<std::string>()) : std::nullopt;
    return time ? std::chrono::floor<std::chrono::seconds>(time->at).time_since_epoch().count() : 0;
}

/// Of a field that older files do not have.
std::optional<std::int64_t> optional_moment(const json& content, const char* name) {
    const auto found = content.find(name);
    return found != content.end() && found->is_string() ? std::optional(moment_in(*found)) : std::nullopt;
}

std::string text_of(const json& value) {
    return value.is_string() ? value.get<std::string>() : std::string();
}

json about_problem(const Problem& problem) {
    return {{"message", problem.message}, {"hint", problem.hint}};
}

json about_phase(const RunStatus& status) {
    const auto& phase = status.phase;
    return {{"name", phase.phase},
            {"unit", or_null(std::string(text(phase.unit)))},
            {"done", phase.done},
            {"planned", phase.planned},
            {"percent", phase.percent ? json(rounded(*phase.percent)) : json()},
            {"rate", phase.rate ? json(rounded_rate(*phase.rate)) : json()},
            {"seconds_left", phase.left ? json(phase.left->count()) : json()},
            {"seconds", phase.lasts.count()},
            {"seconds_without_a_move", phase.quiet.count()},
            {"position", or_null(status.position)},
            {"waits_for", or_null(status.waits_for)}};
}

PhaseView read_phase(const json& content) {
    PhaseView phase;
    phase.phase = content.at("name");
    const auto unit = text_of(content.at("unit"));
    for (const auto each : {Unit::bytes, Unit::segments, Unit::time, Unit::files}) {
        phase.unit = unit == text(each) ? each : phase.unit;
    }
    phase.done = whole_number<std::uint64_t>(content.at("done"));
    phase.planned = whole_number<std::uint64_t>(content.at("planned"));
    if (content.at("percent").is_number()) {
        phase.percent = std::clamp(content.at("percent").get<double>(), 0.0, 100.0);
    }
    if (content.at("rate").is_number()) {
        phase.rate = content.at("rate").get<double>();
    }
    if (content.at("seconds_left").is_number()) {
        phase.left = std::chrono::seconds(whole_number<std::int64_t>(content.at("seconds_left")));
    }
    phase.lasts = std::chrono::seconds(whole_number<std::int64_t>(content.at("seconds")));
    phase.quiet = std::chrono::seconds(whole_number<std::int64_t>(content.at("seconds_without_a_move")));
    return phase;
}

json about_plan(const RunStatus::PlanFacts& plan) {
    return {{"backup_set", plan.backup_set},     {"repository", plan.repository},
            {"timeline", plan.timeline},         {"recovery", plan.recovery},
            {"wal_segments", plan.wal_segments}, {"first_segment", plan.first_segment},
            {"last_segment", plan.last_segment}, {"backup_size", plan.backup_size}};
}

RunStatus::PlanFacts read_plan(const json& content) {
    return {content.at("backup_set"),
            whole_number<unsigned>(content.at("repository")),
            whole_number<std::uint32_t>(content.at("timeline")),
            content.at("recovery"),
            whole_number<std::uint64_t>(content.at("wal_segments")),
            content.at("first_segment"),
            content.at("last_segment"),
            whole_number(content, "backup_size", std::uint64_t{0})};
}

State state_named(const std::string& name) {
    const auto* const found = std::find(state_names.begin(), state_names.end(), name);
    if (found == state_names.end()) {
        throw json::other_error::create(501, "no run is " + name, nullptr);
    }
    return static_cast<State>(found - state_names.begin());
}

RunStatus read(const json& content) {
    RunStatus status;
    status.state = state_named(text_of(content.at("state")));
    const auto& process = content.at("process");
    status.process = {whole_number<pid_t>(process.at("pid")),
                      whole_number<unsigned long long>(process.at("start_time")), process.at("boot"),
                      process.at("pid_namespace"), process.value("has_lock", false)};
    status.scope = text_of(content.at("scope"));
    status.stanza = text_of(content.at("stanza"));
    status.data_directory = text_of(content.at("data_directory"));
    status.target = text_of(content.at("target"));
    status.started = moment_in(content.at("started"));
    status.updated = moment_in(content.at("updated"));
    if (content.at("plan").is_object()) {
        status.plan = read_plan(content.at("plan"));
    }
    status.phase = read_phase(content.at("phase"));
    status.position = text_of(content.at("phase").at("position"));
    status.waits_for = text_of(content.at("phase").at("waits_for"));
    for (const auto& phase : content.at("finished_phases")) {
        status.phases.emplace_back(phase.at("name"), phase.at("seconds"));
    }
    if (const auto& error = content.at("last_error"); error.is_object()) {
        status.last_error = {error.at("exit_code").is_number() ? whole_number<int>(error.at("exit_code")) : 0,
                             error.at("message"), error.at("hint"), moment_in(error.at("at"))};
    }
    if (content.at("next_try").is_string()) {
        status.next_try = moment_in(content.at("next_try"));
    }
    status.reached = text_of(content.at("reached"));
    status.reached_time = optional_moment(content, "reached_time");
    status.window_end = optional_moment(content, "window_end");
    if (const auto members = content.find("members"); members != content.end() && members->is_array()) {
        status.members = members->get<std::vector<std::string>>();
        status.leader = text_of(content.value("leader", json()));
    }
    return status;
}

}  // namespace

std::string text(State state) {
    return std::string(state_names.at(static_cast<std::size_t>(state)));
}

std::string RunStatus::to_json(bool on_one_line) const {
    json finished = json::array();
    for (const auto& [name, seconds] : phases) {
        finished.push_back({{"name", name}, {"seconds", rounded(seconds)}});
    }
    json error;
    if (last_error) {
        error = {{"exit_code", last_error->exit_code == 0 ? json() : json(last_error->exit_code)},
                 {"message", last_error->message},
                 {"hint", last_error->hint},
                 {"at", moment(last_error->at)}};
    }
    const json content{{"schema", status_schema},
                       {"version", PATRONI_PGBACKREST_VERSION},
                       {"state", patroni_pgbackrest::text(state)},
                       {"process",
                        {{"pid", process.pid},
                         {"start_time", process.start_time},
                         {"boot", process.boot},
                         {"pid_namespace", process.pid_namespace},
                         {"has_lock", process.has_lock}}},
                       {"scope", or_null(scope)},
                       {"stanza", or_null(stanza)},
                       {"data_directory", or_null(data_directory)},
                       {"target", or_null(target)},
                       {"started", moment(started)},
                       {"updated", moment(updated)},
                       {"plan", plan ? about_plan(*plan) : json()},
                       {"phase", about_phase(*this)},
                       {"finished_phases", finished},
                       {"last_error", error},
                       {"next_try", next_try ? moment(*next_try) : json()},
                       {"reached", or_null(reached)},
                       {"reached_time", reached_time ? moment(*reached_time) : json()},
                       {"window_end", window_end ? moment(*window_end) : json()},
                       {"members", members ? json(*members) : json()},
                       {"leader", or_null(leader)},
                       {"left_behind", left_behind ? about_problem(*left_behind) : json()}};
    return content.dump(on_one_line ? -1 : 2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::optional<RunStatus> RunStatus::from_json(const std::string& text) {
    try {
        const auto content = json::parse(text);
        return whole_number<unsigned>(content.at("schema")) <= status_schema ? std::optional(read(content))
                                                                             : std::nullopt;
    } catch (const json::exception&) {
        return std::nullopt;
    }
}

std::optional<RunStatus> read_status(const std::filesystem::path& file) {
    const auto text = system::read_file_if_present(file);
    if (!text) {
        return std::nullopt;
    }
    const auto content = json::parse(*text, nullptr, false);
    const auto schema = content.is_object() ? content.value("schema", json()) : json();
    if (schema.is_number_unsigned() && schema.get<std::uint64_t>() > status_schema) {
        throw Failure(ExitCode::unsafe,
                      system::newer_file("the status file " + file.string(), "schema", schema.get<std::uint64_t>(),
                                         status_schema),
                      "ask the newer patroni_pgbackrest that wrote it");
    }
    return RunStatus::from_json(*text);
}

void write_status(const RunStatus& status, const std::filesystem::path& file) {
    auto temporary = file;
    temporary += ".new";
    try {
        const system::Descriptor target(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
        if (!target.is_open()) {
            system::cannot("write", file);
        }
        system::write_all(target, status.to_json(), file);
        if (::rename(temporary.c_str(), file.c_str()) != 0) {
            system::cannot("write", file);
        }
    } catch (const Failure&) {
        ::unlink(temporary.c_str());
        throw;
    }
}

}  // namespace patroni_pgbackrest
