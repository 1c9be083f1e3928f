#include "system/reachable.hpp"

#include "support/catch.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace patroni_pgbackrest;
using namespace std::chrono_literals;
using system::Endpoint;
using system::Reach;

namespace {

/// A server that only listens: the kernel accepts, and nobody answers.
struct Listener {
    explicit Listener(int backlog = 1) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(file, reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(file, backlog) == 0);
        REQUIRE(::getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port = std::to_string(ntohs(address.sin_port));
    }
    ~Listener() { ::close(file); }

    int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string port;
};

/// Connections that nobody takes: the next one is swallowed, as behind a firewall that drops.
class FullBacklog {
  public:
    FullBacklog() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(listener_.port)));
        for (int& waiting : waiting_) {
            waiting = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            ::connect(waiting, reinterpret_cast<sockaddr*>(&address), sizeof address);
        }
    }
    ~FullBacklog() { std::for_each(waiting_.begin(), waiting_.end(), ::close); }

    Endpoint endpoint() const { return {"127.0.0.1", listener_.port}; }

  private:
    Listener listener_{0};
    std::array<int, 3> waiting_{};
};

/// One that says something, or hangs up, as soon as it is connected to.
class Server {
  public:
    explicit Server(const std::string& words)
        : thread_([this, words] {
              const int file = ::accept4(listener_.file, nullptr, nullptr, SOCK_CLOEXEC);
              ::send(file, words.data(), words.size(), MSG_NOSIGNAL);
              ::close(file);
          }) {}
    ~Server() { thread_.join(); }

    Endpoint endpoint() const { return {"127.0.0.1", listener_.port}; }

  private:
    Listener listener_;
    std::thread thread_;
};

Reach reach(const std::vector<Endpoint>& endpoints, std::chrono::milliseconds limit, const std::string& question = {}) {
    return system::Reaching(endpoints, limit, question).result();
}

}  // namespace

TEST_CASE("one server that listens is enough, by address and by name") {
    const Listener listener;
    CHECK(reach({{"127.0.0.1", listener.port}}, 3s) == Reach::answers);
    CHECK(reach({{"127.0.0.1", "1"}, {"localhost", listener.port}}, 3s) == Reach::answers);
}

TEST_CASE("where nobody listens that is known at once") {
    const auto began = std::chrono::steady_clock::now();
    CHECK(reach({{"127.0.0.1", "1"}, {"127.0.0.1", "2"}}, 30s) == Reach::nothing);
    CHECK(reach({{"", "x"}}, 30s) == Reach::nothing);
    CHECK(reach({}, 30s) == Reach::nothing);
    CHECK(std::chrono::steady_clock::now() - began < 10s);
}

TEST_CASE("a server that swallows connections is waited for no longer than said") {
    const FullBacklog swallowing;
    const auto began = std::chrono::steady_clock::now();
    CHECK(reach({swallowing.endpoint()}, 700ms) == Reach::nothing);
    CHECK(std::chrono::steady_clock::now() - began < 3s);
}

TEST_CASE("a network without an answer is waited for no longer than said") {
    // The network of documentation: packets are dropped, or there is no route.
    const auto began = std::chrono::steady_clock::now();
    CHECK(reach({{"192.0.2.1", "2379"}}, 700ms) == Reach::nothing);
    CHECK(std::chrono::steady_clock::now() - began < 3s);
}

TEST_CASE("a server that is asked and silent is told from one that answers or hangs up") {
    const Listener silent;
    CHECK(reach({{"127.0.0.1", silent.port}}, 700ms, "ruok") == Reach::silent);
    const Server answering("imok");
    CHECK(reach({{"127.0.0.1", silent.port}, answering.endpoint()}, 20s, "ruok") == Reach::answers);
    const Server hanging_up("");
    CHECK(reach({hanging_up.endpoint()}, 20s, "ruok") == Reach::answers);
}

TEST_CASE("an answer that comes behind the limit is told from then on") {
    const Listener listener;
    const system::Reaching reaching({{"127.0.0.1", listener.port}}, 300ms, "ruok", 60s);
    CHECK(reaching.result() == Reach::silent);
    CHECK(reaching.is_known());
    const int file = ::accept4(listener.file, nullptr, nullptr, SOCK_CLOEXEC);
    CHECK(reaching.result() == Reach::silent);
    ::close(file);
    const auto began = std::chrono::steady_clock::now();
    while (reaching.result() != Reach::answers && std::chrono::steady_clock::now() - began < 20s) {
        std::this_thread::sleep_for(10ms);
    }
    CHECK(reaching.result() == Reach::answers);
}

TEST_CASE("one that went on in the background is known at once later") {
    const Listener listener;
    const system::Reaching reaching({{"127.0.0.1", listener.port}, {"127.0.0.1", "1"}}, 2s);
    CHECK(reaching.result() == Reach::answers);
    const auto began = std::chrono::steady_clock::now();
    CHECK(reaching.result() == Reach::answers);
    CHECK(std::chrono::steady_clock::now() - began < 1s);
}
