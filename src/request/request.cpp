#include "request/request.hpp"

#include "pgbackrest/working_places.hpp"
#include "request/patroni_mode.hpp"
#include "request/pgbackrest_settings.hpp"
#include "request/replay_settings.hpp"
#include "request/settings.hpp"
#include "request/target_settings.hpp"
#include "system/log.hpp"
#include "system/machine.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace patroni_pgbackrest {

namespace {

void refuse_control_characters(Settings& settings, const std::string& name, const patroni::Value& value) {
    if (has_control_character(value.text)) {
        settings.problem(value.place, fmt::format("{} has a line feed or another control character", name),
                         "write it in one line, without a line feed at its end");
    }
}

/// A statement may have several lines, but psql would take one with a NUL for what is before it.
void refuse_control_characters_in_probe(Settings& settings, const patroni::Value& value) {
    constexpr std::string_view white_space = " \t\n\r\f\v";
    auto words = value.text;
    std::erase_if(words, [&](char character) { return white_space.find(character) != std::string_view::npos; });
    if (has_control_character(words)) {
        settings.problem(value.place, "probe has a control character that is no white space", "take it out");
    }
}

/// A target's own rules are stricter.
void refuse_control_characters(Settings& settings, const std::optional<patroni::Configuration>& patroni) {
    for (const auto& [name, values] : settings.all()) {
        for (const auto& value : values) {
            if (name == "probe") {
                refuse_control_characters_in_probe(settings, value);
            } else if (name != "target") {
                refuse_control_characters(settings, name, value);
            }
        }
    }
    if (!patroni) {
        return;
    }
    const auto refuse = [&](const char* name, const std::optional<patroni::Value>& value) {
        if (value) {
            refuse_control_characters(settings, name, *value);
        }
    };
    refuse("postgresql.data_dir", patroni->data_directory);
    refuse("scope", patroni->scope);
    refuse("name", patroni->name);
}

std::optional<std::string> read_system_identifier(Settings& settings) {
    const auto given = settings.value("system-identifier");
    if (!given) {
        return std::nullopt;
    }
    const auto number = system::number(system::trim(given->text));
    if (!number || *number == 0) {
        settings.problem(given->place, fmt::format("'{}' is not a system identifier", given->text),
                         "write the number that pg_controldata and pgbackrest info --output=json show");
        return std::nullopt;
    }
    return std::to_string(*number);
}

void refuse_what_cannot_work(Settings& settings) {
    if (const auto action = settings.value("target-action");
        action && system::lower(system::trim(action->text)) != "promote") {
        settings.problem(
            action->place, fmt::format("target-action {} is refused", action->text),
            "use promote, the default: Patroni waits for a primary, and with pause or shutdown it gives up");
    }
    if (const auto mode = settings.value("archive-mode");
        mode && system::lower(system::trim(mode->text)) != "preserve") {
        settings.problem(mode->place, fmt::format("archive-mode {} is refused", mode->text),
                         "leave archive-mode out: pgBackRest would write archive_mode=off into postgresql.auto.conf, "
                         "which Patroni does not remove, so that archiving stays off after the bootstrap");
    }
}

void require_map_entries(Settings& settings, const std::string& option) {
    for (const auto& value : settings.values(option)) {
        const auto sign = value.text.find('=');
        if (sign == std::string::npos || sign == 0 || sign + 1 == value.text.size()) {
            settings.problem(value.place, fmt::format("'{}' is not a value for {}", value.text, option),
                             "write NAME=DIRECTORY");
        }
    }
}

Recovery read_recovery(Settings& settings, const std::optional<patroni::Configuration>& patroni) {
    const bool block_says_patroni = patroni && patroni->method && patroni->method->recovery_conf;
    const auto derived = block_says_patroni ? Recovery::patroni : Recovery::standalone;
    const auto wish = settings.value("recovery");
    if (wish && wish->text != text(derived)) {
        if (wish->text != "patroni" && wish->text != "standalone") {
            settings.problem(wish->place, fmt::format("'{}' is not a value for recovery", wish->text),
                             "use standalone or patroni, or leave it out: it follows from patroni.yml");
        } else if (block_says_patroni) {
            settings.problem(wish->place, "recovery is standalone, but the method's block has recovery_conf",
                             "remove recovery_conf from the block, or set recovery: patroni");
        } else {
            settings.problem(
                wish->place, "recovery is patroni, but the method's block has no recovery_conf",
                "add recovery_conf to the block (see examples/patroni-recovery-conf.yml), or set recovery: "
                "standalone");
        }
    }
    return derived;
}

std::filesystem::path read_data_directory(Settings& settings, const std::optional<patroni::Configuration>& patroni) {
    auto value = settings.value("datadir");
    if (!value && patroni) {
        value = patroni->data_directory;
    }
    if (!value) {
        settings.problem("--datadir", "no data directory is given",
                         "pass --datadir, or set postgresql.data_dir in patroni.yml");
        return {};
    }
    auto path = std::filesystem::absolute(value->text).lexically_normal();
    if (!path.has_filename()) {
        path = path.parent_path();
    }
    if (path == path.root_path()) {
        settings.problem(value->place, fmt::format("'{}' is not a data directory", value->text),
                         "name the directory that PostgreSQL's files belong in");
    }
    return path;
}

void check_method(Settings& settings, const std::optional<patroni::Configuration>& patroni) {
    if (patroni && patroni->method_name && !patroni->method && patroni->method_name->text != "initdb") {
        settings.problem(patroni->method_name->place,
                         fmt::format("bootstrap.method is {}, but there is no such block with a command",
                                     patroni->method_name->text),
                         "without it Patroni silently runs initdb: add the block under bootstrap, or correct the name");
    }
}

std::string scope_in(const Settings& settings, const std::optional<patroni::Configuration>& patroni) {
    if (const auto scope = settings.value("scope")) {
        return scope->text;
    }
    return patroni && patroni->scope ? patroni->scope->text : std::string();
}

void read_reused_data(Settings& settings, Request& request) {
    const auto directory = settings.value("reuse-data");
    request.reuses_set_aside = directory && directory->text == "auto";  // a directory of that name is ./auto
    if (directory && !request.reuses_set_aside) {
        request.reuse_data = std::filesystem::absolute(directory->text).lexically_normal();
        if (*request.reuse_data == request.data_directory) {
            settings.problem(directory->place, "reuse-data is the data directory itself",
                             "move it away under another name, and name that");
        }
    }
}

void read_source(Settings& settings, Request& request) {
    if (const auto source = settings.value("source")) {
        request.source_is_fenced = source->text == "fenced";
        if (!request.source_is_fenced) {
            settings.problem(source->place, fmt::format("'{}' says nothing about the source", source->text),
                             "write fenced when the old cluster cannot come back, or leave source out");
        }
    }
}

void read_write_back(Settings& settings, Request& request) {
    if (const auto when = settings.value("write-back")) {
        request.writes_late = when->text == "late";
        if (!request.writes_late && when->text != "early") {
            settings.problem(when->place, fmt::format("'{}' is not a value for write-back", when->text),
                             "use early or late");
        }
    }
}

void read_retry(Settings& settings, pgbackrest::RetryPolicy& retry) {
    retry.retries = settings.number("retry", 0, 100).value_or(retry.retries);
    retry.wait =
        std::chrono::seconds(settings.number("retry-wait", 0, 300).value_or(static_cast<unsigned>(retry.wait.count())));
}

void read_log_level(Settings& settings, Request& request) {
    if (const auto level = settings.value("log-level")) {
        if (const auto known = log::parse_level(level->text)) {
            request.log_level = *known;
        } else {
            settings.problem(level->place, fmt::format("'{}' is not a log level", level->text),
                             "use debug, info, warning or error");
        }
    }
}

/// Others than the request look at them: the log, and whoever writes the metrics.
void refuse_unknown_outputs(Settings& settings) {
    if (const auto format = settings.value("log-format"); format && !log::parse_format(format->text)) {
        settings.problem(format->place, fmt::format("'{}' is not a log format", format->text), "use text or json");
    }
    if (const auto file = settings.value("metrics-file"); file && !file->text.ends_with(".prom")) {
        settings.problem(file->place, fmt::format("'{}' does not end in .prom", file->text),
                         "give it such a name: node_exporter reads no other file");
    }
}

std::optional<std::filesystem::path> path_in(const Settings& settings, const std::string& name) {
    const auto path = settings.value(name);
    return path ? std::optional(std::filesystem::absolute(path->text)) : std::nullopt;
}

}  // namespace

