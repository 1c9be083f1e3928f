#include "staging/named_state.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

#include <arpa/inet.h>
#include <filesystem>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace patroni_pgbackrest;

TEST_CASE("of a path that is named it counts what is there, or how far the way to it goes") {
    const Files files;
    const auto path = files.path("run/postgresql/.s.PGSQL.5432.lock").string();
    const auto state = [&] {
        return named_state("FATAL:  could not create lock file \"" + path + "\": No such file or directory", "/lib",
                           {});
    };
    const auto absent = state();
    CHECK_FALSE(absent.empty());
    CHECK(state() == absent);
    files.write("run/other", "");
    const auto made = state();
    CHECK(made != absent);
    files.write("run/more", "");
    CHECK(state() == made);
    ::chmod(files.path("run").c_str(), 0750);
    const auto opened = state();
    CHECK(opened != made);
    files.write("run/postgresql/.s.PGSQL.5432.lock", "");
    CHECK(state() != opened);
}

TEST_CASE("of a library that is named it counts whether it is there") {
    const Files files;
    const std::filesystem::path libraries = files.path("lib");
    for (const std::string name : {"pgaudit", "$libdir/timescaledb"}) {
        const auto state = [&] {
            return named_state("FATAL:  could not access file \"" + name + "\": No such file", libraries, {});
        };
        const auto absent = state();
        files.write("lib/" + name.substr(name.rfind('/') + 1) + ".so", "");
        CHECK(state() != absent);
    }
}

TEST_CASE("of an address in use it counts whether something listens there") {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(socket, any, size) == 0);
    REQUIRE(::getsockname(socket, any, &size) == 0);
    REQUIRE(::listen(socket, 1) == 0);
    const unsigned port = ntohs(address.sin_port);
    const auto state = [&](const std::string& words) { return named_state(words, "/lib", port); };
    const auto taken = state("FATAL:  could not create any TCP/IP sockets");
    const auto other = state("FATAL:  the database system is starting up");
    ::close(socket);
    CHECK(state("FATAL:  could not create any TCP/IP sockets") != taken);
    CHECK(other.empty());
    CHECK(named_state("FATAL:  could not create any TCP/IP sockets", "/lib", {}).empty());
}
