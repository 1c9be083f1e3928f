#pragma once

#include "system/process_table.hpp"

#include <map>
#include <set>
#include <sys/types.h>

namespace patroni_pgbackrest::process {

/// A process, its process group and all that descends from it, sessions of their own included. A member stays one when
/// its parent ends.
class ProcessTree {
  public:
    explicit ProcessTree(pid_t root);

    /// Looks into /proc again: new members in, those that have ended out.
    void refresh();
    pid_t root() const { return root_; }
    /// Members that have not been reaped yet. The root is one, unless it is this process.
    const std::map<pid_t, system::ProcessStatus>& members() const { return members_; }
    void signal(int number) const;
    /// A number that changes with members coming and going, with processor time and with bytes read and written.
    unsigned long long activity() const;

  private:
    bool belongs(const system::ProcessStatus& process) const;

    pid_t root_;
    std::set<pid_t> others_;  ///< children of ours that were there before and are no part of it
    std::map<pid_t, system::ProcessStatus> members_;
};

}  // namespace patroni_pgbackrest::process
