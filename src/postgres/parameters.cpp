#include "postgres/parameters.hpp"

#include "process/child.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <chrono>
#include <fmt/format.h>
#include <string>

namespace patroni_pgbackrest::postgres {

namespace {

/// `postgres -C NAME`, in English and on standard error whatever the configuration says.
process::Command asks_for(const std::string& name, const std::filesystem::path& bin_directory,
                          const std::filesystem::path& data_directory) {
    process::Command command{
        (bin_directory / "postgres").string(),
        {"-C", name, "-D", data_directory.string(), "-c", "log_line_prefix=", "-c", "lc_messages=C"}};
    command.environment = {{"LC_ALL", "C"}, {"LANGUAGE", ""}, {"PGDATA", ""}, {"PGOPTIONS", ""}};
    return command;
}

process::Captured answer_to(const process::Command& command) {
    auto captured = process::capture(command, std::chrono::seconds(30));
    process::require_resources(command.program, captured.outcome);
    return captured;
}

}  // namespace

std::optional<std::string> objection_to(const std::filesystem::path& bin_directory, const Setting& setting) {
    const system::PrivateDirectory directory;
    directory.write("postgresql.conf", "");
    auto command = asks_for(setting.name, bin_directory, directory.path());
    if (!setting.value.empty()) {
        command.arguments.emplace_back("-c");
        command.arguments.push_back(fmt::format("{}={}", setting.name, setting.value));
    }
    const auto captured = answer_to(command);
    if (process::succeeded(captured.outcome)) {
        return std::nullopt;
    }
    const auto words = objection_in(captured.errors);
    return words.empty() ? fmt::format("{} {}", command.program, process::describe(captured.outcome)) : words;
}

FileInForce read_in_force(const std::filesystem::path& bin_directory, const std::filesystem::path& file) {
    const system::PrivateDirectory no_cluster;
    auto command = asks_for("data_directory", bin_directory, no_cluster.path());
    for (const char* option : {"log_destination=stderr", "log_min_messages=log"}) {
        command.arguments.emplace_back("-c");
        command.arguments.emplace_back(option);
    }
    command.arguments.push_back("--config-file=" + file.string());
    const auto captured = answer_to(command);
    if (process::succeeded(captured.outcome)) {
        const std::filesystem::path directory = system::trim(captured.output);
        return {directory == no_cluster.path() ? std::nullopt : std::optional(directory), {}};
    }
    auto objections = objections_in(captured.errors);
    if (objections.empty()) {
        objections.push_back(fmt::format("{} {}", command.program, process::describe(captured.outcome)));
    }
    return {{}, std::move(objections)};
}

std::vector<std::string> objections_in(std::string_view printed) {
    constexpr std::string_view log = "LOG:  ";
    std::vector<std::string> objections;
    for (const auto& line : system::lines(printed)) {
        // Of postgresql.auto.conf, or of a directory's file that include_if_exists names.
        if (line.starts_with(log) && !line.starts_with("LOG:  skipping missing configuration file")) {
            objections.push_back(line.substr(log.size(), line.find(", near token") - log.size()));
        }
    }
    if (const auto words = objection_in(printed); objections.empty() && !words.empty()) {
        objections.push_back(words);
    }
    return objections;
}

std::string objection_in(std::string_view printed) {
    constexpr std::string_view fatal = "FATAL:  ";
    constexpr std::string_view hint = "HINT:  ";
    std::string words;
    for (const auto& line : system::lines(printed)) {
        if (words.empty() && line.starts_with(fatal)) {
            words = line.substr(fatal.size());
        } else if (!words.empty() && line.starts_with(hint)) {
            words += fmt::format(" ({})", line.substr(hint.size()));
        }
    }
    return words.empty() ? std::string(system::trim(printed)) : words;
}

}  // namespace patroni_pgbackrest::postgres
