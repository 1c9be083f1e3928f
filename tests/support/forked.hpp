#pragma once

#include "system/file.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <sys/types.h>

namespace patroni_pgbackrest::system {

/// Looks every 10 ms whether something has become true; false when it has not within 10 s.
bool eventually(const std::function<bool()>& condition);

/// A process of its own, for what cannot be undone in the one that runs the tests: signals, limits, users.
class Forked {
  public:
    /// Runs `work`, whose answer becomes the exit code; a Failure becomes its own code and its message.
    explicit Forked(const std::function<int()>& work);
    /// SIGKILL, if it is still there.
    ~Forked();
    Forked(const Forked&) = delete;
    Forked& operator=(const Forked&) = delete;

    pid_t pid() const { return pid_; }
    bool is_running();
    /// The exit code, 128 + N when signal N killed it; -1 when it is still there after 10 s.
    int wait();
    /// What it has written to stderr so far, the messages of a Failure included.
    std::string errors() const;

  private:
    PrivateDirectory directory_;
    pid_t pid_ = -1;
    int status_ = 0;
    bool reaped_ = false;
};

/// Of a forked process: leaves it so many more descriptors than it has open. False if that is refused.
bool leave_descriptors(unsigned more);

/// Whether a process is there and not a zombie.
bool is_alive(pid_t pid);

/// The number that somebody writes into a file, once it is there; fails the test otherwise.
pid_t pid_in(const std::filesystem::path& file);

void write_file(const std::filesystem::path& path, const std::string& content);

}  // namespace patroni_pgbackrest::system
