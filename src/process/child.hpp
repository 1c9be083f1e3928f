#pragma once

#include "process/launch.hpp"

#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace patroni_pgbackrest::process {

struct Exited {
    int code;
};
struct Signalled {
    int number;
};
/// Ended by us because it made no progress.
struct Stalled {};

/// What a child did, as a value.
using Outcome = std::variant<Exited, Signalled, NotStarted, Stalled>;

bool succeeded(const Outcome& outcome);
/// Throws Failure(system_refused) `cannot start PROGRAM: …` if it was not started for want of processes, descriptors or
/// memory. Whether the program is there and what it would say is not known then.
void require_resources(const std::string& program, const Outcome& outcome);
/// `exited with code 3`, `was killed by signal 9`, `could not be started: No such file or directory`, …
std::string describe(const Outcome& outcome);

using OnLine = std::function<void(std::string_view)>;

/// Where one of a child's streams goes: line by line to a function, or as it is to the end of a string. A line longer
/// than 64 KiB comes in parts. An empty function drops the stream.
using Sink = std::variant<OnLine, std::string*>;

/// A child that does not outlive this handle; while it runs, neither do its descendants. Both its streams are read on
/// the program's event loop. Only the main thread starts children.
class Child {
  public:
    /// Starts it as launch() does. When it cannot be started, outcome() says so at once.
    Child(const Command& command, Sink output, Sink errors, int death_signal = SIGTERM);
    /// Ends what still runs: `death_signal`, KILL after 2 s. Nothing reaches the sinks any more.
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const;
    /// Empty while it runs. Set once it was reaped and both streams were read to their end; a descendant that keeps
    /// them open is waited for no longer than 1 s.
    const std::optional<Outcome>& outcome() const;
    /// Runs the event loop until the outcome is known or `at_most` has passed. Throws Failure when the program is
    /// interrupted, and what a sink or interruption::look() throws; after an interruption the whole process tree has
    /// ended.
    const std::optional<Outcome>& wait(std::chrono::milliseconds at_most);
    /// The same for no more than the next event, whatever it is, and those that are ready with it.
    const std::optional<Outcome>& wait_for_event(std::chrono::milliseconds at_most);
    /// To the child's process group, which is let go on to take it if it is stopped.
    void signal(int number);
    /// Ends the whole process tree as ProcessTree::end does, and reads the child's last words.
    void end(int first, std::chrono::milliseconds grace);
    /// A number that changes while the child or a descendant of it works (processor time, bytes read and written).
    unsigned long long activity() const;

  private:
    void end_if_interrupted();

    struct State;  // shared with what the event loop still has to call
    std::shared_ptr<State> state_;
};

/// Runs a command to its end, for as long as it makes progress: ended and reported as Stalled when neither a line nor
/// processor time nor I/O came from its process tree for `stall`.
Outcome run(const Command& command, const OnLine& on_output, const OnLine& on_error,
            std::chrono::seconds stall = std::chrono::minutes(30));

struct Captured {
    Outcome outcome;
    std::string output;
    std::string errors;
};

/// A short command that runs while something else is done; what it prints is kept. Stalled when it is not done after
/// `limit`, or has not worked for that long. What still runs when this is destroyed is ended.
class Capturing {
  public:
    enum class Limits { run, standstill };

    explicit Capturing(const Command& command, std::chrono::seconds limit = std::chrono::seconds(300),
                       Limits limits = Limits::run);

    /// Runs the event loop for as long at most; true when the result is there. Throws as Child::wait.
    bool is_done(std::chrono::milliseconds at_most = std::chrono::milliseconds(50));
    /// The same while somebody else runs the event loop.
    bool has_ended();
    /// To its process group.
    void signal(int number);
    /// What it has written to its error stream until now.
    const std::string& errors_so_far() const { return captured_.errors; }
    /// Waits for it.
    const Captured& result();

  private:
    void look_for_work();

    Captured captured_;
    bool is_done_ = false;
    std::chrono::milliseconds limit_;
    Limits limits_;
    std::chrono::steady_clock::time_point deadline_, next_look_;
    unsigned long long activity_ = 0;
    Child child_;  // the last member: it writes into captured_
};

/// Runs a short command to its end.
Captured capture(const Command& command, std::chrono::seconds limit = std::chrono::seconds(300));
/// Runs a command to its end, however long it takes: Stalled as in run(). For what reads a file of the repository.
Captured capture_while_it_works(const Command& command, std::chrono::seconds stall = std::chrono::seconds(300));
/// capture() for several commands at once; results in the order of the commands.
std::vector<Captured> capture_all(const std::vector<Command>& commands,
                                  std::chrono::seconds limit = std::chrono::seconds(300));

}  // namespace patroni_pgbackrest::process