std::string text(Recovery recovery) {
    return recovery == Recovery::standalone ? "standalone" : "patroni";
}

namespace {

Request make(const std::vector<GivenOption>& given, std::optional<patroni::Configuration> patroni, bool judges_mode) {
    Settings settings(given, patroni);
    Request request;
    check_method(settings, patroni);
    refuse_control_characters(settings, patroni);
    request.data_directory = read_data_directory(settings, patroni);
    request.scope = scope_in(settings, patroni);
    request.pgbackrest = read_pgbackrest(settings);
    if (!request.pgbackrest.stanza.empty()) {
        request.configured = add_configured(settings, request.pgbackrest);
    }
    request.repository = settings.number("repo", 1, 256);
    request.system_identifier = read_system_identifier(settings);
    if (const auto set = settings.value("set"); set && set->text != "latest") {
        request.backup_set = set->text;
    }
    request.target = read_target(settings);
    request.nearest = settings.flag("nearest");
    request.timeline = read_timeline_wish(settings);
    refuse_what_cannot_work(settings);
    for (const std::string option : {"tablespace-map", "link-map"}) {
        require_map_entries(settings, option);
    }
    request.processes = settings.number("process-max", 1, 999);
    request.restore_options = options_to_pass(settings);
    request.recovery = read_recovery(settings, patroni);
    if (const auto libraries = settings.value("preload")) {
        request.preload_libraries = libraries->text;
    }
    request.replay_settings = read_replay_settings(settings, request.recovery);
    read_reused_data(settings, request);
    read_source(settings, request);
    read_write_back(settings, request);
    read_retry(settings, request.retry);
    read_log_level(settings, request);
    refuse_unknown_outputs(settings);
    request.report = report_path(given, patroni);
    request.rehearsals = rehearsals_path(given, patroni);
    request.patroni = std::move(patroni);
    for (const auto& problem : judges_mode ? problems_of_patroni_mode(request) : std::vector<Problem>()) {
        settings.problem(problem.place, problem.message, problem.hint);
    }
    if (auto problems = settings.problems(); !problems.empty()) {
        throw Failure(ExitCode::usage, std::move(problems));
    }
    return request;
}

/// False where the configuration cannot be read: pgBackRest tells what is wrong with it.
bool is_over_network(const Request& request, const std::string& command, std::optional<unsigned> repository) {
    try {
        return pgbackrest::reads_over_network(request.pgbackrest, command, repository);
    } catch (const Failure&) {
        return false;
    }
}

}  // namespace

