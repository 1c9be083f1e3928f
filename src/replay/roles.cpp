#include "replay/roles.hpp"

#include "process/child.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

using postgres::sql_identifier;
using postgres::sql_literal;

const char* attribute_of(patroni::Role::Kind kind) {
    switch (kind) {
    case patroni::Role::Kind::superuser:
        return " SUPERUSER";
    case patroni::Role::Kind::replication:
        return " REPLICATION";
    case patroni::Role::Kind::rewind:
        break;
    }
    return "";
}

constexpr std::chrono::seconds limit(60);

void warn(const process::Captured& result) {
    log::warning("the passwords of patroni.yml could not be set: psql {}: {}", process::describe(result.outcome),
                 system::trim(result.errors));
}

}  // namespace

postgres::Connection superuser_connection(const postgres::PrivateServer& server,
                                          const std::vector<patroni::Role>& roles) {
    const bool has_superuser = !roles.empty() && roles.front().kind == patroni::Role::Kind::superuser;
    // A statement that fails must not show its password in the server's log.
    return {{{"host", server.socket_directory().string()},
             {"port", "5432"},
             {"user", has_superuser ? roles.front().name : "postgres"},
             {"dbname", "postgres"}},
            false,
            "-c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic"};
}

std::string role_statements(const std::vector<patroni::Role>& roles, const std::vector<std::string>& existing) {
    static constexpr std::array rewind_functions = {"pg_ls_dir(text, boolean, boolean)", "pg_stat_file(text, boolean)",
                                                    "pg_read_binary_file(text)",
                                                    "pg_read_binary_file(text, bigint, bigint, boolean)"};
    std::string statements = "SET synchronous_commit = 'local';\n";
    std::vector<std::string> known = existing;
    for (const auto& role : roles) {
        const bool exists = std::find(known.begin(), known.end(), role.name) != known.end();
        statements +=
            fmt::format("{} ROLE {} WITH LOGIN{}{};\n", exists ? "ALTER" : "CREATE", sql_identifier(role.name),
                        attribute_of(role.kind), role.password ? " PASSWORD " + sql_literal(*role.password) : "");
        known.push_back(role.name);
        if (role.kind == patroni::Role::Kind::rewind) {
            for (const char* function : rewind_functions) {
                statements += fmt::format("GRANT EXECUTE ON FUNCTION pg_catalog.{} TO {};\n", function,
                                          sql_identifier(role.name));
            }
        }
    }
    return statements;
}

void set_roles(const std::vector<patroni::Role>& roles, const postgres::PrivateServer& server,
               const std::filesystem::path& bin_directory) {
    if (roles.empty()) {
        return;
    }
    const postgres::Client client(bin_directory, superuser_connection(server, roles));
    const auto existing = client.psql("SELECT rolname FROM pg_catalog.pg_roles;\n", limit);
    if (!process::succeeded(existing.outcome)) {
        return warn(existing);
    }
    const auto done = client.psql(role_statements(roles, system::lines(existing.output)), limit);
    if (!process::succeeded(done.outcome)) {
        return warn(done);
    }
    log::info("the roles of patroni.yml have its passwords");
}

}  // namespace patroni_pgbackrest
