#include "patroni/base_configuration.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

#include <sys/stat.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

namespace fs = std::filesystem;

const std::vector<postgres::Setting> settings{{"recovery_target_name", ""}, {"restore_command", "guard 'it' %f"}};

unsigned mode_of(const fs::path& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777;
}

/// The value that PostgreSQL would read from a file.
std::string setting(const std::string& text, const std::string& name) {
    std::string value = "-";
    for (const postgres::Setting& found : postgres::settings_of(text)) {
        value = found.name == name ? found.value : value;
    }
    return value;
}

struct DataDirectory : Files {
    DataDirectory() {
        fs::create_directory(path("data"));
        fs::permissions(path("data"), fs::perms::owner_all);
    }
    fs::path data = path("data");
    Configuration configuration;
};

}  // namespace

TEST_CASE("the base configuration file lies in PGDATA, or in config_dir, under the configured name") {
    Configuration configuration;
    CHECK(base_configuration_path(configuration, "/data") == "/data/postgresql.base.conf");
    configuration.config_base_name = "pg";
    configuration.config_directory = Value{"/etc/pg", "patroni.yml:1"};
    CHECK(base_configuration_path(configuration, "/data") == "/etc/pg/pg.base.conf");
}

TEST_CASE("a config_dir inside of PGDATA goes with the copy into staging") {
    Configuration configuration;
    configuration.data_directory = Value{"/srv/data", "patroni.yml:1"};
    configuration.config_directory = Value{"/srv/data/", "patroni.yml:2"};
    CHECK(base_configuration_path(configuration, "/srv/data.restoring") == "/srv/data.restoring/postgresql.base.conf");
    configuration.config_directory->text = "/srv/data/conf";
    CHECK(base_configuration_path(configuration, "/srv/data.restoring") ==
          "/srv/data.restoring/conf/postgresql.base.conf");
    configuration.config_directory->text = "/srv/data2";
    CHECK(base_configuration_path(configuration, "/srv/data.restoring") == "/srv/data2/postgresql.base.conf");
}

TEST_CASE("the block goes into an existing base file and out again byte for byte") {
    for (const std::string text :
         {"", "a = 1\n", "a = 1", "# c\n\n\n", "a = 'x'\r\nb = 2\r\n", "restore_command = 'old'\n"}) {
        INFO(text);
        const DataDirectory files;
        files.write("data/postgresql.conf", "include 'postgresql.base.conf'\n");
        files.write("data/postgresql.base.conf", text);
        const fs::path base = files.data / "postgresql.base.conf";
        write_block(files.configuration, files.data, settings);
        CHECK(setting(files.read("data/postgresql.base.conf"), "restore_command") == "guard 'it' %f");
        CHECK(setting(files.read("data/postgresql.base.conf"), "recovery_target_name").empty());
        CHECK(remove_block(base));
        CHECK(files.read("data/postgresql.base.conf") == text);
        CHECK_FALSE(remove_block(base));
        CHECK(files.read("data/postgresql.conf") == "include 'postgresql.base.conf'\n");
    }
}

TEST_CASE("a block that is written again replaces the old one") {
    const DataDirectory files;
    files.write("data/postgresql.base.conf", "a = 1\n");
    write_block(files.configuration, files.data, {{"restore_command", "old"}});
    write_block(files.configuration, files.data, settings);
    CHECK(setting(files.read("data/postgresql.base.conf"), "restore_command") == "guard 'it' %f");
    CHECK(files.read("data/postgresql.base.conf").find("old") == std::string::npos);
    CHECK(remove_block(files.data / "postgresql.base.conf"));
    CHECK(files.read("data/postgresql.base.conf") == "a = 1\n");
}

TEST_CASE("where there is no base file postgresql.conf becomes it, as on Patroni's first start") {
    const DataDirectory files;
    files.write("data/postgresql.conf", "a = 1\n");
    write_block(files.configuration, files.data, settings);
    CHECK_FALSE(fs::exists(files.data / "postgresql.conf"));
    CHECK(remove_block(files.data / "postgresql.base.conf"));
    CHECK(files.read("data/postgresql.base.conf") == "a = 1\n");
}

