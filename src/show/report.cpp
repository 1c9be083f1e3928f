#include "show/report.hpp"

#include "request/target.hpp"

#include <nlohmann/json.hpp>

namespace patroni_pgbackrest {

using nlohmann::json;

namespace {

json about_plan(const Request& request, const Plan& plan, const Layout& layout) {
    return {
        {"backup_set", plan.backup.label},
        {"repository", plan.backup.repository},
        {"timeline", plan.timeline().number},
        {"timeline_reason", plan.reason_for_timeline},
        {"recovery", text(request.recovery)},
        {"target",
         {{"type", request.target.type()}, {"value", request.target.value()}, {"exclusive", request.target.exclusive}}},
        {"nearest", plan.target.text() == request.target.text() ? json() : json(plan.target.text())},
        {"wal_segments", plan.wal.segments},
        {"first_segment", plan.wal.first()},
        {"last_segment", plan.wal.last()},
        {"system_identifier", plan.database.system_identifier},
        {"staging", layout.staging.string()}};
}

json about_reached(const Reached& reached) {
    return {{"lsn", reached.lsn.text()},
            {"time", reached.time ? json(*reached.time) : json()},
            {"timeline", reached.timeline.number},
            {"reason", reached.reason}};
}

json about_outcome(const std::optional<Failure>& failure) {
    const auto code = failure ? failure->code() : ExitCode::done;
    const auto& meaning = meaning_of(code);
    json problems = json::array();
    if (failure) {
        for (const auto& problem : failure->problems()) {
            problems.push_back({{"place", problem.place}, {"message", problem.message}, {"hint", problem.hint}});
        }
    }
    return {{"exit_code", static_cast<int>(code)},
            {"meaning", std::string(meaning.meaning)},
            {"retryable", meaning.worth_another_try},
            {"problems", problems}};
}

}  // namespace

void Report::phase(const std::string& name) {
    phases_.push_back({name, std::chrono::steady_clock::now()});
}

void Report::about(const Request& request) {
    request_ = request;
}

void Report::about(const Plan& plan, const Layout& layout) {
    plan_ = plan;
    layout_ = layout;
}

std::string Report::text(const std::optional<Failure>& failure) const {
    const auto now = std::chrono::steady_clock::now();
    json durations = json::object();
    for (std::size_t index = 0; index < phases_.size(); ++index) {
        const auto end = index + 1 < phases_.size() ? phases_[index + 1].begun : now;
        durations[phases_[index].name] = std::chrono::duration<double>(end - phases_[index].begun).count();
    }
    json report{{"schema", 1},  // a field that is removed, renamed or given another meaning changes it
                {"command", command_},
                {"version", PATRONI_PGBACKREST_VERSION},
                {"started", Time{std::chrono::floor<std::chrono::microseconds>(started_)}.text()},
                {"phase", !failure          ? "done"
                          : phases_.empty() ? "request"
                                            : phases_.back().name},
                {"durations", durations},
                {"versions", versions_},
                {"outcome", about_outcome(failure)}};
    if (request_) {
        report["scope"] = request_->scope;
        report["stanza"] = request_->pgbackrest.stanza;
        report["data_directory"] = request_->data_directory.string();
    }
    if (request_ && plan_ && layout_) {
        report["plan"] = about_plan(*request_, *plan_, *layout_);
    }
    if (reached_) {
        report["reached"] = about_reached(*reached_);
    }
    if (!kept_.empty()) {
        report["patroni_dynamic_configuration"] = kept_;
    }
    return report.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace patroni_pgbackrest
