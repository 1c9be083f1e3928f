#include "process/process_tree.hpp"

#include <csignal>
#include <unistd.h>

namespace patroni_pgbackrest::process {

namespace {

/// FNV-1a over whole numbers.
void mix(unsigned long long& hash, unsigned long long value) {
    hash = (hash ^ value) * 1099511628211ULL;
}

}  // namespace

ProcessTree::ProcessTree(pid_t root) : root_(root) {
    for (const system::ProcessStatus& process : system::process_table()) {
        if (process.parent == ::getpid() && process.pid != root_ && process.group != root_) {
            others_.insert(process.pid);
        }
    }
    refresh();
}

void ProcessTree::refresh() {
    const std::vector<system::ProcessStatus> table = system::process_table();
    std::map<pid_t, system::ProcessStatus> known;
    known.swap(members_);
    for (const system::ProcessStatus& process : table) {
        const auto before = known.find(process.pid);
        if (before != known.end() && before->second.start_time == process.start_time) {
            members_.emplace(process.pid, process);
        }
    }
    // A child may stand before its parent in the table.
    for (bool grown = true; grown;) {
        grown = false;
        for (const system::ProcessStatus& process : table) {
            if (members_.count(process.pid) == 0 && belongs(process)) {
                grown = members_.emplace(process.pid, process).second;
            }
        }
    }
    for (auto member = members_.begin(); member != members_.end();) {
        // Ended, and a stranger's to reap: nothing that could be done about it.
        const pid_t parent = member->second.parent;
        const bool gone = member->second.is_zombie() && parent != ::getpid() && members_.count(parent) == 0;
        member = gone ? members_.erase(member) : std::next(member);
    }
}

bool ProcessTree::belongs(const system::ProcessStatus& process) const {
    const pid_t ourselves = ::getpid();
    if (process.pid == ourselves) {
        return false;
    }
    if (root_ == ourselves) {
        return process.parent == ourselves || members_.count(process.parent) != 0;
    }
    // A child of ours that was not there when this began has lost its parent meanwhile (PR_SET_CHILD_SUBREAPER).
    const bool orphaned = process.parent == ourselves && others_.count(process.pid) == 0;
    return process.pid == root_ || process.group == root_ || orphaned || members_.count(process.parent) != 0;
}

void ProcessTree::signal(int number) const {
    for (const auto& [pid, process] : members_) {
        if (!process.is_zombie()) {
            ::kill(pid, number);
        }
    }
}

unsigned long long ProcessTree::activity() const {
    unsigned long long hash = 14695981039346656037ULL;
    for (const auto& [pid, process] : members_) {
        mix(hash, static_cast<unsigned long long>(pid));
        mix(hash, process.start_time);
        mix(hash, static_cast<unsigned long long>(process.state == 'Z'));
        mix(hash, process.processor_ticks);
        mix(hash, system::transferred_bytes(pid));
    }
    return hash;
}

}  // namespace patroni_pgbackrest::process
