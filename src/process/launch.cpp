#include "process/launch.hpp"

#include "system/blocked_signals.hpp"
#include "system/interruption.hpp"
#include "system/no_flush.hpp"
#include "system/pipe.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"
#include "system/write_wall.hpp"

// Only the launcher is used, which needs neither Boost.Filesystem nor a library for it; pidfd_open is missing before
// Linux 5.3, and the handle is given up at once anyway.
#define BOOST_PROCESS_USE_STD_FS
#define BOOST_PROCESS_V2_DISABLE_PIDFD_OPEN
// Boost 1.81 forgets these without Boost.Filesystem.
#include <boost/optional.hpp>
#include <boost/type_traits/decay.hpp>
#include <boost/type_traits/is_convertible.hpp>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/system/system_error.hpp>
#pragma GCC diagnostic pop

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <fmt/format.h>
#include <new>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest::process {

namespace {

namespace boost_process = boost::process::v2;

/// What happens in the child between fork and exec.
struct Setup {
    int input;
    int output;
    int errors;
    const char* directory;  ///< null: ours
    int death_signal;
    pid_t parent;
    int wall;  ///< below zero: none
    bool flushes;

    template <typename Launcher>
    boost::system::error_code on_exec_setup(Launcher&, const std::filesystem::path&, const char* const*) const {
        // A launcher whose exec fails calls exit(), which must not run the destructors of our program.
        std::atexit([] { ::_exit(127); });
        const bool done = ::setpgid(0, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, death_signal) == 0 &&
                          ::dup2(input, STDIN_FILENO) >= 0 && ::dup2(output, STDOUT_FILENO) >= 0 &&
                          ::dup2(errors, STDERR_FILENO) >= 0 && (directory == nullptr || ::chdir(directory) == 0) &&
                          (wall < 0 || system::stand_behind(wall));
        if (!done) {
            return {errno, boost::system::system_category()};
        }
        if (!flushes) {
            system::flush_nothing();  // where it is refused, each flush takes its time
        }
        if (::getppid() != parent) {
            ::_exit(127);  // our end came before the parent-death signal was set
        }
        keep_descriptors_to_ourselves();
        system::reset_signals();
        return {};
    }

  private:
    /// Those that we inherited ourselves, too. The launcher reports errors of exec through one that closes on exec.
    static void keep_descriptors_to_ourselves() {
#ifdef SYS_close_range
        constexpr unsigned close_on_exec = 1U << 2;  // CLOSE_RANGE_CLOEXEC, Linux 5.11
        ::syscall(SYS_close_range, 3U, ~0U, close_on_exec);
#endif
    }
};

/// Ours, changed as the command says.
std::vector<std::string> environment_of(const Command& command) {
    std::vector<std::string> entries;
    for (char** entry = ::environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        if (command.environment.count(text.substr(0, text.find('='))) == 0) {
            entries.push_back(text);
        }
    }
    for (const auto& [name, value] : command.environment) {
        if (!value.empty()) {
            entries.push_back(name + "=" + value);
        }
    }
    return entries;
}

std::vector<const char*> pointers(const std::vector<std::string>& strings) {
    std::vector<const char*> all;
    for (const std::string& string : strings) {
        all.push_back(string.c_str());
    }
    all.push_back(nullptr);
    return all;
}

/// /dev/null under a number above the three standard ones, which stay occupied: a pipe must not become one of them.
system::Descriptor open_null() {
    int number = 0;
    do {
        number = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    } while (number >= 0 && number <= STDERR_FILENO);
    return system::Descriptor(number);
}

NotStarted reason(int error) {
    return NotStarted{std::strerror(error), error};
}

int error_of(const std::exception& problem) {
    if (const auto* told = dynamic_cast<const boost::system::system_error*>(&problem)) {
        return told->code().value();
    }
    return dynamic_cast<const std::bad_alloc*>(&problem) != nullptr ? ENOMEM : EAGAIN;
}

/// The event loop of a new process needs descriptors of its own (epoll_reactor::notify_fork in Asio). The child must
/// not go on as the program that started it, which is told why through `told`.
[[noreturn]] void end_as_child(int told, const std::exception& problem) {
    const int error = error_of(problem);
    static_cast<void>(::write(told, &error, sizeof error) == 0);
    ::_exit(127);
}

/// What the child told before it could become the command, 0 if nothing.
int error_told(system::Pipe& told) {
    told.write = system::Descriptor();
    int error = 0;
    ssize_t length = 0;
    do {
        length = ::read(told.read.number(), &error, sizeof error);
    } while (length < 0 && errno == EINTR);
    return length == sizeof error ? error : 0;
}

/// 0, or the error of the start.
int start(const Command& command, const std::filesystem::path& program, const Setup& setup, pid_t& pid) {
    const auto environment = environment_of(command);
    const auto entries = pointers(environment);
    system::Pipe told;
    if (!told.open()) {
        return errno;
    }
    boost_process::posix::default_launcher launcher;
    launcher.env = entries.data();
    boost::system::error_code error;
    {
        const system::BlockedSignals blocked(system::all_signals());
        try {
            auto started =
                launcher(interruption::event_loop().get_executor(), error, program, command.arguments, setup);
            static_cast<void>(started.detach());
        } catch (const std::exception& problem) {
            if (::getpid() != setup.parent) {
                end_as_child(told.write.number(), problem);
            }
            throw;
        }
    }
    pid = launcher.pid;
    const int answer = pid <= 0 ? std::max(error.value(), EAGAIN) : error ? error.value() : error_told(told);
    if (answer != 0 && pid > 0) {
        ::kill(pid, SIGKILL);        // it runs if only its answer could not be read
        ::waitpid(pid, nullptr, 0);  // before 1.86 the launcher leaves it a zombie
    }
    return answer;
}

}  // namespace

