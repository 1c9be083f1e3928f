#include "patroni/configuration.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

using Environment = std::map<std::string, std::string>;

Configuration read(const std::string& text, const Environment& environment = {}) {
    const Files files;
    return read_configuration({files.write("patroni.yml", text), environment}).value();
}

Strings problems(const std::string& text) {
    return problems_of([&] { read(text); });
}

/// `text @ place`, or `-` when it is not set.
std::string show(const std::optional<Value>& value) {
    return value ? value->text + " @ " + value->place : "-";
}

Strings show(const std::vector<Value>& values) {
    Strings result;
    for (const Value& value : values) {
        result.push_back(show(value));
    }
    return result;
}

}  // namespace

TEST_CASE("the values that concern us are read with their places") {
    const Configuration configuration = read("scope: demo\n"
                                             "name: node1\n"
                                             "postgresql:\n"
                                             "  data_dir: /data\n"
                                             "  bin_dir: /bin\n"
                                             "  config_dir: /etc/pg\n"
                                             "  config_base_name: pg\n"
                                             "  custom_conf: /etc/custom.conf\n"
                                             "  pg_hba: [local all all peer]\n");
    CHECK(show(configuration.scope) == "demo @ patroni.yml:1");
    CHECK(show(configuration.name) == "node1 @ patroni.yml:2");
    CHECK(show(configuration.data_directory) == "/data @ patroni.yml:4");
    CHECK(show(configuration.bin_directory) == "/bin @ patroni.yml:5");
    CHECK(show(configuration.config_directory) == "/etc/pg @ patroni.yml:6");
    CHECK(configuration.config_base_name == "pg");
    CHECK(show(configuration.custom_conf) == "/etc/custom.conf @ patroni.yml:8");
    CHECK(configuration.has_pg_hba);
    CHECK_FALSE(configuration.method);
    CHECK_FALSE(configuration.method_name);
}

TEST_CASE("what is absent or blank is not set") {
    const Configuration configuration =
        read("scope:\nname: ''\npostgresql: {data_dir: , bin_dir: ~, config_dir: \"\"}\nbootstrap:\n");
    CHECK(show(configuration.scope) == "-");
    CHECK(show(configuration.name) == "-");
    CHECK(show(configuration.data_directory) == "-");
    CHECK(show(configuration.bin_directory) == "-");
    CHECK(show(configuration.config_directory) == "-");
    CHECK(configuration.config_base_name == "postgresql");
    CHECK(show(configuration.custom_conf) == "-");
    CHECK_FALSE(configuration.has_pg_hba);
}

TEST_CASE("a file of Patroni 1 names the member below postgresql") {
    // config.py: 'name' not in config and 'name' in pg_config
    CHECK(show(read("postgresql: {name: node1}\n").name) == "node1 @ patroni.yml:1");
    CHECK(show(read("name: node2\npostgresql: {name: node1}\n").name) == "node2 @ patroni.yml:1");
    CHECK(show(read("postgresql: {name: node1}\n", {{"PATRONI_NAME", "node2"}}).name) == "node2 @ PATRONI_NAME");
    CHECK(show(read("name:\npostgresql: {name: node1}\n").name) == "node1 @ patroni.yml:2");  // patch_config drops None
    CHECK(show(read("bootstrap: {dcs: {postgresql: {name: node1}}}\n").name) == "-");
    CHECK(problems("postgresql: {name: [node1]}\n") == Strings{"patroni.yml:1: postgresql.name is a list"});
}

TEST_CASE("a custom_conf that is empty takes the base file out of force all the same") {
    CHECK(show(read("postgresql:\n  custom_conf:\n").custom_conf) == " @ patroni.yml:2");
}

TEST_CASE("PATRONI_* override the file") {
    const Environment environment{{"PATRONI_SCOPE", "other"},
                                  {"PATRONI_NAME", ""},
                                  {"PATRONI_POSTGRESQL_DATA_DIR", "/d"},
                                  {"PATRONI_POSTGRESQL_BIN_DIR", "/b"},
                                  {"PATRONI_POSTGRESQL_CONFIG_DIR", "/c"},
                                  {"PATRONI_CONFIGURATION", "scope: ignored"}};
    const Configuration configuration = read("scope: demo\nname: node1\npostgresql:\n  data_dir: /data\n", environment);
    CHECK(show(configuration.scope) == "other @ PATRONI_SCOPE");
    CHECK(show(configuration.name) == "node1 @ patroni.yml:2");
    CHECK(show(configuration.data_directory) == "/d @ PATRONI_POSTGRESQL_DATA_DIR");
    CHECK(show(configuration.bin_directory) == "/b @ PATRONI_POSTGRESQL_BIN_DIR");
    CHECK(show(configuration.config_directory) == "/c @ PATRONI_POSTGRESQL_CONFIG_DIR");
    CHECK(show(read("scope: demo\n", environment).data_directory) == "/d @ PATRONI_POSTGRESQL_DATA_DIR");
}

