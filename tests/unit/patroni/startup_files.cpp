#include "patroni/startup_files.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::string>;

/// A config_dir of its own, and rules in patroni.yml.
Configuration outer() {
    Configuration configuration;
    configuration.data_directory = Value{"/srv/data", "patroni.yml:1"};
    configuration.config_directory = Value{"/etc/pg", "patroni.yml:2"};
    configuration.has_pg_hba = true;
    return configuration;
}

StartupFiles seen(const std::set<std::string>& there,
                  const std::optional<std::set<std::string>>& backups = std::set<std::string>()) {
    StartupFiles files;
    files.directory = "/etc/pg";
    files.is_directory = true;
    files.is_writable = true;
    files.there = there;
    files.writable = there;
    files.backups = backups;
    return files;
}

Ids ids(const Configuration& configuration, const StartupFiles& files, bool writes_block = false) {
    Ids result;
    for (const auto& finding : review_startup_files(configuration, files, writes_block)) {
        result.push_back(finding.id);
    }
    return result;
}

}  // namespace

TEST_CASE("postgresql.conf, its base file, or a backup of one is enough for Patroni") {
    const auto configuration = outer();
    for (const char* name :
         {"postgresql.conf", "postgresql.base.conf", "postgresql.conf.backup", "postgresql.base.conf.backup"}) {
        CHECK(ids(configuration, seen({name})).empty());
    }
    CHECK(ids(configuration, seen({}, {{"postgresql.conf.backup"}})).empty());
    CHECK(ids(configuration, seen({}, {{"postgresql.base.conf.backup"}})).empty());
    CHECK(ids(configuration, seen({}, {{"postgresql.conf", "pg_hba.conf.backup"}})) == Ids{"config-file-missing"});
    CHECK(ids(configuration, seen({"pg_hba.conf"})) == Ids{"config-file-missing"});
    // The manifest could not be read.
    CHECK(ids(configuration, seen({}, std::nullopt)).empty());
}

TEST_CASE("the hint makes what is missing, under the configured name") {
    auto configuration = outer();
    configuration.config_base_name = "it's";
    const auto findings = review_startup_files(configuration, seen({"postgresql.conf"}), false);
    REQUIRE(findings.size() == 1);
    CHECK(findings.front().problem.place == "patroni.yml:2");
    CHECK(findings.front().problem.message ==
          "there is no it's.conf in /etc/pg, and the backup brings none: Patroni would fail at its first start");
    CHECK(findings.front().problem.hint.find("install -m 0600 /dev/null -o ") != std::string::npos);
    CHECK(findings.front().problem.hint.ends_with(" '/etc/pg/it'\\''s.conf'"));
}

TEST_CASE("custom_conf takes the place of the base file, unless it is blank") {
    auto configuration = outer();
    configuration.custom_conf = Value{"/etc/own.conf", "patroni.yml:3"};
    auto files = seen({});
    CHECK(ids(configuration, files).empty());
    files.missing = {"/etc/own.conf"};
    CHECK(ids(configuration, files) == Ids{"config-file-missing"});
    configuration.custom_conf = Value{"", "patroni.yml:3"};
    CHECK(ids(configuration, seen({"postgresql.conf"})) == Ids{"config-file-missing"});
    CHECK(ids(configuration, seen({"postgresql.base.conf"})).empty());
}

TEST_CASE("pg_hba.conf needs rules from somewhere") {
    auto configuration = outer();
    configuration.has_pg_hba = false;
    CHECK(ids(configuration, seen({"postgresql.conf"})) == Ids{"hba-missing"});
    CHECK(ids(configuration, seen({"postgresql.conf", "pg_hba.conf"})).empty());
    CHECK(ids(configuration, seen({"postgresql.conf", "pg_hba.conf.backup"})).empty());
    CHECK(ids(configuration, seen({"postgresql.conf"}, {{"pg_hba.conf.backup"}})).empty());
    auto empty = seen({"postgresql.conf", "pg_hba.conf"});
    empty.has_no_rules = true;
    CHECK(ids(configuration, empty) == Ids{"hba-missing"});
    configuration.has_bootstrap_pg_hba = true;
    CHECK(ids(configuration, empty).empty());
    configuration.hba_file = Value{"/etc/hba", "patroni.yml:4"};
    configuration.has_pg_hba = true;
    auto elsewhere = seen({"postgresql.conf"});
    CHECK(ids(configuration, elsewhere).empty());
    elsewhere.missing = {"/etc/hba"};
    CHECK(ids(configuration, elsewhere) == Ids{"hba-missing"});
}

TEST_CASE("a directory that is not there, or cannot be written, is refused where Patroni would fail") {
    auto configuration = outer();
    auto files = seen({}, {{"postgresql.conf.backup"}});
    files.is_directory = false;
    CHECK(ids(configuration, files) == Ids{"config-directory"});
    files = seen({"postgresql.conf"});
    files.is_writable = false;
    CHECK(ids(configuration, files) == Ids{"config-directory"});
    files = seen({"postgresql.conf", "postgresql.base.conf", "pg_hba.conf"});
    files.is_writable = false;
    CHECK(ids(configuration, files).empty());
    CHECK(ids(configuration, files, true) == Ids{"config-directory"});
    files.writable.erase("postgresql.conf");
    CHECK(ids(configuration, files) == Ids{"config-directory"});
    files.writable.insert("postgresql.conf");
    configuration.has_pg_hba = false;  // Patroni removes it then
    CHECK(ids(configuration, files) == Ids{"config-directory"});
}