bool NotStarted::may_pass() const {
    return system::is_passing_fault(error);
}

std::string Command::text() const {
    return arguments.empty() ? program : program + " " + system::join(arguments, " ");
}

std::variant<Launched, NotStarted> launch(const Command& command, int death_signal) {
    const bool is_path = command.program.find('/') != std::string::npos;
    const auto program = is_path ? std::filesystem::path(command.program) : find_executable(command.program);
    if (!program) {
        return reason(ENOENT);
    }
    const char* directory = command.directory.empty() ? nullptr : command.directory.c_str();
    if (directory != nullptr && ::access(directory, X_OK) != 0) {
        const int error = errno;
        return NotStarted{fmt::format("{}: {}", directory, std::strerror(error)), error};
    }

    const auto wall = command.writable ? system::WriteWall::around(*command.writable) : std::nullopt;
    const auto null = open_null();
    system::Pipe output, errors;
    if (!null.is_open()) {
        const int error = errno;
        return NotStarted{fmt::format("/dev/null: {}", std::strerror(error)), error};
    }
    if (!output.open() || !errors.open()) {
        return reason(errno);
    }
    const Setup setup{
        .input = null.number(),
        .output = output.write.number(),
        .errors = errors.write.number(),
        .directory = directory,
        .death_signal = death_signal,
        .parent = ::getpid(),
        .wall = wall ? wall->number() : -1,
        .flushes = command.flushes,
    };
    pid_t pid = -1;
    if (const int error = start(command, *program, setup, pid)) {
        return reason(error);
    }
    return Launched{.pid = pid, .output = std::move(output.read), .errors = std::move(errors.read)};
}

std::optional<std::filesystem::path> find_executable(const std::string& name) {
    const auto is_executable = [](const std::filesystem::path& path) {
        std::error_code error;
        return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
    };
    if (name.find('/') != std::string::npos) {
        return is_executable(name) ? std::optional<std::filesystem::path>(name) : std::nullopt;
    }
    const char* path = std::getenv("PATH");
    std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
    while (!name.empty()) {
        const std::size_t end = rest.find(':');
        // An empty part means the working directory (POSIX).
        const std::filesystem::path candidate = std::filesystem::path(end == 0 ? "." : rest.substr(0, end)) / name;
        if (is_executable(candidate)) {
            return candidate;
        }
        if (end == std::string_view::npos) {
            break;
        }
        rest.remove_prefix(end + 1);
    }
    return std::nullopt;
}

bool is_this_program(const std::string& name) {
    const auto program = find_executable(name);
    std::error_code error;
    return program && std::filesystem::equivalent(*program, "/proc/self/exe", error);
}

}  // namespace patroni_pgbackrest::process
