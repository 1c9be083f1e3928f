#include "process/child.hpp"

#include "process/process_tree.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/overloaded.hpp"
#include "system/refusal.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <fmt/format.h>
#include <list>
#include <sys/wait.h>
#include <utility>

namespace patroni_pgbackrest::process {

namespace {

using Clock = std::chrono::steady_clock;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr std::size_t longest_line = 65536;
constexpr milliseconds usual_grace(2000);
/// How long a descendant may hold a pipe open after the child itself has ended.
constexpr milliseconds patience_with_pipes(1000);
/// How often in the time of a standstill.
constexpr int looks_for_work = 16;
/// An SSH server turns away more than ten that knock at once (MaxStartups).
constexpr std::size_t most_at_once = 8;

/// One of the two pipes on its way into its sink.
struct Stream {
    explicit Stream(Sink to) : pipe(interruption::event_loop()), sink(std::move(to)) {}

    void take(std::string_view piece) {
        if (auto* const* text = std::get_if<std::string*>(&sink)) {
            (*text)->append(piece);
        } else {
            take_lines(piece);
        }
    }
    void end() {
        if (!begun.empty()) {
            tell(std::exchange(begun, {}));
        }
    }

    boost::asio::posix::stream_descriptor pipe;
    Sink sink;
    std::string begun;               ///< a line whose end has not been read
    std::array<char, 16384> buffer;  // not filled: its pages would be touched for each WAL segment

  private:
    void take_lines(std::string_view piece) {
        const std::string text = std::exchange(begun, {}).append(piece);
        std::string_view rest = text;
        while (true) {
            const std::size_t end = rest.substr(0, longest_line + 1).find('\n');
            const bool is_whole = end != std::string_view::npos;
            if (!is_whole && rest.size() <= longest_line) {
                break;
            }
            tell(rest.substr(0, is_whole ? end : longest_line));
            rest.remove_prefix(is_whole ? end + 1 : longest_line);
        }
        begun = rest;
    }
    void tell(std::string_view line) const {
        if (const auto& on_line = std::get<OnLine>(sink)) {
            on_line(line);
        }
    }
};

}  // namespace

bool succeeded(const Outcome& outcome) {
    const auto* exited = std::get_if<Exited>(&outcome);
    return exited != nullptr && exited->code == 0;
}

void require_resources(const std::string& program, const Outcome& outcome) {
    const auto* failed = std::get_if<NotStarted>(&outcome);
    if (failed != nullptr && failed->may_pass()) {
        throw system::refused("start", program, failed->error);
    }
}

std::string describe(const Outcome& outcome) {
    return std::visit(
        system::Overloaded{
            [](const Exited& exited) { return fmt::format("exited with code {}", exited.code); },
            [](const Signalled& signalled) { return fmt::format("was killed by signal {}", signalled.number); },
            [](const NotStarted& failed) { return "could not be started: " + failed.reason; },
            [](const Stalled&) { return std::string("made no progress and was ended"); },
        },
        outcome);
}

struct Child::State : std::enable_shared_from_this<Child::State> {
    State(Sink to_output, Sink to_errors, int number)
        : death_signal(number), output(std::move(to_output)), errors(std::move(to_errors)),
          end_of_pipes(interruption::event_loop()) {}

    void start(const Command& command) {
        auto launched = launch(command, death_signal);
        if (auto* failed = std::get_if<NotStarted>(&launched)) {
            ending = outcome = std::move(*failed);
            return;
        }
        auto& running = std::get<Launched>(launched);
        pid = running.pid;
        try {
            watch(running);
        } catch (...) {
            be_quiet();
            ::kill(-pid, SIGKILL);  // nobody would end it
            throw;
        }
    }

    void watch(Launched& running) {
        output.pipe.assign(running.output.number());
        static_cast<void>(running.output.release());
        errors.pipe.assign(running.errors.number());
        static_cast<void>(running.errors.release());
        reap(pid, [self = shared_from_this()](int wait_status) { self->on_exit(wait_status); });
        read(output);
        read(errors);
    }

    void read(Stream& stream) {
        const auto on_read = [self = shared_from_this(), &stream](const error_code& error, std::size_t length) {
            if (!stream.pipe.is_open()) {
                return;
            }
            try {
                stream.take({stream.buffer.data(), length});
            } catch (...) {
                // Its child must be able to go on writing until it is ended.
                self->be_quiet();
                self->read(stream);
                throw;
            }
            error ? self->close(stream) : self->read(stream);
        };
        stream.pipe.async_read_some(boost::asio::buffer(stream.buffer), on_read);
    }

    void close(Stream& stream) {
        if (stream.pipe.is_open()) {
            error_code ignored;
            static_cast<void>(stream.pipe.close(ignored));
            stream.end();
            finish_if_done();
        }
    }

    void on_exit(int wait_status) {
        ending = WIFSIGNALED(wait_status) ? Outcome(Signalled{WTERMSIG(wait_status)})
                                          : Outcome(Exited{WEXITSTATUS(wait_status)});
        end_of_pipes.expires_after(patience_with_pipes);
        end_of_pipes.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error) {
                self->close(self->output);
                self->close(self->errors);
            }
        });
        finish_if_done();
    }

    void finish_if_done() {
        if (ending && !outcome && !output.pipe.is_open() && !errors.pipe.is_open()) {
            outcome = ending;
            end_of_pipes.cancel();
        }
    }

    /// What is still read is dropped.
    void be_quiet() { output.sink = errors.sink = OnLine(); }

    pid_t pid = -1;
    const int death_signal;
    Stream output, errors;
    boost::asio::steady_timer end_of_pipes;
    std::optional<Outcome> ending;  ///< known as soon as it is reaped
    std::optional<Outcome> outcome;
};

