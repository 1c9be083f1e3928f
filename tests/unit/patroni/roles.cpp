#include "patroni/roles.hpp"

#include "patroni/configuration_files.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

using Environment = std::map<std::string, std::string>;

/// `user @ database name=value …`
std::string access(const std::string& text, const Environment& environment = {}) {
    const Files files;
    const auto found = read_superuser_access({files.write("patroni.yml", text), environment});
    auto shown = found.user.value_or("-") + " @ " + found.database;
    for (const auto& keyword : found.keywords) {
        shown += " " + keyword.name + "=" + keyword.value;
    }
    return shown;
}

}  // namespace

TEST_CASE("Patroni's superuser is read with what libpq needs to be it") {
    CHECK(access("postgresql:\n  database: app\n  authentication:\n    superuser:\n      username: admin\n"
                 "      password: p\n      sslmode: require\n      unknown: x\n") ==
          "admin @ app password=p sslmode=require");
    CHECK(access("postgresql: {authentication: {superuser: {username: admin}}}") == "admin @ postgres");
    CHECK(access("postgresql: {superuser: {username: old, password: p}}") == "old @ postgres password=p");
    CHECK(access("scope: demo") == "- @ postgres");
}

TEST_CASE("PATRONI_SUPERUSER_* override a file, and are all that there is without one") {
    const Environment environment{{"PATRONI_SUPERUSER_USERNAME", "root"}, {"PATRONI_SUPERUSER_SSLMODE", "prefer"}};
    CHECK(access("postgresql: {authentication: {superuser: {username: admin, password: p}}}", environment) ==
          "root @ postgres password=p sslmode=prefer");
    auto variables = environment;
    variables["PATRONI_SCOPE"] = "demo";
    CHECK(read_superuser_access({std::nullopt, variables}).user == "root");
    variables["PATRONI_CONFIGURATION"] = "postgresql: {authentication: {superuser: {username: admin}}}";
    CHECK(read_superuser_access({std::nullopt, variables}).user == "admin");
}

TEST_CASE("a role of the sections is read as the post_bootstrap needs it") {
    const auto names = [](const std::string& text, const Environment& environment = {}) {
        const Files files;
        Strings found;
        for (const auto& role : read_roles({files.write("patroni.yml", text), environment})) {
            found.push_back(role.name + " " + role.password.value_or("-"));
        }
        return found;
    };
    CHECK(names("postgresql: {authentication: {superuser: {username: a}, replication: {username: r}}}") ==
          Strings{"a -", "r -"});
    CHECK(names("postgresql: {authentication: {superuser: {username: a, password: b}, rewind: {username: w}}}",
                {{"PATRONI_REWIND_PASSWORD", "x"}}) == Strings{"a b", "w x"});
    CHECK(names("postgresql: {superuser: {username: a, password: b}}") == Strings{"a b"});
}

TEST_CASE("where no superuser is named, Patroni logs in as whom libpq takes, and sets no password") {
    const auto roles = [](const std::string& text) {
        const Files files;
        Strings found;
        for (const auto& role : read_roles({files.write("patroni.yml", text), {}}, "login")) {
            found.push_back(role.name + " " + role.password.value_or("-"));
        }
        return found;
    };
    CHECK(roles("postgresql: {authentication: {replication: {username: r}}}") == Strings{"login -", "r -"});
    CHECK(roles("postgresql: {authentication: {superuser: {password: x}}}") == Strings{"login -"});
    CHECK(roles("postgresql: {authentication: {superuser: {username: a}}}") == Strings{"a -"});
}

TEST_CASE("a name that Patroni cannot do without is found wherever it may stand") {
    const auto found = [](const std::string& text, const Environment& environment = {}) {
        const Files files;
        std::vector<Finding> findings;
        const ConfigurationSource source{files.write("patroni.yml", text), environment};
        review_roles(*load_tree(source), source, findings);
        Strings result;
        for (const auto& finding : findings) {
            result.push_back(finding.problem.message.substr(0, finding.problem.message.find(" is not set")) + " " +
                             finding.problem.place);
        }
        return result;
    };
    const std::string replication = "postgresql.authentication.replication.username";
    CHECK(found("postgresql: {replication: {username: r}}") == Strings{});
    CHECK(found("postgresql: {authentication: {}, replication: {username: r}}") ==
          Strings{replication + " patroni.yml:1"});
    CHECK(found("scope: demo") == Strings{});  // all names are in variables that only Patroni has
    CHECK(found("scope: demo", {{"PATRONI_SUPERUSER_USERNAME", "p"}}) == Strings{replication + " "});
    CHECK(found("postgresql:\n  data_dir: /data", {{"PATRONI_SUPERUSER_USERNAME", "p"}}) ==
          Strings{replication + " patroni.yml:1"});
    CHECK(found("postgresql:\n  authentication:\n    replication:\n      username:\n") ==
          Strings{replication + " patroni.yml:3"});
    CHECK(found("postgresql:\n  data_dir: /data", {{"PATRONI_REPLICATION_USERNAME", "r"}}) == Strings{});
    const std::string names = "postgresql: {authentication: {replication: {username: r}, ";
    CHECK(found(names + "superuser: {username: a}}}", {{"PATRONI_REWIND_PASSWORD", "x"}}) ==
          Strings{"postgresql.authentication.rewind.username patroni.yml:1"});
    CHECK(found(names + "superuser: {username: a}, rewind: {password: x}}}", {{"PATRONI_REWIND_USERNAME", "w"}}) ==
          Strings{});
    CHECK(found(names + "superuser: {password: x}, rewind: {password: x}}}") == Strings{});
}

TEST_CASE("roles are told from others by name, kind and password, and by the form that it is kept in") {
    using Kind = Role::Kind;
    const std::vector<Role> roles{{Kind::superuser, "a", "b"}, {Kind::replication, "r", std::nullopt}};
    const auto is_another = [&](const std::vector<Role>& others) {
        return fingerprint_of_roles(others) != fingerprint_of_roles(roles);
    };
    CHECK(fingerprint_of_roles({}) == 0);
    CHECK(fingerprint_of_roles({}, "md5") == 0);
    CHECK(fingerprint_of_roles(roles, "md5") != fingerprint_of_roles(roles));
    CHECK(fingerprint_of_roles(roles, "md5") != fingerprint_of_roles(roles, "scram-sha-256"));
    CHECK(fingerprint_of_roles(roles) != 0);
    CHECK_FALSE(is_another({{Kind::superuser, "a", "b"}, {Kind::replication, "r", std::nullopt}}));
    CHECK(is_another({{Kind::superuser, "a", "c"}, {Kind::replication, "r", std::nullopt}}));
    CHECK(is_another({{Kind::superuser, "a", std::nullopt}, {Kind::replication, "r", std::nullopt}}));
    CHECK(is_another({{Kind::superuser, "x", "b"}, {Kind::replication, "r", std::nullopt}}));
    CHECK(is_another({{Kind::superuser, "a", "b"}, {Kind::rewind, "r", std::nullopt}}));
    CHECK(is_another({{Kind::superuser, "a", "b"}}));
    CHECK(is_another({{Kind::superuser, "a", "b"}, {Kind::replication, "r", ""}}));
}
