#pragma once

#include "system/process_facts.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <sys/types.h>

namespace patroni_pgbackrest::process {

/// A process, its process group and all that descends from it, sessions of their own included. A member stays one when
/// its parent ends.
class ProcessTree {
  public:
    /// Looks into /proc at once: who belongs to it must be known before the first of them ends and its children lose
    /// their parent.
    explicit ProcessTree(pid_t root);

    /// Looks again: new members in, those that have ended out.
    void refresh();
    /// Members that have not been reaped yet. The root is one, unless it is this process.
    const std::map<pid_t, system::ProcessStatus>& members() const { return members_; }
    /// A number that changes with members coming and going, with processor time and with bytes read and written.
    unsigned long long activity() const;

    /// Ends all members and returns when none is left. The root's process group gets `first`. All others get TERM: at
    /// once if `first` is TERM too, else when the root has ended, which may end them in an order of its own. KILL after
    /// `grace`. Runs the event loop meanwhile. Gives up after 2 s more, with a warning: a process in uninterruptible
    /// sleep does not die before its disk answers.
    void end(int first, std::chrono::milliseconds grace);

  private:
    bool belongs(const system::ProcessStatus& process) const;

    pid_t root_;
    std::set<pid_t> others_;  ///< children of ours that were there before and are no part of it
    std::map<pid_t, system::ProcessStatus> members_;
};

/// Calls `on_end` from the event loop once our child `pid` has ended. This is the only place that asks the kernel how a
/// child ended; by number, so that nobody's child is taken from him.
void reap(pid_t pid, std::function<void(int wait_status)> on_end);

/// Makes orphaned descendants (pgBackRest's asynchronous archive-get runs as a session of its own) our children, so
/// that they can be ended: PR_SET_CHILD_SUBREAPER. Children that nobody waits for are reaped from now on. Called once.
void adopt_orphans();

/// Ends every remaining descendant of this process: TERM, KILL after `grace`, reaped.
void end_descendants(std::chrono::milliseconds grace);

/// Ends every process of this user that has `argument` in its command line, ours or not: TERM, KILL after `grace`.
/// For what an earlier run left that was killed itself: pgBackRest's workers end only with the file they copy. Returns
/// how many there were, when all are gone. Throws Failure when the program is interrupted.
std::size_t end_processes_with(const std::string& argument, std::chrono::milliseconds grace);
/// The same, but 2 s after KILL they are left alone: where nothing depends on their end.
void try_to_end_processes_with(const std::string& argument, std::chrono::milliseconds grace);

}  // namespace patroni_pgbackrest::process
