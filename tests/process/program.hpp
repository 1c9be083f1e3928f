#pragma once

#include "system/file.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

using Words = std::vector<std::string>;

/// Looks every 10 ms whether something has become true; false when it has not within `limit`.
bool eventually(const std::function<bool()>& condition, std::chrono::seconds limit = std::chrono::seconds(60));

/// Whether a process is there and not a zombie.
bool is_alive(pid_t pid);

bool contains(const std::string& text, const std::string& part);
/// A line of ours without its time stamp: `ERROR: …`, with its hint.
std::string error(const std::string& message, const std::string& hint);

/// A directory for one test, gone at its end, with the names that the tests use in it.
class Directory {
  public:
    std::filesystem::path path(const std::string& name = {}) const {
        return name.empty() ? directory_.path() : directory_.path() / name;
    }
    std::filesystem::path write(const std::string& name, const std::string& text) const;
    /// Empty when there is no such file.
    std::string read(const std::string& name) const;
    bool has(const std::string& name) const;
    Words entries(const std::string& name = {}) const;
    /// The number that somebody writes into a file; waits for it, 0 when it does not come.
    pid_t pid_in(const std::string& name) const;

  private:
    patroni_pgbackrest::system::PrivateDirectory directory_;
};

using Variables = std::map<std::string, std::string>;

/// The finished program (or what starts it) as a child. Standard output and standard error are kept.
class Program {
  public:
    struct How {
        Variables environment{};
        std::filesystem::path directory = "/";
        std::string executable = PROGRAM;
        std::string name = PROGRAM;  ///< argv[0]
    };
    Program(const Words& arguments, const How& how);
    explicit Program(const Words& arguments) : Program(arguments, How{}) {}
    /// SIGKILL, if it is still there.
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    pid_t pid() const { return pid_; }
    void signal(int number) const;
    bool is_running();
    /// The exit code, 128 + N when signal N killed it; -1 when it is still there after `limit`.
    int wait(std::chrono::seconds limit = std::chrono::seconds(60));
    std::string output() const { return streams_.read("output"); }
    std::string errors() const { return streams_.read("errors"); }

  private:
    Directory streams_;
    pid_t pid_ = -1;
    int status_ = 0;
    bool reaped_ = false;
};
