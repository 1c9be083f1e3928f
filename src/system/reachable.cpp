#include "system/reachable.hpp"

#include "system/thread.hpp"

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <list>
#include <memory>
#include <mutex>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::system {

namespace {

using Clock = std::chrono::steady_clock;

bool connects(const addrinfo& address, Clock::time_point deadline) {
    const int file = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0) {
        return false;
    }
    bool connected = ::connect(file, address.ai_addr, address.ai_addrlen) == 0;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{file, POLLOUT, 0};
    if (!connected && errno == EINPROGRESS && left > 0 && ::poll(&waiting, 1, static_cast<int>(left)) == 1) {
        int error = 0;
        socklen_t size = sizeof error;
        connected = ::getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    }
    ::close(file);
    return connected;
}

/// To any of its addresses, side by side: the first may be one where nothing answers.
bool connects(const Endpoint& endpoint, Clock::time_point deadline) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &wanted, &found) != 0) {
        return false;
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
    std::list<std::thread> attempts;
    std::atomic<bool> connected = false;
    for (const auto* address = found; address != nullptr; address = address->ai_next) {
        const auto attempt = [address, deadline, &connected] {
            if (connects(*address, deadline)) {
                connected = true;
            }
        };
        if (auto thread = started(attempt)) {
            attempts.push_back(std::move(*thread));
        } else {
            attempt();
        }
    }
    for (auto& attempt : attempts) {
        attempt.join();
    }
    return connected;
}

/// Outlives the caller when a resolver does not answer.
struct Answers {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t missing;
    bool reached = false;

    void take(bool connected) {
        const std::lock_guard lock(mutex);
        reached = reached || connected;
        --missing;
        changed.notify_all();
    }
};

}  // namespace

bool any_is_reachable(const std::vector<Endpoint>& endpoints, std::chrono::milliseconds limit) {
    constexpr std::chrono::milliseconds grace(200);  // attempts that ended at the deadline report then
    const auto deadline = Clock::now() + limit;
    const auto answers = std::make_shared<Answers>();
    answers->missing = endpoints.size();
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the main thread's
    std::vector<Endpoint> left;
    for (const auto& endpoint : endpoints) {
        if (auto thread = started([answers, endpoint, deadline] { answers->take(connects(endpoint, deadline)); })) {
            thread->detach();
        } else {
            left.push_back(endpoint);
        }
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    for (const auto& endpoint : left) {
        answers->take(connects(endpoint, deadline));
    }
    std::unique_lock lock(answers->mutex);
    answers->changed.wait_until(lock, deadline + grace, [&] { return answers->reached || answers->missing == 0; });
    return answers->reached;
}

}  // namespace patroni_pgbackrest::system
