#include "system/reachable.hpp"

#include "system/descriptor.hpp"
#include "system/thread.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <functional>
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

constexpr std::chrono::milliseconds grace(200);  // attempts that ended at the deadline report then

bool becomes(int file, short event, Clock::time_point deadline) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{file, event, 0};
    return left > 0 && ::poll(&waiting, 1, static_cast<int>(left)) == 1;
}

bool connects(int file, const addrinfo& address, Clock::time_point deadline) {
    if (::connect(file, address.ai_addr, address.ai_addrlen) == 0) {
        return true;
    }
    int error = 0;
    socklen_t size = sizeof error;
    return errno == EINPROGRESS && becomes(file, POLLOUT, deadline) &&
           ::getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

/// Tells each step that it comes nearer.
void approach(const addrinfo& address, Clock::time_point deadline, const std::string& question,
              const std::function<void(Reach)>& tell) {
    const Descriptor file(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!file.is_open() || !connects(file.number(), address, deadline)) {
        return;
    }
    if (question.empty()) {
        tell(Reach::answers);
        return;
    }
    tell(Reach::silent);
    ::send(file.number(), question.data(), question.size(), MSG_NOSIGNAL);  // a connection reset is an answer, too
    if (becomes(file.number(), POLLIN, deadline)) {
        tell(Reach::answers);
    }
}

}  // namespace

struct Reaching::Answers {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t unresolved, missing;
    Reach best = Reach::nothing;

    explicit Answers(std::size_t count) : unresolved(count), missing(count) {}

    void resolved() {
        const std::lock_guard lock(mutex);
        --unresolved;
    }

    void take(Reach reached) {
        const std::lock_guard lock(mutex);
        best = std::max(best, reached);
        changed.notify_all();
    }

    void finished() {
        const std::lock_guard lock(mutex);
        --missing;
        changed.notify_all();
    }

    /// Any of its addresses, side by side: the first may be one where nothing answers.
    void ask(const Endpoint& endpoint, Clock::time_point deadline, const std::string& question) {
        addrinfo wanted{};
        wanted.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        const bool is_known = ::getaddrinfo(endpoint.host.c_str(), endpoint.port.c_str(), &wanted, &found) == 0;
        const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(is_known ? found : nullptr,
                                                                             ::freeaddrinfo);
        resolved();
        std::list<std::thread> attempts;
        for (const auto* address = addresses.get(); address != nullptr; address = address->ai_next) {
            const auto attempt = [this, address, deadline, &question] {
                approach(*address, deadline, question, [this](Reach reached) { take(reached); });
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
        finished();
    }

    bool are_known() const { return best == Reach::answers || missing == 0; }
};

Reaching::Reaching(const std::vector<Endpoint>& endpoints, std::chrono::milliseconds limit, const std::string& question,
                   std::chrono::milliseconds patience)
    : deadline_(Clock::now() + limit), answers_(std::make_shared<Answers>(endpoints.size())) {
    const auto in_time = deadline_ - grace;
    const auto until = std::max(in_time, deadline_ - limit + patience);
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the main thread's
    std::vector<Endpoint> left;
    for (const auto& endpoint : endpoints) {
        const auto ask = [answers = answers_, endpoint, until, question] { answers->ask(endpoint, until, question); };
        if (auto thread = started(ask)) {
            thread->detach();
        } else {
            left.push_back(endpoint);
        }
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    for (const auto& endpoint : left) {
        answers_->ask(endpoint, in_time, question);
    }
}

Reach Reaching::result() const {
    std::unique_lock lock(answers_->mutex);
    answers_->changed.wait_until(lock, deadline_, [&] { return answers_->are_known(); });
    return answers_->unresolved > 0 ? std::max(answers_->best, Reach::unresolved) : answers_->best;
}

bool Reaching::is_known() const {
    const std::lock_guard lock(answers_->mutex);
    return answers_->are_known() || Clock::now() >= deadline_;
}

}  // namespace patroni_pgbackrest::system
