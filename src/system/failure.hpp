#pragma once

#include "system/exit_code.hpp"

#include <exception>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// One thing that is wrong: where, what, and what to do about it. Lower case, no full stop, never a secret.
struct Problem {
    std::string message;  ///< names the thing
    std::string hint;     ///< printed after `HINT:`
    std::string place{};  ///< `patroni.yml:17`, `--target`, or empty

    bool operator==(const Problem&) const = default;
};

/// Ends the run. This is the only exception that leaves a folder.
class Failure : public std::exception {
  public:
    Failure(ExitCode code, std::string message, std::string hint);
    /// Several problems found in one pass, reported together. `problems` must not be empty.
    Failure(ExitCode code, std::vector<Problem> problems);

    ExitCode code() const { return code_; }
    const std::vector<Problem>& problems() const { return problems_; }
    /// Marks that the same call would fail in the same way until somebody changes something. Returns this failure.
    Failure& lasting();
    bool is_lasting() const { return lasting_; }
    /// The first problem's message.
    const char* what() const noexcept override { return problems_.front().message.c_str(); }

  private:
    ExitCode code_;
    bool lasting_ = false;
    std::vector<Problem> problems_;
};

}  // namespace patroni_pgbackrest
