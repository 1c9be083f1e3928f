#include "system/reachable.hpp"

#include "support/catch.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace patroni_pgbackrest;
using namespace std::chrono_literals;
using system::any_is_reachable;

namespace {

/// A server that only listens.
struct Listener {
    Listener() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        REQUIRE(::bind(file, reinterpret_cast<sockaddr*>(&address), size) == 0);
        REQUIRE(::listen(file, 1) == 0);
        REQUIRE(::getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0);
        port = std::to_string(ntohs(address.sin_port));
    }
    ~Listener() { ::close(file); }

    int file = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    std::string port;
};

}  // namespace

TEST_CASE("one server that listens is enough, by address and by name") {
    const Listener listener;
    CHECK(any_is_reachable({{"127.0.0.1", listener.port}}, 3s));
    CHECK(any_is_reachable({{"127.0.0.1", "1"}, {"localhost", listener.port}}, 3s));
}

TEST_CASE("where nobody listens that is known at once") {
    const auto began = std::chrono::steady_clock::now();
    CHECK_FALSE(any_is_reachable({{"127.0.0.1", "1"}, {"127.0.0.1", "2"}}, 30s));
    CHECK_FALSE(any_is_reachable({{"", "x"}}, 30s));
    CHECK_FALSE(any_is_reachable({}, 30s));
    CHECK(std::chrono::steady_clock::now() - began < 10s);
}

TEST_CASE("a server that does not answer is waited for no longer than said") {
    // The network of documentation: packets are dropped, or there is no route.
    const auto began = std::chrono::steady_clock::now();
    CHECK_FALSE(any_is_reachable({{"192.0.2.1", "2379"}}, 500ms));
    CHECK(std::chrono::steady_clock::now() - began < 3s);
}
