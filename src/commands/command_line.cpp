#include "commands/command_line.hpp"

#include "request/options.hpp"
#include "system/exit_code.hpp"
#include "system/text.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace patroni_pgbackrest::commands {

namespace {

constexpr const char* group_of(OptionOwner owner) {
    switch (owner) {
    case OptionOwner::patroni:
        return "Passed by Patroni";
    case OptionOwner::ours:
        return "Settings";
    case OptionOwner::target:
        return "What to restore";
    case OptionOwner::pgbackrest:
        break;
    }
    return "Passed to pgbackrest restore";
}

using Values = std::map<std::string, std::vector<std::string>>;

/// From 2.5 on CLI11 would make paragraphs of their lines.
template <typename Formatter>
void keep_lines_of_footers(Formatter& formatter) {
    if constexpr (requires { formatter.enable_footer_formatting(false); }) {
        formatter.enable_footer_formatting(false);
    }
}

void add_restore_options(CLI::App& command, Values& values) {
    for (const auto& definition : bootstrap_options()) {
        const std::string name(definition.name);
        auto* option = command.add_option("--" + name, values[name], std::string(definition.help));
        option->group(group_of(definition.owner))->type_name(std::string(definition.argument));
        if (definition.kind == OptionKind::flag) {
            option->expected(0, 1);
        } else {
            // One value each time: the rest of the line is not swallowed.
            option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        }
    }
    command.allow_extras();
}

/// Of the commands that do not take bootstrap's options; main() looks for it before anything is parsed.
void add_log_format(CLI::App& command, std::string& format) {
    const auto* definition = find_option("log-format");
    command.add_option("--log-format", format, std::string(definition->help))
        ->type_name(std::string(definition->argument))
        ->check(CLI::IsMember({"text", "json"}));
}

void add_bootstrap_options(CLI::App& command, Values& values) {
    add_restore_options(command, values);
    command.footer(
        "Every option but scope, datadir and patroni-config can stand in the method's block of patroni.yml as well,\n"
        "without its dashes; the command line counts more. Exit codes:\n" +
        std::string(exit_code_help()));
}

void add_configure_options(CLI::App& command, ConfigureArguments& arguments, Values& values) {
    const std::map<std::string_view, bool*> flags = {{"patroni-mode", &arguments.patroni_mode},
                                                     {"replicas", &arguments.replicas},
                                                     {"post-bootstrap", &arguments.post_bootstrap},
                                                     {"replace", &arguments.replace},
                                                     {"remove", &arguments.remove},
                                                     {"write", &arguments.write}};
    for (const auto& definition : options_of_configure()) {
        const std::string name = "--" + std::string(definition.name);
        const std::string help(definition.help);
        if (const auto flag = flags.find(definition.name); flag != flags.end()) {
            command.add_flag(name, *flag->second, help);
        } else {
            auto& value = definition.name == "method" ? arguments.method : arguments.patroni_config;
            command.add_option(name, value, help)->type_name(std::string(definition.argument));
        }
    }
    for (const auto& definition : configurable_options()) {
        const std::string name(definition.name);
        auto* option = command.add_option("--" + name, values[name], std::string(definition.help));
        option->group("For the method's block")->type_name(std::string(definition.argument));
        option->expected(definition.kind == OptionKind::flag ? 0 : 1, 1);
    }
    command.footer("Exit codes:\n" + exit_code_help());
}

std::vector<GivenOption> configured_options(const CLI::App& command) {
    std::vector<GivenOption> given;
    for (const auto& definition : configurable_options()) {
        const auto* option = command.get_option("--" + std::string(definition.name));
        if (option->count() > 0) {
            const auto& results = option->results();
            const std::string value = results.empty() || results.back() == "{}" ? std::string() : results.back();
            given.push_back({std::string(definition.name), value});
        }
    }
    return given;
}

std::vector<GivenOption> given_options(const CLI::App& command) {
    std::vector<GivenOption> given;
    for (const auto& definition : bootstrap_options()) {
        const std::string name(definition.name);
        const auto* option = command.get_option("--" + name);
        if (option->count() > 0 && option->results().empty()) {
            given.push_back({name, ""});
        }
        for (const auto& value : option->results()) {
            given.push_back({name, definition.kind == OptionKind::flag && value == "{}" ? "" : value});
        }
    }
    bool after_unknown = false;
    for (const auto& word : command.remaining()) {
        if (word.starts_with("--") && word.size() > 2) {
            const auto sign = word.find('=');
            given.push_back({word.substr(2, sign == std::string::npos ? sign : sign - 2), "given"});
            after_unknown = sign == std::string::npos;
        } else if (!after_unknown) {
            throw Failure(ExitCode::usage, fmt::format("'{}' is no option", word),
                          "options are written --name=value; see patroni_pgbackrest bootstrap --help");
        }
    }
    return given;
}

void add_check_options(CLI::App& command, CheckOptions& options) {
    command.add_flag("--search", options.search,
                     "look through all the WAL for an xid or name target, not only through the last 4 GiB");
    command.add_option("--explain", options.explain, "print what docs/checks.md says about a finding's id")
        ->type_name("ID");
    command
        .add_option("--member", options.members,
                    "another member's patroni.yml, which must ask for the same restore; may be repeated")
        ->type_name("FILE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_option("--format", options.format, "text or json [text]")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    command.footer("Exit code 0: no finding is an error; 3: at least one is.\nExit codes:\n" + exit_code_help());
}

void add_verify_options(CLI::App& command, VerifyArguments& arguments, std::string& format) {
    command.add_option("connection", arguments.connection,
                       "how to reach the server; Patroni appends it [the server of postgresql.data_dir]");
    command.add_option("--patroni-config", arguments.patroni_config,
                       "patroni.yml, or a directory of YAML files [the calling Patroni's]");
    command
        .add_option("--probe", arguments.probes,
                    "a query that must return true, of another database as DATABASE=SQL; may be repeated [those in "
                    "the method's block]")
        ->type_name("[DATABASE=]SQL")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    command.add_option("--format", format, "text or json [text]")->type_name("FORMAT");
    command.add_flag("--amcheck", arguments.amcheck, "run pg_amcheck over the cluster, not as post_bootstrap");
    command.allow_extras();
    command.footer("Exit codes:\n" + exit_code_help());
}

void add_archive_get_options(CLI::App& command, ArchiveGetArguments& arguments) {
    command.add_option("wanted", arguments.wanted, "%f: the file PostgreSQL asks for")->required();
    command.add_option("destination", arguments.destination, "%p: where it belongs")->required();
    command.add_option("--stanza", arguments.stanza, "outside of a bootstrap: pgBackRest's stanza");
    command.add_option("--pgbackrest-config", arguments.configuration,
                       "outside of a bootstrap: pgBackRest's configuration file");
    command.add_option("--config-path", arguments.configuration_path,
                       "outside of a bootstrap: pgBackRest's base path of configuration files");
    command.add_option("--config-include-path", arguments.include_path,
                       "outside of a bootstrap: pgBackRest's path of additional configuration files");
    command.add_option("--pgbackrest", arguments.program, "outside of a bootstrap: the pgbackrest program");
}

void add_status_options(CLI::App& command, StatusArguments& arguments, std::string& format) {
    command.add_option("--datadir", arguments.data_directory, "the data directory of the restore")->type_name("DIR");
    command
        .add_option("--patroni-config", arguments.patroni_config,
                    "patroni.yml, or a directory of YAML files, which names the data directory")
        ->type_name("PATH");
    command.add_flag("--watch", arguments.watch, "print it again and again until the restore ends");
    command.add_option("--format", format, "text or json [text]")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    command
        .add_option("--metrics-file", arguments.metrics_file,
                    "write how the restore ended there, for node_exporter's textfile collector; its name ends in .prom")
        ->type_name("FILE")
        ->check([](const std::string& file) {
            return std::string(file.ends_with(".prom") ? "" : "its name must end in .prom");
        });
    command.footer("Exit code: that of the restore: 0 while it runs, when it is done, and when none is known; its own "
                   "when it\nfailed or was ended by a signal; 143 when its process is gone.\nExit codes:\n" +
                   exit_code_help());
}

void add_rehearse_options(CLI::App& command, RehearseArguments& arguments, std::string& format) {
    const auto value = [&](const char* name, std::string& place, const char* argument, const char* help) {
        command.add_option(name, place, help)->type_name(argument);
    };
    value("--scratch", arguments.scratch, "DIR",
          "where it is done: a directory that is empty or not there, on a disk with room for the cluster");
    command.add_flag("--random", arguments.random, "to a random moment between the first backup and the last commit");
    value("--seed", arguments.seed, "N", "choose the same moment again [a new one, which is printed]");
    command.add_flag("--checksums", arguments.checksums, "read every page with pg_checksums");
    command.add_flag("--amcheck", arguments.amcheck, "run pg_amcheck, where the databases have its extension");
    command.add_flag("--dump", arguments.dump, "let pg_dump read every row of every database, to nowhere");
    command.add_flag("--keep", arguments.keep, "remove nothing at the end, and print how the cluster is started");
    value("--memory", arguments.memory, "SIZE", "what the private PostgreSQL is sized for [512MB]");
    value("--bandwidth", arguments.bandwidth, "SIZE",
          "read from disks and write to them at most so much a second, on the average [no limit]");
    value("--disk-floor", arguments.disk_floor, "SIZE", "end when less is left on the scratch directory's disk [1GB]");
    command.add_flag("--history", arguments.history, "print what earlier rehearsals showed, and how that changes");
    command.add_option("--format", format, "text or json [text]")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "json"}));
    command.footer("datadir and patroni-config name the node's own, which is kept away from. process-max is 1 unless "
                   "it is\ngiven here.\nExit code 0: the restore works; any other: why it does not.\nExit codes:\n" +
                   exit_code_help());
}

