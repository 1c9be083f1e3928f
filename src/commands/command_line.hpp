#pragma once

#include "commands/configure.hpp"
#include "commands/resume.hpp"
#include "recovery/request.hpp"

#include <string>
#include <vector>

namespace patroni_pgbackrest::commands {

/// What `archive-get` is called with.
struct ArchiveGetArguments {
    std::string wanted;       ///< %f
    std::string destination;  ///< %p
    std::string stanza, configuration, program = "pgbackrest";
};

/// What the command line says, with only its form checked.
struct CommandLine {
    enum class Command { bootstrap, resume, archive_get, recovery_end, configure, help } command = Command::help;
    std::vector<recovery::GivenOption> options;  ///< of bootstrap, known or not
    ArchiveGetArguments archive_get;
    ResumeArguments resume;
    ConfigureArguments configure;
    std::string text;  ///< of help: what to print
};

/// Parses the program's arguments, `words` without the program's name. Throws Failure(usage) for what is not even a
/// command line of this program; unknown options of `bootstrap` are kept, to be reported with everything else.
CommandLine parse_command_line(const std::vector<std::string>& words);

/// The exit codes, one a line, for --help.
std::string exit_code_help();

}  // namespace patroni_pgbackrest::commands
