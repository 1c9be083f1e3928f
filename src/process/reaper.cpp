#include "process/reaper.hpp"

#include "system/interruption.hpp"

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <map>
#include <optional>
#include <sys/wait.h>
#include <utility>

namespace patroni_pgbackrest::process::reaper {

namespace {

struct Children {
    boost::asio::signal_set signals{interruption::event_loop(), SIGCHLD};
    std::map<pid_t, OnEnd> expected;
    bool orphans_are_ours = false;
};

Children& children() {
    static auto* const all = new Children;
    return *all;
}

void await_signal() {
    children().signals.async_wait([](const boost::system::error_code& error, int) {
        if (error) {
            return;
        }
        await_signal();
        collect();
    });
}

/// Empty while it runs.
std::optional<int> ended(pid_t pid) {
    int status = 0;
    const pid_t answer = ::waitpid(pid, &status, WNOHANG);
    if (answer == pid) {
        return status;
    }
    return std::nullopt;
}

void collect_expected() {
    std::map<pid_t, OnEnd>& expected = children().expected;
    for (auto child = expected.begin(); child != expected.end();) {
        if (const auto status = ended(child->first)) {
            const OnEnd on_end = std::move(child->second);
            child = expected.erase(child);
            on_end(*status);
        } else {
            ++child;
        }
    }
}

void collect_orphans() {
    siginfo_t next{};
    // WNOWAIT shows one that has ended and leaves it where it is.
    while (::waitid(P_ALL, 0, &next, WEXITED | WNOHANG | WNOWAIT) == 0 && next.si_pid != 0) {
        if (children().expected.count(next.si_pid) != 0) {
            return;  // ended since collect_expected; its own SIGCHLD is on the way
        }
        ::waitpid(next.si_pid, nullptr, WNOHANG);
        next.si_pid = 0;
    }
}

}  // namespace

void watch() {
    static const bool once = [] {
        await_signal();
        return true;
    }();
    static_cast<void>(once);
}

void expect(pid_t pid, OnEnd on_end) {
    children().expected.emplace(pid, std::move(on_end));
}

void collect() {
    collect_expected();
    if (children().orphans_are_ours) {
        collect_orphans();
    }
}

void reap_orphans() {
    watch();
    children().orphans_are_ours = true;
}

}  // namespace patroni_pgbackrest::process::reaper
