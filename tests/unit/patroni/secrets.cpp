#include "patroni/secrets.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/text.hpp"
#include "yaml/outline.hpp"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <utility>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

std::string shown(const std::string& yaml) {
    return system::join(lines_to_show(yaml::read(yaml, "patroni.yml")), "\n");
}

/// The byte ranges of each key and what is below it.
void add_pairs(const yaml::Written& node, std::vector<std::pair<const yaml::Written*, const yaml::Written*>>& pairs) {
    for (std::size_t i = 0; i < node.children.size(); ++i) {
        if (node.is_map() && node.keys[i].is_scalar() && node.children[i].end > node.children[i].begin) {
            pairs.emplace_back(&node.keys[i], &node.children[i]);
        }
        add_pairs(node.children[i], pairs);
    }
}

/// With the key `password`, and the marker for each word below it.
std::string with_secret(const std::string& text, const yaml::Written& key, const yaml::Written& value) {
    const auto begin = yaml::skip_properties(text, value.begin);
    const auto below = text.substr(begin, std::max(value.end, begin) - begin);
    return text.substr(0, key.begin) + "password" + text.substr(key.end, begin - key.end) +
           std::regex_replace(below, std::regex("[A-Za-z][A-Za-z0-9_]{2,}"), "speakfriend") +
           text.substr(std::max(value.end, begin));
}

}  // namespace

TEST_CASE("the value of a key that names a secret is not shown, wherever it stands") {
    CHECK(shown("password: mellon\nuser: x\n") == "password: ****\nuser: x");
    CHECK(shown("\"PGPASSWORD\": \"mellon\"  # old\r\n") == "\"PGPASSWORD\": ****  # ****\r");
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

TEST_CASE("a comment behind a secret, a user of curl and a private key are hidden") {
    CHECK(shown("password: new   # was mellon\na: b  # c\n") == "password: ****   # ****\na: b  # c");
    CHECK(shown("on_start: curl -u admin:mellon http://x/\n") == "on_start: curl -u admin:**** http://x/");
    CHECK(shown("on_start: curl --user=admin:mellon http://x/\n") == "on_start: curl --user=admin:**** http://x/");
    CHECK(shown("cert: |\n  -----BEGIN RSA PRIVATE KEY-----\n  mellon\n  -----END RSA PRIVATE KEY-----\na: b\n") ==
          "cert: |\n****\n****\n****\na: b");
    CHECK(text_to_show("one\nset password=mellon\nthree") == "one\nset password=****\nthree");
}

TEST_CASE("no marker is shown wherever a secret can stand") {
    const Strings forms = {"mellon",
                           "'mellon'",
                           "\"mellon\"",
                           "|\n    mellon\n    mellon",
                           ">-\n    mellon",
                           "&z mellon",
                           "!!str mellon",
                           "[mellon, mellon]",
                           "{a: mellon}",
                           "mellon\n    mellon",
                           "\n    - mellon\n    - mellon",
                           "\n    a: mellon\n    b: [mellon]",
                           "x  # mellon"};
    const Strings keys = {"password",          "PGPASSWORD",   "pwd",         "passwd",
                          "secret_id",         "api_token",    "credentials", "keyfile_password",
                          "repo1-cipher-pass", "repo1-s3-key", "auth",        "Authorization",
                          "encryption_key"};
    const Strings lines = {"PGPASSWORD=mellon x",
                           "x --password=mellon",
                           "x --password mellon",
                           "postgres://u:mellon@h/d",
                           "curl -u u:mellon http://",
                           "curl --user u:mellon http://",
                           "host=h user=u password=mellon",
                           "psql -c \"alter role x password 'mellon'\"",
                           "x --repo1-s3-key-secret=mellon",
                           "curl --proxy-user=u:mellon http://"};
    Strings texts;
    for (const auto& key : keys) {
        for (const auto& form : forms) {
            texts.push_back("a:\n  " + key + ": " + form + "\nb: c\n");
            texts.push_back("a:\n- x: y\n  " + key + ": " + form + "\n- b\n");
        }
        texts.push_back("{a: {" + key + ": mellon, b: c}}\n");
        texts.push_back("{\"a\": [{\"" + key + "\": \"mellon\"}]}\n");
        texts.push_back("# " + key + ": mellon\na: b  # " + key + "=mellon\n");
        texts.push_back("x: &x mellon\na: {" + key + ": *x}\n");
        texts.push_back("x: &x {" + key + ": mellon}\na: {<<: *x}\n");
    }
    for (const auto& line : lines) {
        texts.push_back("command: " + line + "\n");
        texts.push_back("command: '" + system::join(system::split(line, '\''), "''") + "'\n");
        texts.push_back("a:\n- |\n  " + line + "\n- b\n");
        texts.push_back("a: b  # " + line + "\n");
        CHECK(text_to_show(line).find("mellon") == std::string::npos);
    }
    for (const auto& text : texts) {
        CAPTURE(text);
        const auto result = shown(text);
        CHECK(result.find("mellon") == std::string::npos);
        CHECK(std::count(result.begin(), result.end(), '\n') == std::count(text.begin(), text.end(), '\n') - 1);
    }
}

TEST_CASE("no marker is shown wherever a value stands in the files of every shape") {
    namespace fs = std::filesystem;
    std::size_t tried = 0;
    for (const auto& entry :
         fs::directory_iterator(fs::path(__FILE__).parent_path().parent_path() / "commands" / "shapes")) {
        if (entry.path().extension() != ".yml") {
            continue;
        }
        const auto name = entry.path().filename().string();
        CAPTURE(name);
        const auto text = system::read_file(entry.path());
        const yaml::Outline outline(yaml::read(text, name));
        std::vector<std::pair<const yaml::Written*, const yaml::Written*>> pairs;
        add_pairs(outline.root(), pairs);
        for (const auto& [key, value] : pairs) {
            const auto secret = with_secret(text, *key, *value);
            if (secret.find("speakfriend") == std::string::npos ||
                !problems_of([&] { yaml::parse(secret, name); }).empty()) {
                continue;  // a number, or what an alias needs
            }
            ++tried;
            CAPTURE(outline.place(key->begin), secret);
            CHECK(shown(secret).find("speakfriend") == std::string::npos);
        }
    }
    CHECK(tried > 200);
}
