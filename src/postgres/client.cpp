#include "postgres/client.hpp"

#include <cstdlib>

namespace patroni_pgbackrest::postgres {

namespace {

constexpr const char* service = "patroni_pgbackrest";

std::string doubled(std::string_view text, char quote) {
    std::string result(1, quote);
    for (const char letter : text) {
        result += letter;
        if (letter == quote) {
            result += quote;
        }
    }
    return result + quote;
}

/// Variables that would make the client connect elsewhere, or as somebody else.
constexpr const char* foreign_variables[] = {"PGUSER",     "PGPASSWORD", "PGSSLMODE",
                                             "PGHOSTADDR", "PGDATABASE", "PGTARGETSESSIONATTRS"};

std::string environment_variable(const char* name) {
    const auto* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value) + " ";
}

}  // namespace

std::string sql_literal(std::string_view text) {
    return doubled(text, '\'');
}

std::string sql_identifier(std::string_view name) {
    return doubled(name, '"');
}

std::string database_word(std::string_view name) {
    std::string quoted;
    for (const char character : name) {
        quoted += character == '\'' || character == '\\' ? std::string("\\") + character : std::string(1, character);
    }
    return "dbname='" + quoted + "'";
}

Client::Client(std::filesystem::path bin_directory, const Connection& connection)
    : bin_directory_(std::move(bin_directory)) {
    if (!connection.with_environment) {
        for (const char* name : foreign_variables) {
            environment_[name] = "";
        }
    }
    // A service file accepts every keyword and overrides the environment (conninfo_add_defaults in fe-connect.c). The
    // password is passed separately: a line of that file loses its trailing blanks.
    std::string content = std::string("[") + service + "]\n";
    bool has_host = false, has_timeout = false;
    for (const auto& keyword : connection.keywords) {
        has_host = has_host || keyword.name == "host" || keyword.name == "hostaddr";
        has_timeout = has_timeout || keyword.name == "connect_timeout";
        if (keyword.name == "password") {
            environment_["PGPASSWORD"] = keyword.value;
        } else {
            content += keyword.name + "=" + keyword.value + "\n";
        }
    }
    if (has_host) {
        environment_["PGHOSTADDR"] = "";
    }
    if (!has_timeout) {
        content += "connect_timeout=5\n";
    }
    environment_["PGSERVICEFILE"] = directory_.write("service.conf", content).string();
    environment_["PGSERVICE"] = service;
    environment_["PGOPTIONS"] =
        (connection.with_environment ? environment_variable("PGOPTIONS") : std::string()) + connection.options;
    environment_["PGCLIENTENCODING"] = "UTF8";
    environment_["PGAPPNAME"] = service;
}

std::optional<std::filesystem::path> Client::find(const std::string& program) const {
    if (!bin_directory_.empty()) {
        if (auto found = process::find_executable((bin_directory_ / program).string())) {
            return found;
        }
    }
    return process::find_executable(program);
}

process::Command Client::command(const std::string& program, const std::vector<std::string>& arguments) const {
    const auto found = find(program);
    process::Command command{found ? found->string() : program, arguments};
    command.environment = environment_;
    return command;
}

process::Captured Client::psql(const std::string& statements, std::chrono::seconds limit,
                               const std::string& database) const {
    const auto file = directory_.write("statements.sql", statements);
    auto run = command(
        "psql", {"-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse", "-f", file.string()});
    if (!database.empty()) {
        run.arguments.insert(run.arguments.end(), {"-d", database_word(database)});
    }
    auto result = process::capture(run, limit);
    std::error_code ignored;  // it goes with its directory
    std::filesystem::remove(file, ignored);
    process::require_resources(run.program, result.outcome);
    return result;
}

}  // namespace patroni_pgbackrest::postgres
