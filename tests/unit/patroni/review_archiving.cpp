#include "support/catch.hpp"
#include "support/reviewed_node.hpp"

#include <cstdlib>
#include <filesystem>
#include <optional>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

TEST_CASE("the archive's command reads the same pgBackRest configuration as the restore") {
    ReviewedNode node;
    const std::string command = "archive_command: pgbackrest --stanza=demo archive-push %p";
    const auto found = [&](const std::string& other, const std::optional<std::filesystem::path>& restore) {
        node.intent.pgbackrest_configuration = restore;
        return node.found(with(clean, command, "archive_command: '" + other + " --stanza=demo archive-push %p'"));
    };
    const Strings none,
        standby = {"standby-restore-command-elsewhere patroni.yml:14"},
        other = {"archive-command-elsewhere patroni.yml:11"},
        both = {"archive-command-elsewhere patroni.yml:11", "standby-restore-command-elsewhere patroni.yml:14"};
    CHECK(found("pgbackrest", "/srv/x.conf") == both);
    CHECK(found("pgbackrest --config=/srv/x.conf", "/srv/x.conf") == standby);
    CHECK(found("pgbackrest --config=/srv//x.conf", "/srv/x.conf") == standby);
    CHECK(found("env PGBACKREST_CONFIG=/srv/x.conf pgbackrest", "/srv/x.conf") == standby);
    CHECK(found("env PGBACKREST_CONFIG=/srv/y.conf pgbackrest", "/srv/x.conf") == both);
    CHECK(found("PGBACKREST_CONFIG=/srv/y.conf pgbackrest", std::nullopt) == other);
    CHECK(found("envdir /etc/pgbackrest.d pgbackrest", "/srv/x.conf") == standby);
    CHECK(found("pgbackrest --config=/srv/x.conf", std::nullopt) == other);
    CHECK(found("pgbackrest --config=/etc/pgbackrest/pgbackrest.conf", std::nullopt) == none);
    CHECK(found("pgbackrest --config-path=/etc/pgbackrest", std::nullopt) == none);
    CHECK(found("pgbackrest", "/etc/pgbackrest/pgbackrest.conf") == none);

    node.intent.pgbackrest_directory = "/srv/pgbackrest";
    CHECK(found("pgbackrest --config-path=/srv/pgbackrest", std::nullopt) == standby);
    CHECK(found("pgbackrest --config=/srv/pgbackrest/pgbackrest.conf", std::nullopt) == standby);
    CHECK(found("env PGBACKREST_CONFIG_PATH=/srv/pgbackrest pgbackrest", std::nullopt) == standby);
    CHECK(found("env PGBACKREST_CONFIG_PATH=/srv/other pgbackrest", std::nullopt) == both);
    CHECK(found("pgbackrest", std::nullopt) == both);
    node.intent.pgbackrest_directory.reset();

    node.files.write("etc/pgbackrest.conf", "");
    CHECK(found("pgbackrest --config=/etc/pgbackrest.conf", std::nullopt) == none);
    node.files.write("etc/pgbackrest/pgbackrest.conf", "");
    CHECK(found("pgbackrest --config=/etc/pgbackrest.conf", std::nullopt) == other);
    std::filesystem::remove(node.files.path("etc/pgbackrest.conf"));
    std::filesystem::create_symlink("pgbackrest/pgbackrest.conf", node.files.path("etc/pgbackrest.conf"));
    CHECK(found("pgbackrest --config=/etc/pgbackrest.conf", std::nullopt) == none);
}

TEST_CASE("what stands before the program in the block's command holds for the restore, and not for PostgreSQL") {
    const ReviewedNode node;
    const std::string command = "command: /usr/bin/patroni_pgbackrest bootstrap";
    ::setenv("PGBACKREST_CONFIG", "/srv/x.conf", 1);  // as take_variables() does, or env itself
    CHECK(node.found(clean).empty());                 // of Patroni's environment
    const auto of_the_call =
        with(clean, command, "command: env PGBACKREST_CONFIG=/srv/x.conf /usr/bin/patroni_pgbackrest bootstrap");
    CHECK(node.found(of_the_call) ==
          Strings{"archive-command-elsewhere patroni.yml:11", "standby-restore-command-elsewhere patroni.yml:14"});
    CHECK(node.found(
              with(of_the_call, "archive_command: pgbackrest", "archive_command: pgbackrest --config=/srv/x.conf")) ==
          Strings{"standby-restore-command-elsewhere patroni.yml:14"});
    ::unsetenv("PGBACKREST_CONFIG");
}

TEST_CASE("what patroni.yml does not set may stand in PostgreSQL's own files") {
    const ReviewedNode node;
    const std::string parameters =
        "        archive_mode: 'on'\n        archive_command: pgbackrest --stanza=demo archive-push %p\n";
    const auto debian = with(clean, parameters, "        work_mem: 8MB\n") +
                        "  data_dir: /data\n  config_dir: /etc/postgresql/15/demo\n";
    const std::string conf = "etc/postgresql/15/demo/postgresql.conf",
                      base = "etc/postgresql/15/demo/postgresql.base.conf";
    const std::string sound = "archive_mode = on\narchive_command = 'pgbackrest --stanza=demo archive-push %p'\n";
    CHECK(node.found(debian) == Strings{"archive-mode-off "});
    node.files.write(conf, sound);
    CHECK(node.found(debian) == Strings{});
    node.files.write(conf, "archive_mode = on\n");
    CHECK(node.found(debian) == Strings{"archive-command-missing /" + conf});
    node.files.write(conf, "Archive_Mode = on\narchive_command = 'pgbackrest --stanza=prod archive-push %p'\n");
    CHECK(node.found(debian) == Strings{"archive-command-elsewhere /" + conf});
    node.files.write(base, sound);
    CHECK(node.found(debian) == Strings{});
    node.files.write("data/postgresql.auto.conf", "archive_mode = 'off'\n");
    CHECK(node.found(debian) == Strings{"archive-mode-off /data/postgresql.auto.conf"});
    node.files.write("data/postgresql.auto.conf", sound);
    node.files.write(base, "");
    CHECK(node.found(debian) == Strings{});
    CHECK(node.found(with(clean, parameters, "        archive_mode:\n") + "  data_dir: /data\n") == Strings{});
    CHECK(node.found(with(clean, parameters, "        archive_mode: enabled\n") + "  data_dir: /data\n") == Strings{});
    CHECK(node.found(with(clean, "archive_mode: 'on'", "archive_mode: enabled")) == Strings{"archive-mode-off "});
    CHECK(node.found(with(clean, parameters, "        archive_mode: 'on'\n        archive_command: ''\n") +
                     "  data_dir: /data\n") == Strings{"archive-command-missing patroni.yml:11"});
    CHECK(node.found(clean + "  data_dir: /other\n  custom_conf: own.conf\n") == Strings{});
}
