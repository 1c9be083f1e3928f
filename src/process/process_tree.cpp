#include "process/process_tree.hpp"

#include "system/interruption.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::process {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Waits for the children that somebody expects and, once they are ours, for orphans. Lives as long as the process.
class Reaper {
  public:
    using OnEnd = std::function<void(int wait_status)>;

    Reaper() {
        await_signal();
        // The first child was started before SIGCHLD was caught, and may have ended before as well.
        boost::asio::post(interruption::event_loop(), [this] { collect(); });
        collect_now_and_then();
    }

    void expect(pid_t pid, OnEnd on_end) { expected_.emplace(pid, std::move(on_end)); }
    void reap_orphans() { orphans_are_ours_ = true; }
    /// Asks now instead of at the next SIGCHLD.
    void collect() {
        collect_expected();
        if (orphans_are_ours_) {
            collect_orphans();
        }
    }

  private:
    void await_signal() {
        signals_.async_wait([this](const boost::system::error_code& error, int) {
            if (!error) {
                await_signal();
                collect();
            }
        });
    }
    /// Asio's handler writes each signal into a pipe; where that fails, the signal is lost.
    void collect_now_and_then() {
        timer_.expires_after(milliseconds(1000));
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                collect_now_and_then();
                collect();
            }
        });
    }
    void collect_expected() {
        for (auto child = expected_.begin(); child != expected_.end();) {
            int status = 0;
            const auto one = child++;
            if (::waitpid(one->first, &status, WNOHANG) == one->first) {
                const auto ended = expected_.extract(one);
                ended.mapped()(status);
            }
        }
    }
    void collect_orphans() {
        siginfo_t next{};
        // WNOWAIT shows one that has ended and leaves it where it is.
        while (::waitid(P_ALL, 0, &next, WEXITED | WNOHANG | WNOWAIT) == 0 && next.si_pid != 0) {
            if (expected_.count(next.si_pid) != 0) {
                return;  // ended since collect_expected; its own SIGCHLD is on the way
            }
            ::waitpid(next.si_pid, nullptr, WNOHANG);
            next.si_pid = 0;
        }
    }

    boost::asio::signal_set signals_ = boost::asio::signal_set(interruption::event_loop(), SIGCHLD);
    boost::asio::steady_timer timer_ = boost::asio::steady_timer(interruption::event_loop());
    std::map<pid_t, OnEnd> expected_;
    bool orphans_are_ours_ = false;
};

Reaper& reaper() {
    static auto* const only = new Reaper;
    return *only;
}

/// Those that are still to end.
struct Left {
    std::vector<pid_t> pids;
    bool may_be_asked = true;  ///< false: not with TERM yet
};

/// Ends those that `look` finds: TERM once, KILL after `grace`. Returns true when it finds none, false 2 s after KILL.
bool end_all(const std::function<Left()>& look, milliseconds grace) {
    const auto kill_at = Clock::now() + grace;
    bool asked = false;
    while (true) {
        reaper().collect();
        const Left left = look();
        if (left.pids.empty()) {
            return true;
        }
        const auto now = Clock::now();
        if (now >= kill_at + milliseconds(2000)) {
            log::warning("process {} does not end even after SIGKILL", left.pids.front());
            return false;
        }
        const bool kills = now >= kill_at;
        if (kills || (left.may_be_asked && !std::exchange(asked, true))) {
            for (const pid_t pid : left.pids) {
                ::kill(pid, kills ? SIGKILL : SIGTERM);
                ::kill(pid, SIGCONT);  // one that is stopped takes TERM only then
            }
        }
        interruption::run_one_event(milliseconds(20));
    }
}

/// FNV-1a over whole numbers.
void mix(unsigned long long& hash, unsigned long long value) {
    hash = (hash ^ value) * 1099511628211ULL;
}

}  // namespace

ProcessTree::ProcessTree(pid_t root) : root_(root) {
    for (const auto& process : system::process_table()) {
        if (process.parent == ::getpid() && process.pid != root_ && process.group != root_) {
            others_.insert(process.pid);
        }
    }
    refresh();
}

void ProcessTree::refresh() {
    const auto table = system::process_table();
    std::map<pid_t, system::ProcessStatus> known;
    known.swap(members_);
    for (const auto& process : table) {
        const auto before = known.find(process.pid);
        if (before != known.end() && before->second.start_time == process.start_time) {
            members_.emplace(process.pid, process);
        }
    }
    // A child may stand before its parent in the table.
    for (bool grown = true; grown;) {
        grown = false;
        for (const auto& process : table) {
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

void ProcessTree::end(int first, milliseconds grace) {
    if (root_ != ::getpid()) {
        ::kill(-root_, first);
        ::kill(-root_, SIGCONT);
    }
    const auto look = [&] {
        refresh();
        Left left;
        for (const auto& [pid, process] : members_) {
            left.pids.push_back(pid);
        }
        left.may_be_asked = first == SIGTERM || members_.count(root_) == 0;
        return left;
    };
    end_all(look, grace);
}

void reap(pid_t pid, std::function<void(int wait_status)> on_end) {
    reaper().expect(pid, std::move(on_end));
}

void adopt_orphans() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    reaper().reap_orphans();
}

void end_descendants(milliseconds grace) {
    siginfo_t any{};
    if (::waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) {
        return;  // without a child there is no descendant either; reading the process table takes milliseconds
    }
    ProcessTree(::getpid()).end(SIGTERM, grace);
}

namespace {

Left processes_with(const std::string& argument) {
    interruption::check();
    Left left;
    for (const auto& process : system::process_table()) {
        const bool is_candidate = process.pid != ::getpid() && !process.is_zombie();
        const auto arguments = is_candidate ? system::arguments_of(process.pid) : std::vector<std::string>();
        if (std::find(arguments.begin(), arguments.end(), argument) != arguments.end()) {
            left.pids.push_back(process.pid);
        }
    }
    return left;
}

}  // namespace

std::size_t end_processes_with(const std::string& argument, milliseconds grace) {
    const auto look = [&] { return processes_with(argument); };
    const std::size_t count = look().pids.size();
    // They write where this run is about to write: it does not go on beside them.
    while (count > 0 && !end_all(look, grace)) {
    }
    return count;
}

void try_to_end_processes_with(const std::string& argument, milliseconds grace) {
    end_all([&] { return processes_with(argument); }, grace);
}

}  // namespace patroni_pgbackrest::process
