#include "support/catch.hpp"

#include "pgbackrest/printable.hpp"

using patroni_pgbackrest::pgbackrest::printable;
using patroni_pgbackrest::pgbackrest::redacted;

TEST_CASE("text stays as it is, line feeds and tabs included") {
    CHECK(printable("a\tb\nc \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\x98") ==
          "a\tb\nc \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x90\x98");
    CHECK(printable("").empty());
}

TEST_CASE("bytes that are no UTF-8 and control characters become question marks") {
    CHECK(printable("\x01\x1B\x7F\r") == "????");
    CHECK(printable("\xC2\x9B\x32J \xC2\xA0") == "?2J \xC2\xA0");  // CSI in one character
    CHECK(printable("\xC3") == "?");
    CHECK(printable("\xC0\xAF") == "??");            // overlong
    CHECK(printable("\xE0\x80\xAF") == "???");       // overlong
    CHECK(printable("\xED\xA0\x80") == "???");       // surrogate
    CHECK(printable("\xF4\x90\x80\x80") == "????");  // past the last character
    CHECK(printable("\xE2\x82") == "??");            // cut
    CHECK(printable(std::string("a\0b", 3)) == "a?b");
}

TEST_CASE("the value of an option that holds a secret is replaced") {
    CHECK(redacted("--repo1-cipher-pass=abc --repo1-path=/x") == "--repo1-cipher-pass=<redacted> --repo1-path=/x");
    CHECK(redacted("repo1-s3-key-secret = x") == "repo1-s3-key-secret = x");
    CHECK(redacted("host=a password='b c' user=d") == "host=a password=<redacted> user=d");
    CHECK(redacted("?X-Amz-Signature=0a1b&list-type=2") == "?X-Amz-Signature=<redacted>&list-type=2");
    CHECK(redacted("PGPASSWORD=x") == "PGPASSWORD=<redacted>");
    CHECK(redacted("token=") == "token=");
    CHECK(redacted("password='unclosed") == "password=<redacted>");
    CHECK(redacted("no secret = here=1") == "no secret = here=1");
}
