#include "support/forked.hpp"

#include "support/catch.hpp"
#include "system/failure.hpp"
#include "system/interruption.hpp"
#include "system/process_facts.hpp"
#include "system/text.hpp"

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

[[noreturn]] void run_in_child(const std::function<int()>& work, const std::filesystem::path& errors) {
    interruption::event_loop().notify_fork(boost::asio::execution_context::fork_child);
    const int file = ::open(errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    ::dup2(file, STDERR_FILENO);
    ::close(file);
    // Catch2 catches signals to report them; here they do what they do to any program.
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        ::signal(signal, SIG_DFL);
    }
    try {
        ::_exit(work());
    } catch (const Failure& failure) {
        const std::string text = std::string(failure.what()) + "\n";
        static_cast<void>(::write(STDERR_FILENO, text.data(), text.size()) == 0);
        ::_exit(static_cast<int>(failure.code()));
    }
}

}  // namespace

bool eventually(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
        if (condition()) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return condition();
}

Forked::Forked(const std::function<int()>& work) {
    interruption::event_loop().notify_fork(boost::asio::execution_context::fork_prepare);
    pid_ = ::fork();
    if (pid_ == 0) {
        run_in_child(work, directory_.path() / "errors");
    }
    interruption::event_loop().notify_fork(boost::asio::execution_context::fork_parent);
    REQUIRE(pid_ > 0);
}

Forked::~Forked() {
    if (is_running()) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &status_, 0);
    }
}

bool Forked::is_running() {
    if (!reaped_) {
        reaped_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
    }
    return !reaped_;
}

int Forked::wait() {
    if (!eventually([this] { return !is_running(); })) {
        return -1;
    }
    return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
}

std::string Forked::errors() const {
    return read_file_if_present(directory_.path() / "errors").value_or("");
}

bool leave_descriptors(unsigned more) {
    const int next = ::dup(STDERR_FILENO);
    ::close(next);
    const rlim_t descriptors = static_cast<rlim_t>(next) + more;
    const rlimit limit{descriptors, descriptors};
    return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

bool is_alive(pid_t pid) {
    return start_time_of(pid) != 0;
}

pid_t pid_in(const std::filesystem::path& file) {
    REQUIRE(eventually([&] { return read_file_if_present(file).value_or("").find('\n') != std::string::npos; }));
    return static_cast<pid_t>(number(trim(read_file(file))).value());
}

void write_file(const std::filesystem::path& path, const std::string& content) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file << content;
    REQUIRE(file.flush());
}

}  // namespace patroni_pgbackrest::system