unsigned processes_for(const Request& request, const std::string& command, std::optional<unsigned> repository) {
    constexpr unsigned most = 999, for_each_processor = 4, most_over_network = 8;
    const auto processors = std::min(system::processors(), most);
    if (request.processes) {
        return *request.processes;
    }
    return is_over_network(request, command, repository)
               ? std::max(processors, std::min(for_each_processor * processors, most_over_network))
               : processors;
}

unsigned processes_with_flushes(const Request& request, unsigned repository, std::uint64_t bytes,
                                const std::function<std::optional<std::uint64_t>()>& count_files) {
    // A flush takes some 2 ms, in which a process copies so much.
    constexpr std::uint64_t bytes_in_one_wait = 200000;
    constexpr std::uint64_t most = 16;
    const std::uint64_t usual = processes_for(request, "restore", repository);
    if (request.processes || usual >= most || bytes == 0 || is_over_network(request, "restore", repository)) {
        return static_cast<unsigned>(usual);
    }
    const auto files = count_files().value_or(0);
    return static_cast<unsigned>(std::min(usual * (1 + files * bytes_in_one_wait / bytes), most));
}

Request make_request(const std::vector<GivenOption>& given, std::optional<patroni::Configuration> patroni) {
    return make(given, std::move(patroni), true);
}

Request make_request_in_any_mode(const std::vector<GivenOption>& given, std::optional<patroni::Configuration> patroni) {
    return make(given, std::move(patroni), false);
}

ClusterNames names_of_cluster(const std::vector<GivenOption>& given,
                              const std::optional<patroni::Configuration>& patroni) {
    const Settings settings(given, patroni);
    return {scope_in(settings, patroni), pgbackrest_in(settings).stanza};
}

std::optional<log::Format> log_format(const std::vector<GivenOption>& given,
                                      const std::optional<patroni::Configuration>& patroni) {
    const auto format = Settings(given, patroni).value("log-format");
    return format ? log::parse_format(format->text) : std::nullopt;
}

std::optional<std::filesystem::path> report_path(const std::vector<GivenOption>& given,
                                                 const std::optional<patroni::Configuration>& patroni) {
    return path_in(Settings(given, patroni), "report");
}

std::optional<std::filesystem::path> page_path(const std::vector<GivenOption>& given,
                                               const std::optional<patroni::Configuration>& patroni) {
    return path_in(Settings(given, patroni), "html");
}

std::optional<std::filesystem::path> metrics_path(const std::vector<GivenOption>& given,
                                                  const std::optional<patroni::Configuration>& patroni) {
    const auto path = path_in(Settings(given, patroni), "metrics-file");
    return path && path->extension() == ".prom" ? path : std::nullopt;
}

std::optional<std::filesystem::path> rehearsals_path(const std::vector<GivenOption>& given,
                                                     const std::optional<patroni::Configuration>& patroni) {
    return path_in(Settings(given, patroni), "rehearsals");
}

}  // namespace patroni_pgbackrest
