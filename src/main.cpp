#include "commands/arguments.hpp"
#include "commands/bootstrap.hpp"
#include "commands/check.hpp"
#include "commands/command_line.hpp"
#include "commands/configure.hpp"
#include "commands/preflight.hpp"
#include "commands/rehearse.hpp"
#include "commands/status.hpp"
#include "commands/verify.hpp"
#include "pgbackrest/command_line.hpp"
#include "process/process_tree.hpp"
#include "replay/archive_get.hpp"
#include "replay/delivery.hpp"
#include "replay/wal_request.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/refusal.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace {

using namespace patroni_pgbackrest;
using commands::CommandLine;

int guard(const commands::ArchiveGetArguments& arguments) {
    interruption::install();
    // The guard of the next server writes to the same file. A shell may stay between this one and the startup process.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    pgbackrest::Pgbackrest pgbackrest;
    pgbackrest.program = arguments.program;
    pgbackrest.stanza = arguments.stanza;
    if (!arguments.configuration.empty()) {
        pgbackrest.configuration = arguments.configuration;
    }
    if (!arguments.configuration_path.empty()) {
        pgbackrest.common.push_back({"config-path", arguments.configuration_path});
    }
    if (!arguments.include_path.empty()) {
        pgbackrest.common.push_back({"config-include-path", arguments.include_path});
    }
    return archive_get(pgbackrest, arguments.wanted, arguments.destination);
}

void bootstrap(const std::vector<std::string>& words) {
    commands::refuse_root("bootstrap");
    interruption::install();
    process::adopt_orphans();
    commands::bootstrap(commands::read_bootstrap_arguments(words));
}

int check(const std::vector<std::string>& words, const commands::CheckOptions& options) {
    interruption::install();
    return static_cast<int>(
        commands::check({words, options.format == "json", options.search, options.explain, options.members}));
}

int run(const std::vector<std::string>& words) {
    const auto line = commands::parse_command_line(words);
    switch (line.command) {
    case CommandLine::Command::help:
        std::fputs(line.text.c_str(), stdout);
        break;
    case CommandLine::Command::bootstrap:
        bootstrap(words);
        break;
    case CommandLine::Command::check:
        return check(words, line.check);
    case CommandLine::Command::resume:
        commands::refuse_root("resume");
        interruption::install();
        process::adopt_orphans();
        commands::resume(line.resume);
        break;
    case CommandLine::Command::verify:
        interruption::install();
        return static_cast<int>(commands::verify(line.verify));
    case CommandLine::Command::configure:
        commands::configure(line.configure);
        break;
    case CommandLine::Command::archive_get:
        return guard(line.archive_get);
    case CommandLine::Command::status:
        interruption::install();
        return static_cast<int>(commands::status(line.status));
    case CommandLine::Command::rehearse:
        commands::refuse_root("rehearse");
        interruption::install();
        process::adopt_orphans();
        commands::rehearse(line.rehearse);
        break;
    case CommandLine::Command::recovery_end:
        end_recovery();
        break;
    }
    return 0;
}

/// In the place of a standard stream that is closed the next file would be opened, and the log written into that. What
/// stands there now refuses the same calls.
void occupy_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(stream, F_GETFD) < 0) {
            static_cast<void>(::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) == stream);
        }
    }
}

/// Nothing that was started outlives the program: pgBackRest's asynchronous archive-get is a session of its own.
void end_children() {
    try {
        process::end_descendants(std::chrono::seconds(2));
    } catch (const std::exception& error) {
        log::warning("a child may still run: {}", error.what());
    }
}

}  // namespace

int main(int argc, char** argv) {
    occupy_standard_streams();
    // PostgreSQL waits: nothing else is looked at before, and nothing is left to end.
    if (const auto call = parse_wal_call(argc, argv)) {
        return ask_for_wal(*call);
    }
    const std::vector<std::string> words(argv + 1, argv + argc);
    // An error of the guard itself must not look like the end of the archive either.
    const bool guard = !words.empty() && words.front() == "archive-get";
    const auto answer = [&](ExitCode code) {
        const bool interrupted =
            code == ExitCode::terminated || code == ExitCode::interrupted || code == ExitCode::hangup;
        return static_cast<int>(guard && !interrupted ? ExitCode::abort_recovery : code);
    };
    int code = 0;
    bool has_failed = false;
    pgbackrest::drop_empty_variables();
    // What is wrong with the command line itself is told in it as well.
    if (const auto format = log::parse_format(commands::value_in(words, "log-format").value_or(""))) {
        log::set_format(*format);
    }
    try {
        code = run(words);
    } catch (const std::exception& error) {
        const auto failure = system::unexpected(error);
        for (const auto& problem : failure.problems()) {
            log::write(problem);
        }
        code = answer(failure.code());
        has_failed = true;
    }
    end_children();
    // A person is told of an error only; a program knows by it that the log is whole.
    if (!guard && (has_failed || log::format() == log::Format::json)) {
        log::write_end(code, meaning_of(static_cast<ExitCode>(code)).meaning);
    }
    return code;
}