TEST_CASE("PATRONI_CONFIGURATION alone is the configuration, and nothing overrides it") {
    const Environment environment{{"PATRONI_CONFIGURATION", "name: a\nscope: demo\n"}, {"PATRONI_SCOPE", "other"}};
    const auto configuration = read_configuration({std::nullopt, environment});
    REQUIRE(configuration);
    CHECK(configuration->source == "PATRONI_CONFIGURATION");
    CHECK(show(configuration->scope) == "demo @ PATRONI_CONFIGURATION:2");
}

TEST_CASE("without a path and PATRONI_CONFIGURATION the other variables are the configuration") {
    // config.py: config_env and yaml.safe_load(config_env) or self.__environment_configuration
    for (const char* nothing : {"", "# nothing\n", "{}"}) {
        const auto configuration = read_configuration({std::nullopt,
                                                       {{"PATRONI_CONFIGURATION", nothing},
                                                        {"PATRONI_SCOPE", "demo"},
                                                        {"PATRONI_NAME", "node1"},
                                                        {"PATRONI_POSTGRESQL_DATA_DIR", "/d"},
                                                        {"PATRONI_POSTGRESQL_LISTEN", "0.0.0.0:5433"}}});
        REQUIRE(configuration);
        CHECK(configuration->source == "the PATRONI_* variables");
        CHECK(configuration->only_variables);
        CHECK(show(configuration->scope) == "demo @ PATRONI_SCOPE");
        CHECK(show(configuration->name) == "node1 @ PATRONI_NAME");
        CHECK(show(configuration->data_directory) == "/d @ PATRONI_POSTGRESQL_DATA_DIR");
        CHECK(configuration->port == 5433);
        CHECK_FALSE(configuration->method);
    }
    CHECK_FALSE(read("scope: demo", {{"PATRONI_NAME", "node1"}}).only_variables);
}

TEST_CASE("without a path and any variable that concerns us there is no configuration") {
    CHECK_FALSE(read_configuration({std::nullopt, {}}));
    CHECK_FALSE(read_configuration({std::nullopt, {{"PATRONI_CONFIGURATION", ""}, {"PATRONI_ETCD3_HOSTS", "a:2379"}}}));
}

TEST_CASE("the files of a directory are merged in name order") {
    const Files files;
    files.write("20-local.yml", "name: node1\nscope: later\npostgresql: {data_dir: /data}\n");
    files.write("10-base.yaml",
                "scope: demo\nbootstrap:\n  method: m\n  m: {command: c, stanza: a, repo: 1, recovery_conf: {}}\n");
    files.write("30-site.yml", "bootstrap:\n  m: {stanza: b,\n    recovery_conf: }\n");
    files.write("README.md", "no: [yaml");
    files.write("40.yml/inner.yml", "scope: never\n");
    const auto configuration = read_configuration({files.path(), {}});
    REQUIRE(configuration);
    CHECK(configuration->source == files.path().string());
    CHECK(show(configuration->scope) == "later @ 20-local.yml:2");
    CHECK(show(configuration->data_directory) == "/data @ 20-local.yml:3");
    REQUIRE(configuration->method);
    CHECK(show(configuration->method_name) == "m @ 10-base.yaml:3");
    CHECK(configuration->method->place == "10-base.yaml:4");
    REQUIRE(configuration->method->entries.size() == 2);
    CHECK(show(configuration->method->entries[0].values) == Strings{"b @ 30-site.yml:2"});
    CHECK(show(configuration->method->entries[1].values) == Strings{"1 @ 10-base.yaml:4"});
    CHECK_FALSE(configuration->method->recovery_conf);
}

TEST_CASE("a path that gives no configuration is refused") {
    const Files files;
    const auto refused = [&](const std::filesystem::path& path) {
        return problems_of([&] { read_configuration({path, {}}); });
    };
    const std::string directory = files.path().string();
    CHECK(refused(files.path("absent")) == Strings{directory + "/absent does not exist"});
    CHECK(refused("/dev/null") == Strings{"/dev/null is neither a file nor a directory"});
    CHECK(refused(files.path()) == Strings{"the directory " + directory + " holds no *.yml or *.yaml file"});
    CHECK(refused(files.write("empty.yml", "# nothing\n")) == Strings{"empty.yml: the file is empty"});
    CHECK(refused(files.write("list.yml", "- a\n")) == Strings{"list.yml: the top level is not a map"});
    CHECK(refused(files.write("broken.yml", "a: 1\npassword: secret: x\n")) ==
          Strings{"broken.yml:2: broken YAML: illegal map value"});
}

