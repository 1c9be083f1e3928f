#include "process/piped_process.hpp"
#include "process/subprocess.hpp"

#include <algorithm>
#include <csignal>

namespace patroni_pgbackrest::process {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds grace{2};
/// An SSH server turns away more than ten that knock at once (MaxStartups).
constexpr std::size_t most_at_once = 8;

/// One command on its way.
class Running {
  public:
    Running(const Command& command, Captured& into, std::chrono::seconds limit)
        : into_(into), deadline_(Clock::now() + limit),
          process_(PipedProcess::start(command, sink(into.output), sink(into.errors), SIGTERM)) {}
    ~Running() {
        if (!process_ || process_->outcome()) {
            return;
        }
        process_->be_quiet();
        process_->end(SIGTERM, grace);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    /// Waits a little; true when the result is there.
    bool is_done() {
        if (const auto& outcome = process_->wait(std::chrono::milliseconds(50))) {
            into_.outcome = *outcome;
            return true;
        }
        if (Clock::now() < deadline_) {
            return false;
        }
        process_->end(SIGTERM, grace);
        into_.outcome = Stalled{};
        return true;
    }

  private:
    static PipedProcess::Sink sink(std::string& text) {
        return {[&text](std::string_view piece) { text += piece; }, [] {}};
    }

    Captured& into_;
    Clock::time_point deadline_;
    std::shared_ptr<PipedProcess> process_;
};

}  // namespace

Captured capture(const Command& command, std::chrono::seconds limit) {
    return capture_all({command}, limit).front();
}

std::vector<Captured> capture_all(const std::vector<Command>& commands, std::chrono::seconds limit) {
    std::vector<Captured> results(commands.size());
    std::vector<std::unique_ptr<Running>> running;
    std::size_t started = 0;
    while (started < commands.size() || !running.empty()) {
        for (; running.size() < most_at_once && started < commands.size(); ++started) {
            running.push_back(std::make_unique<Running>(commands[started], results[started], limit));
        }
        running.erase(std::remove_if(running.begin(), running.end(), [](const auto& one) { return one->is_done(); }),
                      running.end());
    }
    return results;
}

struct Capturing::State {
    State(const Command& command, std::chrono::seconds limit) : running(command, captured, limit) {}

    Captured captured;
    bool is_done = false;
    Running running;
};

Capturing::Capturing(const Command& command, std::chrono::seconds limit)
    : state_(std::make_unique<State>(command, limit)) {}

Capturing::~Capturing() = default;

const Captured& Capturing::result() {
    while (!state_->is_done) {
        state_->is_done = state_->running.is_done();
    }
    return state_->captured;
}

}  // namespace patroni_pgbackrest::process
