#include "commands/in_force.hpp"

#include "commands/dcs_in_force.hpp"
#include "commands/preflight.hpp"
#include "system/log.hpp"

#include <utility>

namespace patroni_pgbackrest::commands {

namespace {

bool has_told(const patroni::ScopeState& state) {
    return state.leadership.why_unknown.empty() || state.initialize != patroni::InitializeKey::unknown;
}

/// With the command that changes it, which is in hints.
bool is_same(const patroni::Configuration& one, const patroni::Configuration& other) {
    return one.fingerprint_in_force == other.fingerprint_in_force && one.dcs_edit == other.dcs_edit;
}

void say_what_is_unknown(const patroni::ScopeState& state) {
    if (const auto& why = state.leadership.why_unknown; !why.empty()) {
        log::info("the DCS cannot be asked, so bootstrap.dcs is judged as if it counted: {}", why);
    } else if (state.initialize == patroni::InitializeKey::unknown) {
        log::warning("patronictl's Python cannot read the DCS, so bootstrap.dcs is judged as if it counted");
    }
}

}  // namespace

bool is_another(const BootstrapArguments& judged, const patroni::ScopeState& state) {
    return judged.patroni && !state.configuration.empty() && state.configuration != judged.source.dcs.json;
}

InForce::InForce(const BootstrapArguments& given, std::function<void(const patroni::ScopeState&)> on_answer)
    : arguments_(given), on_answer_(std::move(on_answer)) {
    if (!given.patroni || scope_of(given).empty()) {
        return;
    }
    ask();
    if (question_->comes_in_time()) {
        hear();
    } else {
        log::info("the DCS has not answered yet, so bootstrap.dcs is judged as if it counted until it does");
    }
}

void InForce::ask() {
    constexpr std::chrono::hours longer_than_a_restore{24 * 365};
    question_.emplace(arguments_.source, scope_of(arguments_), patroni::Silence::may_end, longer_than_a_restore);
    asked_at_ = std::chrono::steady_clock::now();
    is_open_ = true;
}

bool InForce::is_recent() const {
    return std::chrono::steady_clock::now() - asked_at_ < patroni::longest_answer;
}

bool InForce::hear() {
    if (!question_ || !is_open_ || !question_->has_come()) {
        return false;
    }
    is_open_ = false;
    const auto state = question_->answer();
    say_what_is_unknown(state);
    return take(state);
}

void InForce::hear_out() {
    while (is_open_ && is_recent() && silence() == patroni::Silence::may_end) {
        hear();
    }
}

bool InForce::take(const patroni::ScopeState& state) {
    if (has_told(state)) {
        question_.reset();
        is_open_ = false;
        if (on_answer_) {
            on_answer_(state);
        }
    }
    if (!is_another(arguments_, state)) {
        return false;
    }
    arguments_ = with_dcs(arguments_, state);
    return true;
}

void InForce::ask_anew() {
    if (!is_recent() && silence() == patroni::Silence::is_away) {
        ask();
    }
}

patroni::Silence InForce::silence() const {
    const bool is_silent = question_ && question_->is_silent();
    return is_silent && !arguments_.patroni_goes_on ? patroni::Silence::is_away : patroni::Silence::may_end;
}

bool judge_again(const InForce& in_force, Request& request) {
    const auto& arguments = in_force.arguments();
    if (!arguments.patroni || !request.patroni || is_same(*arguments.patroni, *request.patroni)) {
        return false;
    }
    log::info("the DCS holds another configuration of scope {} than what was judged: it is judged now", request.scope);
    const auto judged = make_request(arguments.options, arguments.patroni);
    refuse_configuration(arguments, judged);
    request.patroni = judged.patroni;
    return true;
}

bool judge_copy(const InForce& in_force, Request& request, const std::filesystem::path& binaries,
                const std::filesystem::path& copy) {
    const bool is_late = judge_again(in_force, request);
    if (is_late) {
        refuse_unstartable(in_force.arguments(), request, binaries);
    }
    refuse_unfit_copy(request, binaries, copy, is_late ? ExitCode::preflight_refused : ExitCode::verification_failed);
    return is_late;
}

}  // namespace patroni_pgbackrest::commands