TEST_CASE("the hint for broken YAML does not show the line either") {
    try {
        read("password: 'secret\n");
        FAIL("no failure");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::usage);
        CHECK(failure.problems().front().hint == "correct the line, which is not shown because it may hold a password");
    }
}

TEST_CASE("all wrong types are reported together") {
    CHECK(problems("scope: [demo]\n"
                   "bootstrap:\n"
                   "  method: {a: b}\n"
                   "postgresql:\n"
                   "  data_dir: {a: b}\n"
                   "  bin_dir: [x]\n") ==
          Strings{"patroni.yml:1: scope is a list", "patroni.yml:5: postgresql.data_dir is a map",
                  "patroni.yml:6: postgresql.bin_dir is a list", "patroni.yml:3: bootstrap.method is a map"});
    CHECK(problems("bootstrap: text\npostgresql: [a]\n") ==
          Strings{"patroni.yml:1: bootstrap is not a map", "patroni.yml:2: postgresql is not a map"});
}

TEST_CASE("odd shapes in what does not concern us do no harm") {
    CHECK_NOTHROW(read(
        "tags: 5\netcd3: [a, {b: c}]\nrestapi:\n"
        "bootstrap:\n  dcs: []\n  initdb: [{encoding: UTF8}, data-checksums]\n  users: {a: {options: [b]}}\n"
        "postgresql: {parameters: [], recovery_conf: text, create_replica_methods: text, pg_hba: , callbacks: 1}\n"));
    CHECK_NOTHROW(read("bootstrap: {dcs: {postgresql: 1, standby_cluster: text}}\n"));
    CHECK_NOTHROW(read("postgresql: {create_replica_methods: [[a], {b: c}, d, ~], d: text, '': {no_leader: true}}\n"));
}

TEST_CASE("every place that sets a restore_command is found") {
    const Configuration configuration = read("bootstrap:\n"
                                             "  dcs:\n"
                                             "    standby_cluster:\n"
                                             "      restore_command: five\n"
                                             "    postgresql:\n"
                                             "      recovery_conf:\n"
                                             "        restore_command: three\n"
                                             "      parameters: {RESTORE_COMMAND: four}\n"
                                             "postgresql:\n"
                                             "  parameters:\n"
                                             "    restore_command: two\n"
                                             "  recovery_conf:\n"
                                             "    Restore_Command: one\n"
                                             "  parameters_replica:\n"
                                             "    restore_command: six\n");
    CHECK(show(configuration.restore_commands) == Strings{"one @ patroni.yml:13", "two @ patroni.yml:11",
                                                          "six @ patroni.yml:15", "three @ patroni.yml:7",
                                                          "four @ patroni.yml:8", "five @ patroni.yml:4"});
}

TEST_CASE("an empty restore_command counts, except for standby_cluster where it is Patroni's default") {
    CHECK(show(read("postgresql:\n  recovery_conf:\n    restore_command:\n").restore_commands) ==
          Strings{" @ patroni.yml:3"});
    CHECK(read("bootstrap: {dcs: {standby_cluster: {restore_command: ''}}}\n").restore_commands.empty());
    CHECK(read("postgresql: {recovery_conf: {recovery_min_apply_delay: 1h}}\n").restore_commands.empty());
}

TEST_CASE("replica methods that work without a leader are found") {
    CHECK(show(read("postgresql:\n"
                    "  create_replica_methods: [one, two, three, basebackup, absent]\n"
                    "  one: {command: a, no_leader: yes}\n"
                    "  two: {command: b, no_leader: false, no_master: off}\n"
                    "  three:\n"
                    "    no_master: 1\n"
                    "  four: {no_leader: true}\n"
                    "  basebackup: {no_leader: true}\n")
                   .leaderless_replica_methods) == Strings{"one @ patroni.yml:3", "three @ patroni.yml:6"});
    CHECK(show(read("postgresql: {create_replica_methods: [], create_replica_method: [one], one: {no_leader: 1}}\n")
                   .leaderless_replica_methods) == Strings{"one @ patroni.yml:1"});
    CHECK(
        show(
            read(
                "bootstrap:\n  dcs:\n    postgresql:\n      create_replica_methods: [one]\n      one: {no_leader: 1}\n")
                .leaderless_replica_methods) == Strings{"one @ patroni.yml:5"});
    CHECK(
        show(
            read("bootstrap: {dcs: {postgresql: {create_replica_methods: [one]}}}\npostgresql: {one: {no_leader: 1}}\n")
                .leaderless_replica_methods) == Strings{"one @ patroni.yml:2"});
}

TEST_CASE("loop_wait is Patroni's own where it is no number") {
    CHECK(read("bootstrap: {dcs: {loop_wait: 7}}\n").loop_wait == 7);
    CHECK(read("bootstrap: {dcs: {loop_wait: soon}}\n").loop_wait == 10);
    CHECK(read("scope: demo\n").loop_wait == 10);
}

