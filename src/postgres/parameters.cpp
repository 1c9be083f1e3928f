#include "postgres/parameters.hpp"

#include "process/child.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <chrono>
#include <fmt/format.h>
#include <string>

namespace patroni_pgbackrest::postgres {

std::optional<std::string> objection_to(const std::filesystem::path& bin_directory, const Setting& setting) {
    const system::PrivateDirectory directory;
    directory.write("postgresql.conf", "");
    process::Command command{
        (bin_directory / "postgres").string(),
        {"-C", setting.name, "-D", directory.path().string(), "-c", "log_line_prefix=", "-c", "lc_messages=C"}};
    if (!setting.value.empty()) {
        command.arguments.emplace_back("-c");
        command.arguments.push_back(fmt::format("{}={}", setting.name, setting.value));
    }
    command.environment = {{"LC_ALL", "C"}, {"LANGUAGE", ""}, {"PGDATA", ""}, {"PGOPTIONS", ""}};
    const auto captured = process::capture(command, std::chrono::seconds(30));
    process::require_resources(command.program, captured.outcome);
    if (process::succeeded(captured.outcome)) {
        return std::nullopt;
    }
    const auto words = objection_in(captured.errors);
    return words.empty() ? fmt::format("{} {}", command.program, process::describe(captured.outcome)) : words;
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
