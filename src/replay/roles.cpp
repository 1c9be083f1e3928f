#include "replay/roles.hpp"

#include "process/child.hpp"
#include "system/failure.hpp"
#include "system/log.hpp"
#include "system/owner.hpp"
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

std::optional<std::string> superuser_of(const std::vector<patroni::Role>& roles) {
    const auto found = std::find_if(roles.begin(), roles.end(),
                                    [](const auto& role) { return role.kind == patroni::Role::Kind::superuser; });
    return found == roles.end() ? std::nullopt : std::optional(found->name);
}

/// The server's words for a role that does not exist or has no LOGIN (miscinit.c).
bool cannot_log_in(const process::Captured& result) {
    return result.errors.find("FATAL:  role \"") != std::string::npos;
}

postgres::Connection connection_as(const postgres::PrivateServer& server, const std::string& role,
                                   const std::string& database) {
    return {{{"host", server.socket_directory().string()}, {"port", "5432"}, {"user", role}, {"dbname", database}},
            false,
            {}};
}

/// A superuser to work as: that of patroni.yml if it is one, else any that a role which may log in knows of.
std::optional<std::string> find_superuser(const std::vector<patroni::Role>& roles,
                                          const postgres::PrivateServer& server,
                                          const std::filesystem::path& bin_directory) {
    std::vector<std::string> candidates;
    for (const auto& role : roles) {
        candidates.push_back(role.name);
    }
    candidates.insert(candidates.end(), {"postgres", system::own_user().user});
    const auto wanted = superuser_of(roles);
    for (const auto& candidate : candidates) {
        const postgres::Client client(bin_directory, connection_as(server, candidate, "template1"));
        const auto result = client.psql(
            "SELECT rolname FROM pg_catalog.pg_roles WHERE rolsuper AND rolcanlogin ORDER BY oid;\n", limit);
        if (!process::succeeded(result.outcome)) {
            if (!cannot_log_in(result)) {
                warn(result);
                return wanted.value_or("postgres");
            }
            continue;
        }
        const auto superusers = system::lines(result.output);
        if (wanted && std::find(superusers.begin(), superusers.end(), *wanted) != superusers.end()) {
            return wanted;
        }
        if (!superusers.empty()) {
            return superusers.front();
        }
    }
    return std::nullopt;
}

}  // namespace

postgres::Connection superuser_connection(const postgres::PrivateServer& server, const std::string& superuser,
                                          const std::string& database) {
    auto connection = connection_as(server, superuser, database);
    // No statement may show its password in the server's log, whatever ALTER ROLE or ALTER DATABASE has set, or be
    // refused; a damaged page is an error, as it would be to whoever has not set that; and messages are in English.
    connection.options =
        "-c log_statement=none -c log_duration=off -c log_min_duration_statement=-1 -c log_min_duration_sample=-1 "
        "-c log_transaction_sample_rate=0 -c log_min_error_statement=panic -c debug_print_parse=off "
        "-c debug_print_rewritten=off -c debug_print_plan=off -c session_preload_libraries= "
        "-c default_transaction_read_only=off -c statement_timeout=0 -c zero_damaged_pages=off "
        "-c ignore_checksum_failure=off -c lc_messages=C";
    return connection;
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

std::string set_roles(const std::vector<patroni::Role>& roles, const postgres::PrivateServer& server,
                      const std::filesystem::path& bin_directory) {
    const auto wanted = superuser_of(roles);
    const auto superuser = find_superuser(roles, server, bin_directory);
    const auto refuse = [&](const std::string& why) {
        return Failure(
                   ExitCode::preflight_refused,
                   fmt::format("{}, as whom Patroni logs in, is no superuser of the restored cluster, and {}", *wanted,
                               why),
                   "name in postgresql.authentication.superuser the superuser that the source had: the next run goes "
                   "on from here")
            .lasting();
    };
    if (!superuser && wanted) {
        throw refuse("there is none that could make it");
    }
    if (!superuser || roles.empty()) {
        return superuser.value_or("postgres");
    }
    const postgres::Client client(bin_directory, superuser_connection(server, *superuser, "template1"));
    const auto existing = client.psql("SELECT rolname FROM pg_catalog.pg_roles;\n", limit);
    const auto done = process::succeeded(existing.outcome)
                          ? client.psql(role_statements(roles, system::lines(existing.output)), limit)
                          : existing;
    if (process::succeeded(done.outcome)) {
        if (wanted && *wanted != *superuser) {
            log::info(
                "{}, as whom Patroni logs in, was no superuser of the restored cluster that may log in: it is one "
                "now",
                *wanted);
        }
        log::info("the roles of patroni.yml have its passwords");
    } else if (wanted && *wanted != *superuser) {
        throw refuse(fmt::format("{} could not make it: {}", *superuser, system::trim(done.errors)));
    } else {
        warn(done);
    }
    return *superuser;
}

}  // namespace patroni_pgbackrest