Child::Child(const Command& command, Sink output, Sink errors, int death_signal)
    : state_(std::make_shared<State>(std::move(output), std::move(errors), death_signal)) {
    state_->start(command);
}

Child::~Child() {
    // What the sinks refer to may be gone by now.
    state_->be_quiet();
    if (outcome() || pid() <= 0) {
        return;
    }
    try {
        end(state_->death_signal, usual_grace);
    } catch (const std::exception& error) {
        log::warning("{}: process {} is killed", error.what(), pid());
        ::kill(-pid(), SIGKILL);
    }
}

pid_t Child::pid() const {
    return state_->pid;
}

const std::optional<Outcome>& Child::outcome() const {
    return state_->outcome;
}

const std::optional<Outcome>& Child::wait(milliseconds at_most) {
    const auto deadline = Clock::now() + at_most;
    while (true) {
        end_if_interrupted();
        interruption::look();  // what it throws ends the child with its owner
        const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
        if (outcome() || left.count() <= 0) {
            return outcome();
        }
        interruption::run_one_event(left);
    }
}

/// What is ready is run behind the event that was waited for: before it, nothing may be left to wait for.
const std::optional<Outcome>& Child::wait_for_event(milliseconds at_most) {
    if (!outcome()) {
        interruption::run_one_event(at_most);
    }
    end_if_interrupted();
    interruption::look();
    return outcome();
}

void Child::end_if_interrupted() {
    if (interruption::requested()) {
        end(state_->death_signal, usual_grace);
        interruption::check();
    }
}

void Child::signal(int number) {
    if (!state_->ending) {
        ::kill(-pid(), number);
        ::kill(-pid(), SIGCONT);
    }
}

void Child::end(int first, milliseconds grace) {
    if (!outcome()) {
        ProcessTree(pid()).end(first, grace);
    }
    const auto end_of_patience = Clock::now() + patience_with_pipes + milliseconds(500);
    while (!outcome() && Clock::now() < end_of_patience) {
        interruption::run_one_event(milliseconds(20));
    }
}

unsigned long long Child::activity() const {
    return state_->ending ? 0 : ProcessTree(pid()).activity();
}

namespace {

/// For as long as lines or work come from it. `last_line` changes while it is waited for.
Outcome await_end(Child& child, const Clock::time_point& last_line, std::chrono::seconds stall) {
    auto last_work = Clock::now();
    unsigned long long activity = 0;
    while (true) {
        if (const auto& outcome = child.wait(std::chrono::seconds(1))) {
            return *outcome;
        }
        if (const auto seen = child.activity(); seen != activity) {
            activity = seen;
            last_work = Clock::now();
        }
        if (Clock::now() - std::max(last_line, last_work) >= stall) {
            child.end(SIGTERM, usual_grace);
            return Stalled{};
        }
    }
}

}  // namespace

Outcome run(const Command& command, const OnLine& on_output, const OnLine& on_error, std::chrono::seconds stall) {
    auto last_line = Clock::now();
    const auto noting_lines = [&](const OnLine& on_line) {
        return [&](std::string_view line) {
            last_line = Clock::now();
            if (on_line) {
                on_line(line);
            }
        };
    };
    Child child(command, noting_lines(on_output), noting_lines(on_error));
    return await_end(child, last_line, stall);
}

Capturing::Capturing(const Command& command, std::chrono::seconds limit, Limits limits)
    : limit_(limit), limits_(limits), deadline_(Clock::now() + limit_),
      next_look_(Clock::now() + limit_ / looks_for_work), child_(command, &captured_.output, &captured_.errors) {}

bool Capturing::is_done(milliseconds at_most) {
    if (!is_done_) {
        child_.wait(at_most);
    }
    return has_ended();
}

bool Capturing::has_ended() {
    if (is_done_) {
        return true;
    }
    look_for_work();
    if (const auto& outcome = child_.outcome()) {
        captured_.outcome = *outcome;
        is_done_ = true;
    } else if (Clock::now() >= deadline_) {
        child_.end(SIGTERM, usual_grace);
        captured_.outcome = Stalled{};
        is_done_ = true;
    }
    return is_done_;
}

void Capturing::look_for_work() {
    if (limits_ == Limits::run || Clock::now() < next_look_) {
        return;
    }
    next_look_ = Clock::now() + limit_ / looks_for_work;
    if (const auto seen = child_.activity(); seen != activity_) {
        activity_ = seen;
        deadline_ = Clock::now() + limit_;
    }
}

void Capturing::signal(int number) {
    if (!is_done_ && child_.pid() > 0) {
        child_.signal(number);
    }
}

const Captured& Capturing::result() {
    while (!is_done()) {
    }
    return captured_;
}

Captured capture(const Command& command, std::chrono::seconds limit) {
    return Capturing(command, limit).result();
}

Captured capture_while_it_works(const Command& command, std::chrono::seconds stall) {
    Captured captured;
    Child child(command, &captured.output, &captured.errors);
    captured.outcome = await_end(child, Clock::now(), stall);
    return captured;
}

std::vector<Captured> capture_all(const std::vector<Command>& commands, std::chrono::seconds limit) {
    std::list<Capturing> all;
    const auto is_running = [](Capturing& one) { return !one.is_done(); };
    for (const Command& command : commands) {
        while (static_cast<std::size_t>(std::count_if(all.begin(), all.end(), is_running)) >= most_at_once) {
        }
        all.emplace_back(command, limit);
    }
    std::vector<Captured> results;
    for (Capturing& one : all) {
        results.push_back(one.result());
    }
    return results;
}

}  // namespace patroni_pgbackrest::process
