#include "pgbackrest/origin.hpp"

#include "support/catch.hpp"

#include "fake.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::pgbackrest;

namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("what pgBackRest is told of where to restore from is known again by its options and variables") {
    Pgbackrest pgbackrest;
    const auto before = origin_of(pgbackrest);
    {
        const Variable configuration("PGBACKREST_CONFIG", "/etc/a.conf");
        const Variable path("PGBACKREST_REPO1_PATH", "/a");
        const auto with = origin_of(pgbackrest);
        CHECK(differences(before, with) == Names{"config", "repo1-path"});
        CHECK(differences(with, before) == Names{"config", "repo1-path"});
        CHECK(differences(with, origin_of(pgbackrest)) == Names{});
        const Variable elsewhere("PGBACKREST_REPO1_PATH", "/b");
        CHECK(differences(with, origin_of(pgbackrest)) == Names{"repo1-path"});
    }
    CHECK(origin_of(pgbackrest) == before);
    pgbackrest.common.push_back({"config-include-path", "/etc/more"});
    pgbackrest.configuration = "/etc/a.conf";
    CHECK(differences(before, origin_of(pgbackrest)) == Names{"config", "config-include-path"});
}

TEST_CASE("an option that is passed counts, and a variable of the same name does not") {
    Pgbackrest pgbackrest;
    pgbackrest.configuration = "/etc/a.conf";
    const auto passed = origin_of(pgbackrest);
    const Variable variable("PGBACKREST_CONFIG", "/etc/b.conf");
    CHECK(origin_of(pgbackrest) == passed);
    pgbackrest.configuration.reset();
    CHECK(differences(passed, origin_of(pgbackrest)) == Names{"config"});
}

TEST_CASE("which of a repository's secrets are set is known by their names") {
    CHECK(secret_variables().empty());
    const Variable set[] = {{"PGBACKREST_REPO1_CIPHER_PASS", "a"},
                            {"PGBACKREST_REPO2_S3_KEY", "b"},
                            {"PGBACKREST_REPO1_PATH", "/c"},
                            {"PGBACKREST_TLS_SERVER_KEY", "d"},
                            {"PGBACKREST_REPO1_S3_TOKEN", ""}};
    CHECK(secret_variables() ==
          std::map<std::string, std::string>{{"PGBACKREST_REPO1_CIPHER_PASS", "repo1-cipher-pass"},
                                             {"PGBACKREST_REPO2_S3_KEY", "repo2-s3-key"}});
}

TEST_CASE("no secret is known of a call, nor what changes nothing in what is restored") {
    const auto before = origin_of({});
    const Variable secrets[] = {
        {"PGBACKREST_REPO1_CIPHER_PASS", "a"},         {"PGBACKREST_REPO1_S3_KEY", "a"},
        {"PGBACKREST_REPO1_S3_KEY_SECRET", "a"},       {"PGBACKREST_REPO1_S3_TOKEN", "a"},
        {"PGBACKREST_REPO1_AZURE_KEY", "a"},           {"PGBACKREST_REPO1_GCS_KEY", "/a"},
        {"PGBACKREST_REPO1_S3_SSE_CUSTOMER_KEY", "a"}, {"PGBACKREST_REPO1_SFTP_PRIVATE_KEY_PASSPHRASE", "a"}};
    const Variable others[] = {{"PGBACKREST_LOG_LEVEL_CONSOLE", "info"},
                               {"PGBACKREST_PROCESS_MAX", "4"},
                               {"PGBACKREST_REPO", "2"},
                               {"PGBACKREST_PG1_PATH", "/a"}};
    CHECK(origin_of({}) == before);
    const Variable bucket("PGBACKREST_REPO1_S3_BUCKET", "bucket-of-mine");
    const auto with = origin_of({});
    CHECK(differences(before, with) == Names{"repo1-s3-bucket"});
    CHECK(with.at("repo1-s3-bucket") != "bucket-of-mine");
}

TEST_CASE("a command is told what was told elsewhere, and nothing else of where to restore from") {
    Variables there;
    {
        const Variable configuration("PGBACKREST_CONFIG", "/etc/a.conf");
        const Variable secret("PGBACKREST_REPO1_CIPHER_PASS", "mellon");
        there = variables_of_origin();
    }
    CHECK(there == Variables{{"PGBACKREST_CONFIG", "/etc/a.conf"}});
    const Variable configuration("PGBACKREST_CONFIG", "/etc/b.conf");
    const Variable path("PGBACKREST_REPO1_PATH", "/b");
    const Variable secret("PGBACKREST_REPO1_CIPHER_PASS", "friend");
    process::Command command;
    tell_by(there, command);
    CHECK(command.environment == Variables{{"PGBACKREST_CONFIG", "/etc/a.conf"}, {"PGBACKREST_REPO1_PATH", ""}});
}

TEST_CASE("a person types the variables that say which repository is meant, and no secret") {
    const Pgbackrest pgbackrest{"pgbackrest", {}, "demo"};
    CHECK(get_by_hand(pgbackrest, 2, "archive/x") == "pgbackrest --stanza=demo --repo=2 repo-get archive/x");
    const Variable set[] = {{"PGBACKREST_CONFIG", "/etc/a b.conf"},
                            {"PGBACKREST_REPO1_PATH", "/a"},
                            {"PGBACKREST_REPO1_CIPHER_PASS", "mellon"},
                            {"PGBACKREST_BUFFER_SIZE", "1MB"}};
    CHECK(get_by_hand(pgbackrest, 2, "archive/x") ==
          "env 'PGBACKREST_CONFIG=/etc/a b.conf' PGBACKREST_REPO1_PATH=/a pgbackrest --stanza=demo --repo=2 repo-get "
          "archive/x");
}
