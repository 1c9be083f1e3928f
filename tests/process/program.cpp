#include "program.hpp"

#include "support/catch.hpp"
#include "system/process_facts.hpp"

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

[[noreturn]] void become(const Words& words, const Program::How& how, const fs::path& output, const fs::path& errors) {
    // Catch2 catches signals to report them; here they do what they do to any program.
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        ::signal(signal, SIG_DFL);
    }
    for (const auto& [file, descriptor] : {std::pair(output, STDOUT_FILENO), std::pair(errors, STDERR_FILENO)}) {
        ::dup2(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666), descriptor);
    }
    for (const auto& [name, value] : how.environment) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    std::vector<char*> arguments;
    for (const auto& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    if (::chdir(how.directory.c_str()) == 0) {
        ::execv(how.executable.c_str(), arguments.data());
    }
    ::_exit(127);
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::seconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
        if (condition()) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return condition();
}

bool is_alive(pid_t pid) {
    return patroni_pgbackrest::system::start_time_of(pid) != 0;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string error(const std::string& message, const std::string& hint) {
    return " ERROR: " + message + "\n  HINT: " + hint + "\n";
}

fs::path Directory::write(const std::string& name, const std::string& text) const {
    fs::create_directories(path(name).parent_path());
    std::ofstream file(path(name), std::ios::binary | std::ios::trunc);
    file << text;
    REQUIRE(file.flush());
    return path(name);
}

std::string Directory::read(const std::string& name) const {
    return patroni_pgbackrest::system::read_file_if_present(path(name)).value_or("");
}

bool Directory::has(const std::string& name) const {
    return fs::exists(fs::symlink_status(path(name)));
}

Words Directory::entries(const std::string& name) const {
    return has(name) || name.empty() ? patroni_pgbackrest::system::entries(path(name)) : Words{};
}

pid_t Directory::pid_in(const std::string& name) const {
    return eventually([&] { return contains(read(name), "\n"); }) ? static_cast<pid_t>(std::stol(read(name))) : 0;
}

Program::Program(const Words& arguments, const How& how) {
    Words words{how.name};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const auto output = streams_.path("output");
    const auto errors = streams_.path("errors");
    pid_ = ::fork();
    if (pid_ == 0) {
        become(words, how, output, errors);
    }
    REQUIRE(pid_ > 0);
}

Program::~Program() {
    if (is_running()) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &status_, 0);
    }
}

void Program::signal(int number) const {
    ::kill(pid_, number);
}

bool Program::is_running() {
    if (!reaped_) {
        reaped_ = ::waitpid(pid_, &status_, WNOHANG) == pid_;
    }
    return !reaped_;
}

int Program::wait(std::chrono::seconds limit) {
    if (!eventually([this] { return !is_running(); }, limit)) {
        return -1;
    }
    return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
}
