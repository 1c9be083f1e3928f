#pragma once

#include "plan/plan.hpp"
#include "staging/layout.hpp"
#include "system/failure.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// How the last run of a request ended, when it failed: a small file beside the journal. systemd starts a Patroni whose
/// bootstrap failed again at once and for ever, which would otherwise be a loop of restores.
struct EarlierFailure {
    std::string request;
    int exit_code = 0;
    std::string message, hint;
    bool lasts = false;     ///< it would be the same until somebody changes something
    std::string facts;      ///< what it rested on, see facts_of(), and the named_state() of `words`
    unsigned in_a_row = 0;  ///< failures since the last success
    std::int64_t at = 0;    ///< seconds since 1970
    std::string words{};    ///< of PostgreSQL or Patroni, which could not use what was handed over

    void save(const std::filesystem::path& file) const;
    /// Empty when there is none; a damaged one is not worth a refusal and counts as none.
    static std::optional<EarlierFailure> read(const std::filesystem::path& file);
};

/// What decides whether Patroni can use what it is handed over: its configuration but for passwords, pgBackRest's, and
/// this program.
std::string circumstances_of(const Request& request);

/// Everything that decides how a restore with this request ends, as far as it can be seen beforehand: the plan, and
/// when the configuration of Patroni and pgBackRest was changed last. The same facts fail in the same way.
std::string facts_of(const Request& request, const Plan& plan);

/// The same failure again, with the way to clear it, when it lasts and rests on the same facts.
std::optional<Failure> repeated(const EarlierFailure& earlier, const std::string& facts,
                                const std::filesystem::path& file);

/// `verify` as post_bootstrap found wrong data, so Patroni sets the cluster aside: the same restore would end the same
/// way again.
void remember_rejection(const Layout& layout, const Problem& problem,
                        const std::optional<patroni::Configuration>& patroni);

/// Throws Failure(verification_failed) when that happened to the last restore with this request, and neither
/// patroni.yml, where the probes are, nor the archive that it was made from has changed.
void refuse_rejected(const Request& request, const Plan& plan, const Layout& layout);

/// How long to wait before another try: nothing after one failure, then 10 s, doubled with each further one up to five
/// minutes, less what has passed since.
std::chrono::seconds pause_after(unsigned failures, std::int64_t last, std::int64_t now);

/// A signal, or the end of the calling Patroni.
bool is_interruption(ExitCode code);

/// What the next run must know about this failure. An interruption is none: there is nothing to be changed or waited
/// for.
std::optional<EarlierFailure> remembered(const Failure& failure, const std::optional<EarlierFailure>& earlier,
                                         const std::string& request, const std::string& facts, std::int64_t now);

/// The failures in a row of one request, for as long as a run of it lasts.
class FailureMemory {
  public:
    /// Reads what is kept beside the journal; the failure of another request counts for nothing.
    /// `binaries`: of the PostgreSQL that will run, whose libraries may be named by its last words.
    FailureMemory(const Request& request, const Plan& plan, const Layout& layout,
                  const std::filesystem::path& binaries);

    /// Throws the last failure again, with the way to clear it, when it lasts and nothing that it rests on has changed.
    void refuse_repetition() const;
    /// The last run's failure; empty when it did not fail.
    const std::optional<EarlierFailure>& last() const { return last_; }
    /// Keeps this failure for the next run: systemd starts a failed Patroni again at once. `words` as in
    /// EarlierFailure.
    void remember(const Failure& failure, const std::string& words = {}) const;

    /// named_state() of this node.
    std::string state_named_by(const std::string& words) const;

  private:
    std::string facts_with(const std::string& words) const;

    std::filesystem::path file_;
    std::string request_, facts_;
    std::filesystem::path libraries_;
    std::optional<unsigned> port_;
    std::optional<EarlierFailure> last_;
};

}  // namespace patroni_pgbackrest
