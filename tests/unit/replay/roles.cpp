#include "replay/roles.hpp"

#include "support/catch.hpp"

using namespace patroni_pgbackrest::patroni;
using namespace patroni_pgbackrest;

TEST_CASE("roles are made as Patroni's post_bootstrap makes them") {
    const std::vector<Role> roles{{Role::Kind::superuser, "postgres", "it's \\ \"secret\""},
                                  {Role::Kind::replication, "copy \"er\"", std::nullopt},
                                  {Role::Kind::rewind, "rewinder", "r"}};
    CHECK(role_statements(roles, {"postgres"}) ==
          "SET synchronous_commit = 'local';\n"
          "ALTER ROLE \"postgres\" WITH LOGIN SUPERUSER PASSWORD 'it''s \\ \"secret\"';\n"
          "CREATE ROLE \"copy \"\"er\"\"\" WITH LOGIN REPLICATION;\n"
          "CREATE ROLE \"rewinder\" WITH LOGIN PASSWORD 'r';\n"
          "GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text, boolean, boolean) TO \"rewinder\";\n"
          "GRANT EXECUTE ON FUNCTION pg_catalog.pg_stat_file(text, boolean) TO \"rewinder\";\n"
          "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text) TO \"rewinder\";\n"
          "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean) TO \"rewinder\";\n");
}

TEST_CASE("one role for two purposes is made once and then altered") {
    const std::vector<Role> roles{{Role::Kind::superuser, "admin", "a"}, {Role::Kind::replication, "admin", "a"}};
    CHECK(role_statements(roles, {}) == "SET synchronous_commit = 'local';\n"
                                        "CREATE ROLE \"admin\" WITH LOGIN SUPERUSER PASSWORD 'a';\n"
                                        "ALTER ROLE \"admin\" WITH LOGIN REPLICATION PASSWORD 'a';\n");
}
