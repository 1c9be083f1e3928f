#pragma once

#include "plan/plan.hpp"
#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "system/lock.hpp"
#include "system/write_errors.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// The staging directory of one restore, for as long as this object lives: locked, and with a journal.
class StagingDirectory {
  public:
    /// Waits for another instance to be gone, then looks at what an earlier run left. Throws Failure(unsafe) when the
    /// data directory holds anything, or the staging directory is not ours.
    explicit StagingDirectory(const Request& request);

    const Layout& layout() const { return layout_; }
    const std::filesystem::path& path() const { return layout_.staging; }
    /// What an earlier run with this very request left; empty when there was none or another one.
    const std::optional<Journal>& earlier() const { return earlier_; }
    /// What this run knows; a change is written with the next phase.
    Journal& journal() { return journal_; }
    const Journal& journal() const { return journal_; }

    /// Of the file systems of the staging directory and of the places that are known: those of an earlier run, and of
    /// this one's copy.
    system::WriteErrors& write_errors() { return write_errors_; }

    /// circumstances_of() the request.
    const std::string& circumstances() const { return circumstances_; }

    /// Starts or continues a copy: writes the journal with the targets outside of the data directory. Throws
    /// Failure(unsafe) when one of them holds anything that no earlier run of ours put there, or another restore has
    /// it.
    void begin_copy(const Request& request, const Plan& plan, const std::vector<std::filesystem::path>& outside);
    /// Writes down which directories the targets are, once they are made and while nothing of the copy is in new ones:
    /// another one that is mounted there later is somebody's. Throws as begin_copy() does.
    void note_places(const std::vector<std::filesystem::path>& outside);
    /// Writes the journal down with this phase.
    void enter(Phase phase);

  private:
    void look_at_earlier_run(const Request& request);
    void hold(const std::vector<std::filesystem::path>& outside);

    Layout layout_;
    std::optional<system::Lock> lock_;
    system::DirectoryLocks held_places_;
    system::WriteErrors write_errors_;
    std::optional<Journal> earlier_;
    std::string circumstances_;
    std::optional<PatronisCall> of_patroni_;  // of the call that this run is for
    Journal journal_;
};

}  // namespace patroni_pgbackrest
