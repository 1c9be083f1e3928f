#include "process/subprocess.hpp"

#include "process/piped_process.hpp"
#include "process/process_tree.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <utility>

namespace patroni_pgbackrest::process {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t longest_line = 65536;
constexpr milliseconds grace{2000};

/// Turns pieces into lines; what is longer than `longest_line` comes in parts.
class LineSplitter {
  public:
    explicit LineSplitter(OnLine on_line) : on_line_(std::move(on_line)) {}

    void take(std::string_view piece) {
        while (!piece.empty()) {
            if (begun_.size() == longest_line && piece.front() != '\n') {
                emit();
            }
            const std::size_t room = longest_line - begun_.size();
            const std::size_t end = piece.substr(0, room + 1).find('\n');
            const bool is_whole = end != std::string_view::npos;
            begun_ += piece.substr(0, is_whole ? end : room);
            piece.remove_prefix(is_whole ? end + 1 : std::min(room, piece.size()));
            if (is_whole) {
                emit();
            }
        }
    }
    void end() {
        if (!begun_.empty()) {
            emit();
        }
    }

  private:
    void emit() {
        const std::string line = std::exchange(begun_, {});
        if (on_line_) {
            on_line_(line);
        }
    }

    OnLine on_line_;
    std::string begun_;
};

PipedProcess::Sink lines_to(OnLine on_line) {
    auto splitter = std::make_shared<LineSplitter>(std::move(on_line));
    return {[splitter](std::string_view piece) { splitter->take(piece); }, [splitter] { splitter->end(); }};
}

template <typename... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace

std::string Command::text() const {
    return arguments.empty() ? program : program + " " + system::join(arguments, " ");
}

bool succeeded(const Outcome& outcome) {
    const auto* exited = std::get_if<Exited>(&outcome);
    return exited != nullptr && exited->code == 0;
}

std::string describe(const Outcome& outcome) {
    return std::visit(
        Overloaded{
            [](const Exited& exited) { return fmt::format("exited with code {}", exited.code); },
            [](const Signalled& signalled) { return fmt::format("was killed by signal {}", signalled.number); },
            [](const NotStarted& failed) { return "could not be started: " + failed.reason; },
            [](const Stalled&) { return std::string("made no progress and was ended"); },
        },
        outcome);
}

struct Child::State {
    std::shared_ptr<PipedProcess> process;
};

Child::Child(const Command& command, OnLine on_output, OnLine on_error, int death_signal)
    : state_(std::make_shared<State>()) {
    state_->process =
        PipedProcess::start(command, lines_to(std::move(on_output)), lines_to(std::move(on_error)), death_signal);
}

Child::~Child() {
    // What the callbacks refer to may be gone by now.
    state_->process->be_quiet();
    if (!state_->process->outcome()) {
        state_->process->end(state_->process->death_signal(), grace);
    }
}

pid_t Child::pid() const {
    return state_->process->pid();
}

const std::optional<Outcome>& Child::outcome() const {
    return state_->process->outcome();
}

const std::optional<Outcome>& Child::wait(milliseconds at_most) {
    return state_->process->wait(at_most);
}

void Child::signal(int number) {
    if (!state_->process->is_reaped()) {
        ::kill(-pid(), number);
    }
}

void Child::end(int first, milliseconds grace_time) {
    state_->process->end(first, grace_time);
}

unsigned long long Child::activity() const {
    return state_->process->is_reaped() ? 0 : ProcessTree{pid()}.activity();
}

Outcome run(const Command& command, const OnLine& on_output, const OnLine& on_error, std::chrono::seconds stall) {
    auto last_progress = Clock::now();
    const auto noting_progress = [&](const OnLine& on_line) {
        return [&](std::string_view line) {
            last_progress = Clock::now();
            if (on_line) {
                on_line(line);
            }
        };
    };
    Child child{command, noting_progress(on_output), noting_progress(on_error)};
    unsigned long long activity = 0;
    while (true) {
        if (const auto& outcome = child.wait(std::chrono::seconds(1))) {
            return *outcome;
        }
        if (std::exchange(activity, child.activity()) != activity) {
            last_progress = Clock::now();
        }
        if (Clock::now() - last_progress >= stall) {
            child.end(SIGTERM, grace);
            return Stalled{};
        }
    }
}

}  // namespace patroni_pgbackrest::process
