#include "system/failure.hpp"

#include <utility>

namespace patroni_pgbackrest {

Failure::Failure(ExitCode code, std::string message, std::string hint) : code_(code) {
    problems_.push_back({std::move(message), std::move(hint)});
}

Failure::Failure(ExitCode code, std::vector<Problem> problems) : code_(code), problems_(std::move(problems)) {
    if (problems_.empty()) {
        problems_.push_back({"a failure without a problem", "report it, with the log"});
    }
}

Failure& Failure::lasting() {
    lasting_ = true;
    return *this;
}

}  // namespace patroni_pgbackrest