/// What is left over may be a connection string with a password, so only an option's name is shown.
void finish_verify(const CLI::App& command, const std::string& format, VerifyArguments& arguments) {
    for (const auto& word : command.remaining()) {
        throw Failure(ExitCode::usage,
                      word.starts_with("--") ? fmt::format("unknown option '{}'", word.substr(2, word.find('=') - 2))
                                             : std::string("verify takes one connection string"),
                      "see patroni_pgbackrest verify --help");
    }
    if (format != "text" && format != "json") {
        throw Failure(ExitCode::usage, fmt::format("'{}' is no format", format), "use text or json");
    }
    arguments.json = format == "json";
}

/// As CLI11 takes them, the last one first. A blank value counts as not set; CLI11 would take the next word for it.
std::vector<std::string> words_to_parse(const std::vector<std::string>& words) {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    std::erase_if(reversed, [](const std::string& word) {
        return word.starts_with("--") && word.find('=') + 1 == word.size() &&
               find_option(word.substr(2, word.size() - 3)) != nullptr;
    });
    return reversed;
}

[[noreturn]] void refuse_command_line(const CLI::App& app, const std::vector<std::string>& words,
                                      const CLI::ParseError& error) {
    constexpr const char* hint = "see patroni_pgbackrest --help";
    if (words.empty()) {
        throw Failure(ExitCode::usage, "no command is given", hint);
    }
    if (!words.front().starts_with("-") && app.get_subcommands().empty()) {
        throw Failure(ExitCode::usage, fmt::format("'{}' is no command", words.front()), hint);
    }
    throw Failure(ExitCode::usage, error.what(), hint);
}

