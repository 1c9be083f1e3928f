#include "patroni/configuration.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

Configuration example(const std::string& name) {
    const std::filesystem::path here = __FILE__;
    const std::filesystem::path top = here.parent_path().parent_path().parent_path().parent_path();
    return read_configuration({top / "examples" / name, {}}).value();
}

void check_common(const Configuration& configuration) {
    CHECK(configuration.scope->text == "demo");
    CHECK(configuration.name->text == "node1");
    CHECK(configuration.data_directory->text == "/var/lib/postgresql/15/demo");
    CHECK(configuration.bin_directory->text == "/usr/lib/postgresql/15/bin");
    CHECK_FALSE(configuration.config_directory);
    CHECK_FALSE(configuration.custom_conf);
    CHECK(configuration.has_pg_hba);
    CHECK(configuration.leaderless_replica_methods.empty());
    REQUIRE(configuration.method);
    CHECK(configuration.method->name == "pgbackrest");
    CHECK(configuration.method->command == Strings{"/usr/bin/patroni_pgbackrest", "bootstrap"});
    CHECK_FALSE(configuration.method->keep_existing_recovery_conf);
    REQUIRE(configuration.method->entries.size() == 1);
    CHECK(configuration.method->entries[0].key == "stanza");
    CHECK(configuration.method->entries[0].values.at(0).text == "demo");
}

}  // namespace

TEST_CASE("examples/patroni.yml is a configuration for standalone mode") {
    const Configuration configuration = example("patroni.yml");
    check_common(configuration);
    CHECK_FALSE(configuration.method->recovery_conf);
    REQUIRE(configuration.restore_commands.size() == 1);
    CHECK(configuration.restore_commands[0].text == "pgbackrest --stanza=demo archive-get %f \"%p\"");
}

TEST_CASE("examples/patroni-recovery-conf.yml is a configuration for patroni mode") {
    const Configuration configuration = example("patroni-recovery-conf.yml");
    check_common(configuration);
    REQUIRE(configuration.method->recovery_conf);
    CHECK(configuration.method->recovery_conf->size() == 2);
    CHECK(configuration.method->recovery_conf->at("restore_command").text ==
          "/usr/bin/patroni_pgbackrest archive-get %f %p");
    CHECK(configuration.method->recovery_conf->at("recovery_target_action").text == "promote");
    CHECK(configuration.restore_commands.empty());
}
