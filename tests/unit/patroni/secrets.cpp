#include "patroni/secrets.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/text.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

std::string shown(const std::string& yaml) {
    return system::join(lines_to_show(yaml, "patroni.yml"), "\n");
}

}  // namespace

TEST_CASE("the value of a key that names a secret is not shown, wherever it stands") {
    CHECK(shown("password: mellon\nuser: x\n") == "password: ****\nuser: x");
    CHECK(shown("\"PGPASSWORD\": \"mellon\"  # old\r\n") == "\"PGPASSWORD\": ****  # old\r");
    CHECK(shown("a: {pass: mellon, b: c}\n") == "a: {pass: ****, b: c}");
    CHECK(shown("api_token: [mellon, mellon]\n") == "api_token: ****");
    CHECK(shown("secrets:\n  a: mellon\n  b: mellon\nc: d\n") == "secrets:\n  ****\n  ****\nc: d");
    CHECK(shown("password:\nuser: x") == "password:\nuser: x");
}

TEST_CASE("every line of a secret is hidden") {
    CHECK(shown("password: |\n  mellon\n\n  mellon\nuser: x\n") == "password: ****\n  ****\n\n  ****\nuser: x");
    CHECK(shown("password: \"mellon\n  mellon\"\nuser: x\n") == "password: ****\n  ****\nuser: x");
}

TEST_CASE("a secret is hidden where an alias takes it from") {
    CHECK(shown("x: &x mellon\ny: {password: *x}\n") == "x: ****\ny: {password: ****}");
}

TEST_CASE("what looks like a secret in a comment, a command or an address is hidden") {
    CHECK(shown("#  password: mellon\na: b # token=mellon\n") == "#  password: ****\na: b # token=****");
    CHECK(shown("command: PGPASSWORD=mellon run\n") == "command: PGPASSWORD=****");
    CHECK(shown("url: http://user:mellon@host:2379/x\n") == "url: http://user:****@host:2379/x");
    CHECK(shown("url: http://host:2379/x\n") == "url: http://host:2379/x");
}

TEST_CASE("what is no secret is shown") {
    const std::string text = "scope: demo\nlisten: '*:5432'  # all\nhost: http://a:1/@b";
    CHECK(shown(text) == text);
    CHECK_FALSE(names_secret("stanza"));
    CHECK(names_secret("encryption_key"));
}
