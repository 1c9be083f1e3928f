#include "patroni/review.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/patroni_yml.hpp"

#include <cstdlib>
#include <sys/stat.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

/// A directory that everybody may enter.
struct Readable {
    Files files;
    Readable() { ::chmod(files.path().c_str(), 0755); }

    std::filesystem::path write(const std::string& name, const std::string& text, mode_t mode = 0644) const {
        const auto file = files.write(name, text);
        REQUIRE(::chmod(file.c_str(), mode) == 0);
        return file;
    }
};

std::vector<Finding> passwords_in(const std::filesystem::path& path) {
    std::vector<Finding> findings;
    review_passwords({path, {}}, findings);
    return findings;
}

const std::string with_password =
    clean_patroni_yml + "  authentication:\n    superuser: {username: postgres, password: x}\n";

}  // namespace

TEST_CASE("chmod as the hint has it makes passwords unreadable for others") {
    const Readable node;
    const auto file = node.write("the patroni.yml", with_password);
    const auto findings = passwords_in(file);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].id == "passwords-readable");
    CHECK(findings[0].problem.message == file.string() + " holds passwords, and everybody on this machine can read it");
    CHECK(findings[0].problem.hint == "chmod o-rwx '" + file.string() + "'");
    REQUIRE(std::system(findings[0].problem.hint.c_str()) == 0);  // NOLINT(cert-env33-c): a test's own command
    CHECK(passwords_in(file).empty());
}

TEST_CASE("what is about passwords is none") {
    const Readable node;
    for (const auto* setting :
         {"postgresql: {parameters: {password_encryption: scram-sha-256}}",
          "bootstrap: {dcs: {postgresql: {parameters: {PASSWORD_ENCRYPTION: md5}}}}",
          "postgresql: {parameters: {passwordcheck.min_length: 8, credcheck.password_min_length: 8}}",
          "postgresql: {parameters: {credcheck.username_contain_password: 'on'}}",
          "postgresql: {pgpass: /var/lib/postgresql/.pgpass}", "postgresql: {pgpass: .pgpass}",
          "postgresql: {parameters: {ssl_key_file: /etc/ssl/private/key.pem, ssl_passphrase_command: /bin/ask}}",
          "etcd3: {key: /etc/etcd/key.pem, cert: /etc/etcd/cert.pem}", "restapi: {keyfile: /etc/key.pem}",
          "kubernetes: {bypass_api_service: true}", "postgresql: {authentication: {superuser: {passfile: /x}}}",
          "postgresql: {authentication: {superuser: {username: postgres, password: ''}}}",
          "etcd: {url: 'http://etcd:2379'}", "postgresql: {pg_hba: [host all all 0.0.0.0/0 password]}"}) {
        CAPTURE(setting);
        CHECK(passwords_in(node.write("patroni.yml", std::string(setting) + "\n")).empty());
    }
}

TEST_CASE("passwords are found under each name that they have") {
    const Readable node;
    for (const auto* setting :
         {"restapi: {authentication: {username: a, password: 12345}}", "consul: {token: x}",
          "postgresql: {authentication: {superuser: {sslpassword: x}}}", "restapi: {keyfile_password: x}",
          "zookeeper: {auth_data: {user: x}}", "etcd: {url: 'http://user:x@etcd:2379'}", "a: {secret_key: x}",
          "postgresql: {recovery_conf: {primary_conninfo: 'host=a password=x'}}", "raft: {password: x}",
          "a: [{pwd: x}]", "postgresql: {parameters: {myextension.api_token: x}}"}) {
        CAPTURE(setting);
        CHECK(passwords_in(node.write("patroni.yml", std::string(setting) + "\n")).size() == 1);
    }
}

TEST_CASE("of a directory the file that holds them is named") {
    const Readable node;
    node.write("conf/1.yml", clean_patroni_yml);
    const auto file = node.write("conf/2.yaml", "restapi: {authentication: {username: a, password: x}}\n");
    ::chmod(node.files.path("conf").c_str(), 0755);
    const auto findings = passwords_in(node.files.path("conf"));
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].problem.hint == "chmod o-rwx " + file.string());
}

TEST_CASE("a file in a directory that others cannot enter is not read by everybody") {
    const Readable node;
    const auto file = node.write("patroni.yml", with_password);
    REQUIRE(::chmod(node.files.path().c_str(), 0750) == 0);
    CHECK(passwords_in(file).empty());
    REQUIRE(::chmod(node.files.path().c_str(), 0755) == 0);
    CHECK(passwords_in(file).size() == 1);
}
