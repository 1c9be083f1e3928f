#include "replay/wal_request.hpp"

#include "support/catch.hpp"
#include "system/file.hpp"

#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <thread>

using namespace patroni_pgbackrest;

TEST_CASE("a request for WAL is two lines") {
    const WalRequest request{"000000010000000000000002", "pg_wal/RECOVERYXLOG"};
    CHECK(request.text() == "000000010000000000000002\npg_wal/RECOVERYXLOG\n");
    CHECK(WalRequest::parse(request.text()) == request);
}

TEST_CASE("half a request is none yet, and more than one is none at all") {
    for (const std::string text : {"", "\n", "0000", "0000\n", "0000\npg_wal/x", "\npg_wal/x\n", "0000\n\n",
                                   "0000\npg_wal/x\n\n", "0000\npg_wal/x\n0001\n"}) {
        CAPTURE(text);
        CHECK_FALSE(WalRequest::parse(text));
    }
}

TEST_CASE("no request leads out of the data directory") {
    for (const std::string text :
         {"../0000\npg_wal/x\n", "a/b\npg_wal/x\n", "0000\n/etc/x\n", "0000\n../x\n", "0000\npg_wal/../../x\n"}) {
        CAPTURE(text);
        CHECK_FALSE(WalRequest::parse(text));
    }
}

TEST_CASE("an answer is one of the three exit codes that PostgreSQL is given") {
    CHECK(parse_wal_answer("0\n") == 0);
    CHECK(parse_wal_answer("1\n") == 1);
    CHECK(parse_wal_answer("200\n") == 200);
    for (const char* text : {"", "0", "20", "200", "2\n", "0\n0\n", "-1\n"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_wal_answer(text));
    }
}

TEST_CASE("the restore_command is this program with a socket, and nothing stays between it and PostgreSQL") {
    const auto self = std::filesystem::canonical("/proc/self/exe").string();
    const auto command = restore_command_for("/tmp/x/wal");
    CHECK(command.rfind("exec ", 0) == 0);
    CHECK(command.find(self) != std::string::npos);
    const std::string rest = " archive-get --socket=/tmp/x/wal %f \"%p\"";
    REQUIRE(command.size() > rest.size());
    CHECK(command.substr(command.size() - rest.size()) == rest);
    CHECK(restore_command_for("/tmp/a b/wal").find("'--socket=/tmp/a b/wal'") != std::string::npos);
}

TEST_CASE("only that call is passed on") {
    const std::array<const char*, 5> words{"program", "archive-get", "--socket=/tmp/x/wal", "0000", "pg_wal/x"};
    const auto call = parse_wal_call(5, words.data());
    REQUIRE(call);
    CHECK(call->socket == "/tmp/x/wal");
    CHECK(call->request == WalRequest{"0000", "pg_wal/x"});
    CHECK_FALSE(parse_wal_call(4, words.data()));
    const std::array<const char*, 5> guard{"program", "archive-get", "--stanza=demo", "0000", "pg_wal/x"};
    CHECK_FALSE(parse_wal_call(5, guard.data()));
    const std::array<const char*, 5> other{"program", "bootstrap", "--socket=/tmp/x/wal", "0000", "pg_wal/x"};
    CHECK_FALSE(parse_wal_call(5, other.data()));
}

TEST_CASE("where nobody listens the recovery is aborted") {
    CHECK(ask_for_wal({"/nonexistent/wal", {"0000", "pg_wal/x"}}) == 200);
    CHECK(ask_for_wal({std::string(200, 'x'), {"0000", "pg_wal/x"}}) == 200);
}

TEST_CASE("an answer is a line, whoever still holds the connection open behind it") {
    using boost::asio::local::stream_protocol;
    const system::PrivateDirectory directory;
    const auto path = (directory.path() / "wal").string();
    boost::asio::io_context loop;
    stream_protocol::acceptor acceptor(loop, stream_protocol::endpoint(path));
    std::atomic<int> code = -1;
    std::thread asking([&] { code = ask_for_wal({path, {"0000", "pg_wal/x"}}); });
    auto connection = acceptor.accept();
    boost::asio::write(connection, boost::asio::buffer("1\n", 2));
    asking.join();
    CHECK(code.load() == 1);
    // Half a line, and then the end, is none.
    std::thread again([&] { code = ask_for_wal({path, {"0000", "pg_wal/x"}}); });
    connection = acceptor.accept();
    boost::asio::write(connection, boost::asio::buffer("1", 1));
    connection.close();
    again.join();
    CHECK(code.load() == 200);
}
