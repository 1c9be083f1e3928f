#include "process/aside.hpp"

#include "process/process_tree.hpp"
#include "system/blocked_signals.hpp"
#include "system/descriptor.hpp"
#include "system/file.hpp"
#include "system/interruption.hpp"
#include "system/pipe.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace patroni_pgbackrest::process {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A child that writes.
struct Writer {
    std::filesystem::path file;
    pid_t pid;
    system::Descriptor told;                          ///< what was wrong: the message, a zero byte, the hint
    std::shared_ptr<std::optional<int>> wait_status;  ///< the event loop has it for as long as the child lives
};

std::optional<Problem> attempt(const std::function<void()>& write) {
    try {
        write();
    } catch (const std::exception& error) {
        return system::unexpected(error).problems().front();
    }
    return std::nullopt;
}

/// With one of ours, a child that never ends would hold a lock, or keep somebody waiting who reads what this program
/// prints to its end.
void leave_descriptors(int except) {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::dup2(null, standard);
    }
    for (const auto& name : system::entries("/proc/self/fd")) {
        const auto number = static_cast<int>(system::number(name).value_or(0));
        if (number > STDERR_FILENO && number != except) {
            ::close(number);
        }
    }
}

[[noreturn]] void write_as_child(const Writing& writing, int told, pid_t parent) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(1);  // our end came before the parent-death signal was set
    }
    system::reset_signals();
    const auto problem = attempt([&] {
        leave_descriptors(told);
        writing.write();
    });
    if (problem) {
        const auto words = problem->message + '\0' + problem->hint;
        static_cast<void>(::write(told, words.data(), words.size()) == 0);
    }
    ::_exit(problem ? 1 : 0);
}

/// Empty where the system has no process or descriptor left.
std::optional<Writer> begin_writing(const Writing& writing) {
    system::Pipe pipe;
    if (!pipe.open()) {
        return std::nullopt;
    }
    const pid_t parent = ::getpid();
    const system::BlockedSignals blocked(system::all_signals());
    const pid_t pid = ::fork();
    if (pid == 0) {
        write_as_child(writing, pipe.write.number(), parent);
    }
    if (pid < 0) {
        return std::nullopt;
    }
    auto wait_status = std::make_shared<std::optional<int>>();
    reap(pid, [wait_status](int status) { *wait_status = status; });
    return Writer{writing.file, pid, std::move(pipe.read), std::move(wait_status)};
}

bool has_ended(const Writer& writer) {
    return writer.wait_status->has_value();
}

Problem unanswered(const std::filesystem::path& file, milliseconds waited) {
    const auto directory = std::filesystem::absolute(file).parent_path().string();
    return {
        fmt::format("{} is not written: it has not answered for {} s", file.string(), waited.count() / 1000),
        fmt::format("ls {} hangs as well if it is a mount whose server is gone: bring that back, or name a file on a "
                    "local disk",
                    system::shell_word(directory)),
    };
}

/// Of a child that has ended: the pipe holds all that it wrote.
std::optional<Problem> problem_of(const Writer& writer) {
    const int status = writer.wait_status->value();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return std::nullopt;
    }
    std::array<char, 16384> buffer{};
    const auto length = ::read(writer.told.number(), buffer.data(), buffer.size());
    if (length <= 0) {
        return Problem{fmt::format("{} is not written: the process that does it was killed", writer.file.string()),
                       "see whether memory ran out: the kernel's log (dmesg) says so"};
    }
    const std::string words(buffer.data(), static_cast<std::size_t>(length));
    const auto end = std::min(words.find('\0'), words.size());
    return Problem{words.substr(0, end), words.substr(std::min(end + 1, words.size()))};
}

}  // namespace

std::vector<Problem> write_aside(const std::vector<Writing>& writings, Patience patience) {
    std::vector<Problem> problems;
    std::vector<Writer> writers;
    for (const auto& writing : writings) {
        if (auto writer = begin_writing(writing)) {
            writers.push_back(std::move(*writer));
        } else if (const auto problem = attempt(writing.write)) {
            problems.push_back(*problem);
        }
    }
    const auto began = Clock::now();
    auto limit = patience.usual;
    while (!std::all_of(writers.begin(), writers.end(), has_ended) && Clock::now() - began < limit) {
        interruption::run_one_event(milliseconds(20));
        limit = interruption::requested() ? patience.when_interrupted : patience.usual;
    }
    for (const auto& writer : writers) {
        if (!has_ended(writer)) {
            ::kill(writer.pid, SIGKILL);
            problems.push_back(unanswered(writer.file, limit));
        } else if (const auto problem = problem_of(writer)) {
            problems.push_back(*problem);
        }
    }
    return problems;
}

}  // namespace patroni_pgbackrest::process