TEST_CASE("before the copy nothing is said of a configuration in PGDATA, and after it what is missing") {
    const Files files;
    Configuration configuration;
    configuration.data_directory = Value{files.path("data").string(), "patroni.yml:1"};
    CHECK_FALSE(has_outer_config_directory(configuration));
    CHECK(ids(configuration, look_before_copy(configuration)).empty());
    CHECK_FALSE(needs_backup(configuration, look_before_copy(configuration)));
    fs::create_directory(files.path("data.restoring"));
    CHECK(ids(configuration, look_into_copy(configuration, files.path("data.restoring"))) ==
          Ids{"config-file-missing", "hba-missing"});
    files.write("data.restoring/postgresql.conf", "");
    files.write("data.restoring/pg_hba.conf", "\n  # local all all trust\n");
    CHECK(ids(configuration, look_into_copy(configuration, files.path("data.restoring"))) == Ids{"hba-missing"});
    files.write("data.restoring/pg_hba.conf", "local all all trust");
    CHECK(ids(configuration, look_into_copy(configuration, files.path("data.restoring"))).empty());
}

TEST_CASE("files elsewhere are looked for, but not those that the backup brings") {
    const Files files;
    Configuration configuration;
    configuration.data_directory = Value{files.path("data").string(), ""};
    configuration.custom_conf = Value{"own.conf", ""};
    configuration.hba_file = Value{files.path("data/hba").string(), ""};
    CHECK(look_before_copy(configuration).missing.empty());
    configuration.custom_conf = Value{files.path("own.conf").string(), ""};
    configuration.hba_file = Value{files.path("data2/hba").string(), ""};
    CHECK(look_before_copy(configuration).missing ==
          std::set<fs::path>{files.path("own.conf"), files.path("data2/hba")});
    files.write("own.conf", "");
    CHECK(look_before_copy(configuration).missing == std::set<fs::path>{files.path("data2/hba")});
}

TEST_CASE("what is missing outside of PGDATA is restored from PGDATA") {
    const Files files;
    fs::create_directory(files.path("etc"));
    Configuration configuration;
    configuration.config_directory = Value{files.path("etc").string(), ""};
    CHECK(needs_backup(configuration, look_before_copy(configuration)));
    for (const char* name : {"postgresql.conf", "postgresql.base.conf", "pg_hba.conf"}) {
        files.write(std::string("data/") + name + ".backup", std::string("# ") + name);
    }
    files.write("etc/postgresql.conf", "# own");
    restore_startup_files(configuration, files.path("data"));
    CHECK(files.read("etc/postgresql.conf") == "# own");
    CHECK(files.read("etc/postgresql.base.conf") == "# postgresql.base.conf");
    CHECK(files.read("etc/pg_hba.conf") == "# pg_hba.conf");
    CHECK_FALSE(needs_backup(configuration, look_before_copy(configuration)));
    fs::remove(files.path("etc/pg_hba.conf"));
    configuration.has_pg_hba = true;
    restore_startup_files(configuration, files.path("data"));
    CHECK_FALSE(fs::exists(files.path("etc/pg_hba.conf")));
}

TEST_CASE("Patroni includes custom_conf, or else the base file, or what it makes that of") {
    const Files files;
    Configuration configuration;
    configuration.data_directory = Value{files.path("data").string(), "patroni.yml:1"};
    const auto copy = files.path("data.restoring");
    fs::create_directory(copy);
    const auto included = [&] { return included_file(configuration, copy).value_or("").filename().string(); };
    CHECK(included().empty());
    for (const char* name :
         {"postgresql.conf.backup", "postgresql.conf", "postgresql.base.conf.backup", "postgresql.base.conf"}) {
        files.write(std::string("data.restoring/") + name, "");
        CHECK(included() == name);
    }
    configuration.custom_conf = Value{"", "patroni.yml:2"};
    CHECK(included() == "postgresql.base.conf");
    configuration.custom_conf = Value{"own.conf", "patroni.yml:2"};
    CHECK(included().empty());
    files.write("data.restoring/own.conf", "");
    CHECK(included() == "own.conf");
}

TEST_CASE("a base file that the backup brings takes the place of postgresql.conf in config_dir") {
    Configuration configuration;
    const std::set<std::string> backups{"postgresql.conf.backup", "postgresql.base.conf.backup"};
    CHECK(gives_way(configuration, "/etc/postgresql.conf", backups));
    CHECK(gives_way(configuration, "/etc/postgresql.base.conf.backup", backups));
    CHECK_FALSE(gives_way(configuration, "/etc/postgresql.conf", {"postgresql.conf.backup"}));
    CHECK_FALSE(gives_way(configuration, "/etc/postgresql.base.conf", backups));
    configuration.custom_conf = Value{"own.conf", "patroni.yml:2"};
    CHECK_FALSE(gives_way(configuration, "/etc/own.conf", backups));
}
