#include "postgres/connection_string.hpp"

#include "support/catch.hpp"
#include "system/failure.hpp"
#include "system/text.hpp"

using namespace patroni_pgbackrest;

namespace {

/// `name=value` of each keyword, with | between them; what is wrong when it is refused.
std::string read(const std::string& text) {
    try {
        std::vector<std::string> words;
        for (const auto& setting : postgres::parse_connection_string(text)) {
            words.push_back(setting.name + "=" + setting.value);
        }
        return system::join(words, "|");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::usage);
        CHECK_FALSE(failure.problems().front().hint.empty());
        return failure.what();
    }
}

}  // namespace

TEST_CASE("keywords and values are read as libpq reads them") {
    // As Patroni writes it: blanks, quotes and backslashes escaped, nothing quoted.
    CHECK(read("dbname=postgres user=postgres host=127.0.0.1 port=5432") ==
          "dbname=postgres|user=postgres|host=127.0.0.1|port=5432");
    CHECK(read(R"(host=/var/run\ of\ mine user=o\'neill)") == "host=/var/run of mine|user=o'neill");
    CHECK(read(R"(  user = 'it\'s me'  dbname='' )") == "user=it's me|dbname=");
    CHECK(read("port=1 port=2") == "port=2");
}

TEST_CASE("an URL is read as libpq reads it") {
    CHECK(read("postgresql://") == "");
    CHECK(read("postgres://me:se%20cret@localhost:5433/app?sslmode=require&connect_timeout=3") ==
          "user=me|password=se cret|host=localhost|port=5433|dbname=app|sslmode=require|connect_timeout=3");
    CHECK(read("postgresql://[::1]:5432,other/app") == "host=::1,other|port=5432,|dbname=app");
    CHECK(read("postgresql://%2Fvar%2Frun/app?ssl=true") == "host=/var/run|dbname=app|sslmode=require");
    CHECK(read("postgresql:///app?host=/tmp") == "dbname=app|host=/tmp");
}

TEST_CASE("a connection string that is wrong is refused without showing it") {
    const std::string begin = "the connection string cannot be read: ";
    CHECK(read("topsecret") == begin + "it is neither an URL nor keywords and values");
    CHECK(read("host=a topsecret") == begin + "a keyword has no = after it");
    CHECK(read("hots=topsecret") == begin + "a keyword is unknown, host may be meant");
    CHECK(read("topsecret=1") == begin + "a keyword is unknown");
    CHECK(read("password='topsecret") == begin + "a quote is not closed");
    CHECK(read("password='top\nsecret'") == begin + "the value of password has more than one line");
    CHECK(read("service=topsecret") == begin + "service is not supported in it");
    CHECK(read("postgresql://me:top%zzsecret@h/") == begin + "a % is not followed by two hexadecimal digits");
    CHECK(read("postgresql://me@h/?topsecret") == begin + "a parameter has no = in it");
    CHECK(read("postgresql://[::1/") == begin + "a [ is not closed");
}
