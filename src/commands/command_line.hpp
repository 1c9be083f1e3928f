#pragma once

#include "commands/configure.hpp"
#include "commands/rehearsal_settings.hpp"
#include "commands/resume.hpp"
#include "commands/status.hpp"
#include "commands/verify.hpp"
#include "request/request.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest::commands {

/// What `archive-get` is called with.
struct ArchiveGetArguments {
    std::string wanted;       ///< %f
    std::string destination;  ///< %p
    std::string stanza, configuration, configuration_path, include_path, program = "pgbackrest";
};

/// What `check` is called with besides the options of a restore.
struct CheckOptions {
    std::string explain, format = "text";
    std::vector<std::string> members;
    bool search = false;
};

/// What the command line says, with only its form checked.
struct CommandLine {
    enum class Command {
        bootstrap,
        check,
        resume,
        verify,
        configure,
        archive_get,
        recovery_end,
        status,
        rehearse,
        help
    } command = Command::help;
    std::vector<GivenOption> options;  ///< of bootstrap and check, known or not
    CheckOptions check;
    ArchiveGetArguments archive_get;
    ResumeArguments resume;
    VerifyArguments verify;
    ConfigureArguments configure;
    StatusArguments status;
    RehearseArguments rehearse;
    std::string text;  ///< of help: what to print
};

/// Parses the program's arguments, `words` without the program's name. Throws Failure(usage) for what is not even a
/// command line of this program; unknown options of `bootstrap` are kept, to be reported with everything else.
CommandLine parse_command_line(const std::vector<std::string>& words);

/// The exit codes, one a line, for --help.
std::string exit_code_help();

}  // namespace patroni_pgbackrest::commands