TEST_CASE("Patroni has a pg_hba of its own where a list or another hba_file says so") {
    CHECK(read("postgresql: {pg_hba: [a]}\n").has_pg_hba);
    CHECK(read("bootstrap: {dcs: {postgresql: {pg_hba: [a]}}}\n").has_pg_hba);
    CHECK(read("postgresql: {parameters: {hba_file: /etc/pg_hba.conf}}\n").has_pg_hba);
    CHECK(read("bootstrap: {dcs: {postgresql: {parameters: {HBA_FILE: /etc/pg_hba.conf}}}}\n").has_pg_hba);
    CHECK_FALSE(read("postgresql: {pg_hba: []}\n").has_pg_hba);
    CHECK_FALSE(read("postgresql: {parameters: {hba_file: ''}}\n").has_pg_hba);
    CHECK_FALSE(read("bootstrap: {pg_hba: [a]}\n").has_pg_hba);
    // The local key hides that of bootstrap.dcs.
    CHECK_FALSE(read("bootstrap: {dcs: {postgresql: {pg_hba: [a]}}}\npostgresql: {pg_hba: []}\n").has_pg_hba);
}

TEST_CASE("a hba_file that is the very file Patroni opens does not count") {
    CHECK_FALSE(read("postgresql: {data_dir: /data, parameters: {hba_file: /data/pg_hba.conf}}\n").has_pg_hba);
    CHECK_FALSE(
        read("postgresql: {data_dir: /data, config_dir: /c, parameters: {hba_file: /c/pg_hba.conf}}\n").has_pg_hba);
    CHECK(
        read("postgresql: {data_dir: /data, config_dir: /c, parameters: {hba_file: /data/pg_hba.conf}}\n").has_pg_hba);
}

TEST_CASE("values of bootstrap.dcs that Patroni takes for the first start are read") {
    const Configuration configuration =
        read("bootstrap:\n"
             "  dcs:\n"
             "    postgresql: {bin_dir: /b, config_base_name: pg, custom_conf: c, data_dir: /no}\n");
    CHECK(show(configuration.bin_directory) == "/b @ patroni.yml:3");
    CHECK(configuration.config_base_name == "pg");
    CHECK(show(configuration.custom_conf) == "c @ patroni.yml:3");
    CHECK(show(configuration.data_directory) == "-");
}

TEST_CASE("how the cluster archives is merged parameter by parameter, the local ones first") {
    const auto configuration = read("bootstrap:\n  dcs:\n    postgresql:\n      parameters:\n"
                                    "        archive_mode: \"on\"\n        archive_command: from the DCS\n"
                                    "        password_encryption: SCRAM-SHA-256\n"
                                    "postgresql:\n  parameters:\n    Archive_Command: local\n");
    CHECK(configuration.archiving.is_on);
    REQUIRE(configuration.archiving.command);
    CHECK(configuration.archiving.command->text == "local");
    CHECK(configuration.password_encryption == "scram-sha-256");
    CHECK_FALSE(read("scope: demo\n").archiving.is_on);
    CHECK_FALSE(read("postgresql:\n  parameters:\n    password_encryption: odd\n").password_encryption);
}

TEST_CASE("what Patroni does not write says nothing of how the cluster archives") {
    const auto archiving = [](const std::string& parameters) {
        return read("bootstrap:\n  dcs:\n    postgresql:\n      parameters:\n"
                    "        archive_mode: 'off'\n        archive_command: from the DCS\n"
                    "postgresql:\n  parameters: {" +
                    parameters + "}\n")
            .archiving;
    };
    CHECK(archiving("").mode);
    CHECK_FALSE(archiving("archive_mode: ~").mode);
    CHECK_FALSE(archiving("archive_mode: enabled").mode);
    CHECK_FALSE(archiving("archive_mode: ''").mode);
    CHECK(archiving("archive_mode: ALWAYS").is_on);
    CHECK(archiving("archive_mode: yes").is_on);
    CHECK_FALSE(archiving("archive_command: ~").command);
    CHECK(archiving("archive_command: ''").command.value().text.empty());
}

TEST_CASE("an option of pgBackRest is found in any command line") {
    CHECK(pgbackrest_option("pgbackrest --stanza=demo archive-push %p", "stanza") == "demo");
    CHECK(pgbackrest_option("pgbackrest --stanza demo archive-push \"%p\"", "stanza") == "demo");
    CHECK(pgbackrest_option("bash -c 'pgbackrest --stanza=demo archive-push %p'", "stanza") == "demo");
    CHECK_FALSE(pgbackrest_option("pgbackrest archive-push %p", "stanza"));
}
