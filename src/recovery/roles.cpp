#include "recovery/roles.hpp"

#include "system/file.hpp"
#include "system/log.hpp"
#include "system/subprocess.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace patroni_pgbackrest::recovery {

namespace {

std::string doubled(const std::string& text, char quote) {
    std::string result(1, quote);
    for (const char letter : text) {
        result += letter;
        if (letter == quote) {
            result += quote;
        }
    }
    return result + quote;
}

std::string identifier(const std::string& name) {
    return doubled(name, '"');
}

/// With standard_conforming_strings, the default, a backslash is an ordinary character.
std::string literal(const std::string& text) {
    return doubled(text, '\'');
}

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

class Psql {
  public:
    Psql(const postgres::PrivateServer& server, const std::filesystem::path& bin_directory, const std::string& user)
        : directory_(server.socket_directory()), command_{(bin_directory / "psql").string(),
                                                          {"-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-v",
                                                           "VERBOSITY=terse", "-h", directory_.string(), "-p", "5432",
                                                           "-U", user, "-d", "postgres"}} {
        for (const char* name : {"PGUSER", "PGPASSWORD", "PGSERVICE", "PGSSLMODE", "PGHOSTADDR", "PGDATABASE"}) {
            command_.environment[name] = "";
        }
        // A statement that fails must not show its password in the server's log.
        command_.environment["PGOPTIONS"] =
            "-c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic";
    }

    system::Captured run(const std::string& statements) const {
        const auto file = directory_ / "statements.sql";
        system::replace_file(file, statements, 0600);
        auto command = command_;
        command.arguments.insert(command.arguments.end(), {"-f", file.string()});
        auto result = system::capture(command, std::chrono::seconds(60));
        system::remove_file(file);
        return result;
    }

  private:
    std::filesystem::path directory_;
    system::Command command_;
};

void warn(const system::Captured& result) {
    log::warning("the passwords of patroni.yml could not be set: psql {}: {}", system::describe(result.outcome),
                 system::trim(result.errors));
}

}  // namespace

std::string role_statements(const std::vector<patroni::Role>& roles, const std::vector<std::string>& existing) {
    static constexpr std::array rewind_functions = {"pg_ls_dir(text, boolean, boolean)", "pg_stat_file(text, boolean)",
                                                    "pg_read_binary_file(text)",
                                                    "pg_read_binary_file(text, bigint, bigint, boolean)"};
    std::string statements = "SET synchronous_commit = 'local';\n";
    std::vector<std::string> known = existing;
    for (const auto& role : roles) {
        const bool exists = std::find(known.begin(), known.end(), role.name) != known.end();
        statements += fmt::format("{} ROLE {} WITH LOGIN{}{};\n", exists ? "ALTER" : "CREATE", identifier(role.name),
                                  attribute_of(role.kind), role.password ? " PASSWORD " + literal(*role.password) : "");
        known.push_back(role.name);
        if (role.kind == patroni::Role::Kind::rewind) {
            for (const char* function : rewind_functions) {
                statements +=
                    fmt::format("GRANT EXECUTE ON FUNCTION pg_catalog.{} TO {};\n", function, identifier(role.name));
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
    const bool has_superuser = roles.front().kind == patroni::Role::Kind::superuser;
    const Psql psql(server, bin_directory, has_superuser ? roles.front().name : "postgres");
    const auto existing = psql.run("SELECT rolname FROM pg_catalog.pg_roles;\n");
    if (!system::succeeded(existing.outcome)) {
        return warn(existing);
    }
    const auto done = psql.run(role_statements(roles, system::lines(existing.output)));
    if (!system::succeeded(done.outcome)) {
        return warn(done);
    }
    log::info("the roles of patroni.yml have its passwords");
}

}  // namespace patroni_pgbackrest::recovery
