#include "support/catch.hpp"
#include "support/reviewed_node.hpp"

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

    node.files.write("etc/pgbackrest.conf", "");
    CHECK(found("pgbackrest --config=/etc/pgbackrest.conf", std::nullopt) == none);
    node.files.write("etc/pgbackrest/pgbackrest.conf", "");
    CHECK(found("pgbackrest --config=/etc/pgbackrest.conf", std::nullopt) == other);
    std::filesystem::remove(node.files.path("etc/pgbackrest.conf"));
    std::filesystem::create_symlink("pgbackrest/pgbackrest.conf", node.files.path("etc/pgbackrest.conf"));
    CHECK(found("pgbackrest --config=/etc/pgbackrest.conf", std::nullopt) == none);
}
