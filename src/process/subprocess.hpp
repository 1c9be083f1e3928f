#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <variant>
#include <vector>

namespace patroni_pgbackrest::process {

/// What to run: an argument vector, never a shell.
struct Command {
    std::string program;                               ///< a path, or a name looked up in PATH
    std::vector<std::string> arguments{};              ///< without the program
    std::filesystem::path directory{};                 ///< working directory; empty: ours
    std::map<std::string, std::string> environment{};  ///< added to or replacing ours; an empty value removes one

    /// For messages: the words separated by spaces.
    std::string text() const;
};

struct Exited {
    int code;
};
struct Signalled {
    int number;
};
struct NotStarted {
    std::string reason;
};
/// Ended by us because it made no progress.
struct Stalled {};

/// What a child did, as a value.
using Outcome = std::variant<Exited, Signalled, NotStarted, Stalled>;

bool succeeded(const Outcome& outcome);
/// `exited with code 3`, `was killed by signal 9`, `could not be started: No such file or directory`, …
std::string describe(const Outcome& outcome);

using OnLine = std::function<void(std::string_view)>;

/// A running child: own process group, stdin from /dev/null, both pipes drained line by line on the program's event
/// loop, killed by the kernel should we die (parent-death signal). At most the main thread starts children.
class Child {
  public:
    /// `death_signal` is what the kernel sends the child when this program dies.
    Child(const Command& command, OnLine on_output, OnLine on_error, int death_signal = 15);
    /// Ends it with everything that descends from it: TERM, KILL after 2 s.
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const;
    /// Empty while it runs. Both pipes have been read to their end when it is set.
    const std::optional<Outcome>& outcome() const;
    /// Runs the event loop until it ended or `at_most` passed. Throws Failure when the program is interrupted: the
    /// child's whole process tree has ended by then.
    const std::optional<Outcome>& wait(std::chrono::milliseconds at_most);
    /// To the child's process group.
    void signal(int number);
    /// `first` to the group, SIGKILL to all descendants after `grace`; returns when all are reaped.
    void end(int first, std::chrono::milliseconds grace);
    /// A number that changes while the child or a descendant of it works (CPU time, bytes read and written).
    unsigned long long activity() const;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

/// Runs a command to its end, for as long as it makes progress: ended and reported as Stalled when neither a line nor
/// CPU time nor I/O came from its process tree for `stall`.
Outcome run(const Command& command, const OnLine& on_output, const OnLine& on_error,
            std::chrono::seconds stall = std::chrono::minutes(30));

struct Captured {
    Outcome outcome;
    std::string output;
    std::string errors;
};
/// Runs a short command and keeps what it prints; Stalled when it is not done after `limit`.
Captured capture(const Command& command, std::chrono::seconds limit = std::chrono::seconds(300));
/// The same for several commands at once; results in the order of the commands.
std::vector<Captured> capture_all(const std::vector<Command>& commands,
                                  std::chrono::seconds limit = std::chrono::seconds(300));

/// A short command that runs while something else is done. Output is kept as by capture(); what still runs when this is
/// destroyed is ended.
class Capturing {
  public:
    explicit Capturing(const Command& command, std::chrono::seconds limit = std::chrono::seconds(300));
    ~Capturing();
    Capturing(const Capturing&) = delete;
    Capturing& operator=(const Capturing&) = delete;

    /// Waits for its end. Throws Failure when the program is interrupted.
    const Captured& result();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Makes orphaned descendants (pgBackRest's asynchronous archive-get runs as a session of its own) our children, so
/// that they can be ended: PR_SET_CHILD_SUBREAPER. Called once.
void adopt_orphans();
/// Ends every remaining descendant of this process: TERM, KILL after `grace`, reaped.
void end_descendants(std::chrono::milliseconds grace);

/// Ends every process of this user that has `argument` in its command line, ours or not: TERM, KILL after `grace`.
/// For what an earlier run left that was killed itself: pgBackRest's workers end only with the file they copy. Returns
/// how many there were.
std::size_t end_processes_with(const std::string& argument, std::chrono::milliseconds grace);

/// The path of an executable: as given if it has a slash, else searched in PATH. Empty when there is none.
std::optional<std::filesystem::path> find_executable(const std::string& name);

}  // namespace patroni_pgbackrest::process
