#pragma once

#include "plan/plan.hpp"
#include "replay/replay.hpp"
#include "staging/staging.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace patroni_pgbackrest {

/// What a run tells a machine, written as JSON at its end, also after a failure.
class Report {
  public:
    explicit Report(std::string command) : command_(std::move(command)) {}

    /// Begins a phase and ends the one before: its name is what `phase` says should the run end in it.
    void phase(const std::string& name);
    void about(const Request& request);
    void about(const Plan& plan, const Layout& layout);
    void about(const Reached& reached) { reached_ = reached; }
    void version(const std::string& program, const std::string& version) { versions_[program] = version; }
    void kept(const std::filesystem::path& dynamic_configuration) { kept_ = dynamic_configuration.string(); }

    /// The JSON text. `failure` empty: done.
    std::string text(const std::optional<Failure>& failure) const;

  private:
    struct PhaseTime {
        std::string name;
        std::chrono::steady_clock::time_point begun;
    };

    std::string command_;
    std::chrono::system_clock::time_point started_ = std::chrono::system_clock::now();
    std::vector<PhaseTime> phases_;
    std::optional<Request> request_;
    std::optional<Plan> plan_;
    std::optional<Layout> layout_;
    std::optional<Reached> reached_;
    std::map<std::string, std::string> versions_;
    std::string kept_;
};

}  // namespace patroni_pgbackrest