/// As PostgreSQL calls the guard for each WAL segment (guard_command): nothing has to be told of all the other commands
/// for it.
bool is_call_of_the_guard(const std::vector<std::string>& words) {
    return words.size() == 3 && words.front() == "archive-get" &&
           std::none_of(words.begin(), words.end(),
                        [](const std::string& word) { return word.empty() || word.front() == '-'; });
}

}  // namespace

std::string exit_code_help() {
    std::string text;
    for (const auto& entry : exit_code_table) {
        text += fmt::format("  {:>3}  {}\n", static_cast<int>(entry.code), entry.meaning);
    }
    return text;
}

CommandLine parse_command_line(const std::vector<std::string>& words) {
    CommandLine line;
    if (is_call_of_the_guard(words)) {
        line.command = CommandLine::Command::archive_get;
        line.archive_get.wanted = words[1];
        line.archive_get.destination = words[2];
        return line;
    }
    Values values;
    const auto is_called = [&](std::string_view command) { return !words.empty() && words.front() == command; };
    CLI::App app{"Restores PostgreSQL clusters from pgBackRest backups under Patroni", "patroni_pgbackrest"};
    app.set_version_flag("--version", std::string("patroni_pgbackrest ") + PATRONI_PGBACKREST_VERSION);
    app.require_subcommand(1);
    keep_lines_of_footers(*app.get_formatter());
    app.footer("Exit codes:\n" + exit_code_help());

    auto* bootstrap = app.add_subcommand("bootstrap", "Patroni's bootstrap.method: brings a lost cluster back");
    if (is_called("bootstrap")) {
        add_bootstrap_options(*bootstrap, values);
    }

    auto* check = app.add_subcommand(
        "check", "finds what would keep a restore from its end, before anything is touched: the options of bootstrap");
    add_check_options(*check, line.check);
    if (is_called("check")) {
        add_restore_options(*check, values);
    }

    auto* resume = app.add_subcommand(
        "resume", "before Patroni starts: ends a bootstrap of this node that was interrupted, else does nothing");
    resume->add_option("--patroni-config", line.resume.patroni_config, "patroni.yml, or a directory of YAML files");
    resume->footer("Exit codes:\n" + exit_code_help());

    std::string format = "text";
    auto* verify = app.add_subcommand(
        "verify", "Patroni's post_bootstrap, and by hand: proves what came up against what was asked");
    add_verify_options(*verify, line.verify, format);
    auto* configure =
        app.add_subcommand("configure", "writes into patroni.yml what bootstrap needs; shows the difference first");
    if (is_called("configure")) {
        add_configure_options(*configure, line.configure, values);
    }

    auto* archive_get = app.add_subcommand(
        "archive-get", "PostgreSQL's restore_command: pgbackrest archive-get, but an error never ends a recovery");
    add_archive_get_options(*archive_get, line.archive_get);

    auto* recovery_end = app.add_subcommand(
        "recovery-end", "PostgreSQL's recovery_end_command in patroni mode: removes what the bootstrap left for it");

    std::string status_format = "text";
    auto* status = app.add_subcommand(
        "status", "what a restore into this data directory does now, or how the last one ended; only reads");
    add_status_options(*status, line.status, status_format);

    std::string log_format;
    for (auto* command : {configure, archive_get, recovery_end, status}) {
        add_log_format(*command, log_format);
    }
    add_log_format(*resume, line.resume.log_format);
    add_log_format(*verify, line.verify.log_format);
    std::string rehearse_format = "text";
    auto* rehearse = app.add_subcommand(
        "rehearse", "a restore drill in a scratch directory: that it works, how long it takes, what would be lost");
    if (is_called("rehearse")) {
        add_restore_options(*rehearse, values);
    }
    add_rehearse_options(*rehearse, line.rehearse, rehearse_format);

    auto reversed = words_to_parse(words);
    try {
        app.parse(reversed);
    } catch (const CLI::CallForHelp&) {
        line.text = app.help();
        return line;
    } catch (const CLI::CallForVersion&) {
        line.text = std::string("patroni_pgbackrest ") + PATRONI_PGBACKREST_VERSION + "\n";
        return line;
    } catch (const CLI::ParseError& error) {
        refuse_command_line(app, words, error);
    }
    if (bootstrap->parsed()) {
        line.command = CommandLine::Command::bootstrap;
        line.options = given_options(*bootstrap);
    } else if (check->parsed()) {
        line.command = CommandLine::Command::check;
        line.options = given_options(*check);
    } else if (resume->parsed()) {
        line.command = CommandLine::Command::resume;
    } else if (verify->parsed()) {
        line.command = CommandLine::Command::verify;
        finish_verify(*verify, format, line.verify);
    } else if (configure->parsed()) {
        line.command = CommandLine::Command::configure;
        line.configure.options = configured_options(*configure);
    } else if (archive_get->parsed()) {
        line.command = CommandLine::Command::archive_get;
    } else if (status->parsed()) {
        line.command = CommandLine::Command::status;
        line.status.json = status_format == "json";
    } else if (rehearse->parsed()) {
        line.command = CommandLine::Command::rehearse;
        line.options = given_options(*rehearse);
        line.rehearse.words = words;
        line.rehearse.json = rehearse_format == "json";
    } else if (recovery_end->parsed()) {
        line.command = CommandLine::Command::recovery_end;
    }
    return line;
}

}  // namespace patroni_pgbackrest::commands