TEST_CASE("a postgresql.conf that is a symbolic link is renamed as it is") {
    const DataDirectory files;
    files.write("elsewhere/postgresql.conf", "a = 1\n");
    fs::create_symlink(files.path("elsewhere/postgresql.conf"), files.data / "postgresql.conf");
    write_block(files.configuration, files.data, settings);
    CHECK(fs::is_symlink(files.data / "postgresql.base.conf"));
    CHECK(setting(files.read("elsewhere/postgresql.conf"), "restore_command") == "guard 'it' %f");
}

TEST_CASE("missing files come back from their backups before anything is renamed") {
    const DataDirectory files;
    files.write("data/postgresql.conf.backup", "include 'postgresql.base.conf'\n");
    files.write("data/postgresql.base.conf.backup", "a = 1\n");
    write_block(files.configuration, files.data, settings);
    CHECK(files.read("data/postgresql.conf") == "include 'postgresql.base.conf'\n");
    CHECK(mode_of(files.data / "postgresql.conf") == 0600);
    CHECK(remove_block(files.data / "postgresql.base.conf"));
    CHECK(files.read("data/postgresql.base.conf") == "a = 1\n");
}

TEST_CASE("files get the group's right to read where PGDATA has it") {
    const DataDirectory files;
    fs::permissions(files.data, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec);
    files.write("data/postgresql.base.conf.backup", "a = 1\n");
    write_block(files.configuration, files.data, settings);
    CHECK(mode_of(files.data / "postgresql.base.conf") == 0640);
}

TEST_CASE("a file outside of PGDATA comes back with its backup's mode") {
    DataDirectory files;
    files.configuration.config_directory = Value{files.path("conf").string(), "patroni.yml:1"};
    fs::create_directory(files.path("conf"));
    fs::permissions(files.write("data/postgresql.base.conf.backup", "a = 1\n"),
                    fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read | fs::perms::others_read);
    write_block(files.configuration, files.data, settings);
    CHECK(mode_of(files.path("conf/postgresql.base.conf")) == 0644);
    CHECK_FALSE(fs::exists(files.data / "postgresql.base.conf"));
}

TEST_CASE("a backup in config_dir is used too, where older Patroni puts it") {
    DataDirectory files;
    files.configuration.config_directory = Value{files.path("conf").string(), "patroni.yml:1"};
    files.write("conf/postgresql.base.conf.backup", "a = 1\n");
    write_block(files.configuration, files.data, settings);
    CHECK(remove_block(files.path("conf/postgresql.base.conf")));
    CHECK(files.read("conf/postgresql.base.conf") == "a = 1\n");
}

TEST_CASE("without any configuration file it is refused, since Patroni could not start PostgreSQL") {
    const DataDirectory files;
    try {
        write_block(files.configuration, files.data, settings);
        FAIL("no failure");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::verification_failed);
        CHECK(failure.what() ==
              "neither " + files.data.string() + "/postgresql.conf nor " + files.data.string() +
                  "/postgresql.base.conf exists, and there is no postgresql.conf.backup: Patroni could not start "
                  "PostgreSQL");
    }
    CHECK(fs::is_empty(files.data));
}

TEST_CASE("with custom_conf the block is refused") {
    DataDirectory files;
    files.write("data/postgresql.conf", "a = 1\n");
    files.configuration.custom_conf = Value{"/etc/custom.conf", "patroni.yml:9"};
    CHECK(problems_of([&] { write_block(files.configuration, files.data, settings); }) ==
          Strings{"patroni.yml:9: postgresql.custom_conf replaces postgresql.base.conf, the only place where a "
                  "restore_command survives a restart of Patroni"});
    CHECK(files.read("data/postgresql.conf") == "a = 1\n");
}

TEST_CASE("there is no block in a file that is not there") {
    const DataDirectory files;
    CHECK_FALSE(remove_block(files.data / "postgresql.base.conf"));
}
