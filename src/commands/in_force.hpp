#pragma once

#include "commands/bootstrap.hpp"
#include "patroni/members.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>

namespace patroni_pgbackrest::commands {

/// Whether the DCS holds another configuration than what was judged. That it holds none any more is no other one: a
/// Patroni that runs keeps what it has.
bool is_another(const BootstrapArguments& judged, const patroni::ScopeState& state);

/// What counts in a restore: what the DCS holds, where that is known, and bootstrap.dcs until then. A DCS that is away
/// holds up no copy; docs/architecture.md says what is judged when.
class InForce {
  public:
    /// Asks the DCS, and waits for ScopeQuery::comes_in_time(). The question stays open for as long as this lives.
    /// `on_answer` is told each answer in which the DCS has told something.
    explicit InForce(const BootstrapArguments& given, std::function<void(const patroni::ScopeState&)> on_answer = {});

    /// The given ones with patroni.yml read as it is in force.
    const BootstrapArguments& arguments() const { return arguments_; }

    /// Takes the answer if it has come meanwhile, without waiting. Whether another configuration is in force by it.
    /// Throws Failure(usage) as with_dcs().
    bool hear();
    /// The same with the answer to a newer question.
    bool take(const patroni::ScopeState& state);
    /// Waits for the first one as a hand-over does: not where silence() says that the DCS is away, nor for longer than
    /// `longest_answer` after the question.
    void hear_out();

    /// Asks anew where the DCS has been silent for `longest_answer`, and is no longer listened to.
    void ask_anew();

    /// How another question is asked. A DCS that accepts connections, and has not said a word since it was asked, is
    /// away if it is silent once more. `resume` does not guess.
    patroni::Silence silence() const;

  private:
    void ask();
    bool is_recent() const;

    BootstrapArguments arguments_;
    std::function<void(const patroni::ScopeState&)> on_answer_;
    std::optional<patroni::ScopeQuery> question_;  // empty once the DCS has told
    std::chrono::steady_clock::time_point asked_at_{};
    bool is_open_ = false;  // no answer to it yet, be it that there is none
};

/// Judges what is in force as it is before a plan, with the same refusals, where the request was made by another
/// configuration. Whether it was.
bool judge_again(const InForce& in_force, Request& request);

/// The same behind the copy, with what else is looked at before it. What the copy lacks is refused in any case.
bool judge_copy(const InForce& in_force, Request& request, const std::filesystem::path& binaries,
                const std::filesystem::path& copy);

}  // namespace patroni_pgbackrest::commands
