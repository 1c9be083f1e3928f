#include "commands/documentation.hpp"

#include "checks/checks.hpp"
#include "commands/configure.hpp"
#include "request/options.hpp"
#include "system/exit_code.hpp"

#include <array>
#include <fmt/format.h>
#include <string_view>

namespace patroni_pgbackrest::commands {

namespace {

/// Text for roff: a hyphen that stays one, and no word that would be taken for a request.
std::string roff(std::string_view text) {
    std::string escaped;
    for (const char letter : text) {
        const bool begins_line = escaped.empty() || escaped.back() == '\n';
        if (letter == '\\') {
            escaped += "\\e";
        } else if (letter == '-') {
            escaped += "\\-";
        } else if (begins_line && (letter == '.' || letter == '\'')) {
            escaped += "\\&";
            escaped += letter;
        } else {
            escaped += letter;
        }
    }
    return escaped;
}

constexpr std::array groups = {
    std::pair{OptionOwner::target, "What to restore"},
    std::pair{OptionOwner::ours, "How to work"},
    std::pair{OptionOwner::patroni, "Passed by Patroni"},
    std::pair{OptionOwner::pgbackrest, "Passed on to pgbackrest restore"},
};

std::string option_entry(const OptionDefinition& option) {
    const auto argument = option.argument.empty() ? std::string() : fmt::format("=\\fI{}\\fR", roff(option.argument));
    const auto repeated = option.kind == OptionKind::list ? " (may be repeated)" : "";
    return fmt::format(".TP\n\\fB\\-\\-{}\\fR{}\n{}{}\n", roff(option.name), argument, roff(option.help), repeated);
}

std::string option_section() {
    std::string text = ".SH OPTIONS OF BOOTSTRAP\n"
                       "Each of them but scope, datadir and patroni\\-config can stand in the method's block of\n"
                       "patroni.yml as well, without its dashes; the command line counts more. Defaults are in\n"
                       "brackets. An unknown option is an error.\n";
    for (const auto& [owner, title] : groups) {
        text += fmt::format(".SS {}\n", title);
        for (const auto& option : bootstrap_options()) {
            if (option.owner == owner) {
                text += option_entry(option);
            }
        }
    }
    return text;
}

std::string configure_section() {
    std::string text =
        ".SH OPTIONS OF CONFIGURE\nOf the options of bootstrap it takes these, for the method's block:\n";
    for (const auto& option : configurable_options()) {
        text += fmt::format(".B \\-\\-{}\n", roff(option.name));
    }
    text += "and of its own:\n";
    for (const auto& option : options_of_configure()) {
        text += option_entry(option);
    }
    return text;
}

std::string exit_status_section() {
    std::string text = ".SH EXIT STATUS\n";
    for (const auto& entry : exit_code_table) {
        text += fmt::format(".TP\n.B {}\n{}: {}\n", static_cast<int>(entry.code), roff(entry.meaning),
                            roff(entry.what_next));
    }
    return text;
}

/// `--type= --target= …`, for the completion.
std::string configure_words() {
    std::string words;
    for (const auto& options : {options_of_configure(), configurable_options()}) {
        for (const auto& option : options) {
            words += fmt::format("--{}{} ", option.name, option.kind == OptionKind::flag ? "" : "=");
        }
    }
    return words;
}

/// Options whose values are a small set, for the completion.
constexpr std::array fixed_values = {
    std::pair<std::string_view, std::string_view>{"recovery", "standalone patroni"},
    std::pair<std::string_view, std::string_view>{"log-level", "debug info warning error"},
    std::pair<std::string_view, std::string_view>{"type", "latest immediate time xid lsn name"},
    std::pair<std::string_view, std::string_view>{"target-timeline", "latest current"},
    std::pair<std::string_view, std::string_view>{"target-action", "promote"},
    std::pair<std::string_view, std::string_view>{"archive-mode", "preserve"},
    std::pair<std::string_view, std::string_view>{"format", "text json"},
    std::pair<std::string_view, std::string_view>{"source", "fenced"},
};

std::string option_words() {
    std::string words;
    for (const auto& option : bootstrap_options()) {
        words +=
            fmt::format("{}--{}{}", words.empty() ? "" : " ", option.name, option.kind == OptionKind::flag ? "" : "=");
    }
    return words;
}

/// `--report | --pgbackrest-config`: the options that take an argument of one of these kinds.
std::string options_that_take(std::initializer_list<std::string_view> arguments) {
    std::string names;
    for (const auto& option : bootstrap_options()) {
        for (const auto argument : arguments) {
            if (option.argument == argument) {
                names += fmt::format("{}--{}", names.empty() ? "" : " | ", option.name);
            }
        }
    }
    return names;
}

std::string value_cases() {
    std::string cases;
    for (const auto& [name, values] : fixed_values) {
        cases += fmt::format("    --{}) COMPREPLY=($(compgen -W '{}' -- \"$current\")) ;;\n", name, values);
    }
    cases += fmt::format("    {}) COMPREPLY=($(compgen -d -- \"$current\")) && compopt -o filenames ;;\n",
                         options_that_take({"DIR"}));
    cases += fmt::format("    {}) COMPREPLY=($(compgen -f -- \"$current\")) && compopt -o filenames ;;\n",
                         options_that_take({"FILE", "PATH", "PROGRAM"}));
    return cases;
}

}  // namespace

std::string manual_page() {
    return fmt::format(
               R"(.\" made from the tables in src/request/options.cpp and src/system/exit_code.hpp
.TH PATRONI_PGBACKREST 1 "" "patroni_pgbackrest {}" "User Commands"
)",
               PATRONI_PGBACKREST_VERSION) +
           R"(.SH NAME
patroni_pgbackrest \- restore PostgreSQL clusters from pgBackRest backups under Patroni
.SH SYNOPSIS
.B patroni_pgbackrest bootstrap
.RI [ option ...]
.br
.B patroni_pgbackrest check
.RI [ option ...]
.br
.B patroni_pgbackrest resume
.RI [ \-\-patroni\-config=PATH ]
.br
.B patroni_pgbackrest verify
.RI [ option ...]\  [ connection ]
.br
.B patroni_pgbackrest configure
.RI \-\-patroni\-config=PATH\ [ option ...]
.br
.B patroni_pgbackrest archive\-get
.RI [ option ...]\  %f\ %p
.br
.B patroni_pgbackrest recovery\-end
.br
.B patroni_pgbackrest \-\-help\fR | \fB\-\-version
.SH DESCRIPTION
A Patroni cluster whose data directory is gone comes back from its pgBackRest repository. When the command ends with 0,
the data directory holds exactly what was asked for. When it ends with anything else, the data directory is as it was
before, and the message says what to do.
.SH COMMANDS
.TP
.B bootstrap
is called by Patroni as
.IR bootstrap.method .
It copies a backup into a staging directory, has the WAL replayed to the target, proves that the target was reached, and
renames the result into place. Called again after an interruption, it goes on where it was. Where the method's block has
.IR recovery_conf ,
Patroni's own PostgreSQL replays, and this program prepares it and guards it (patroni mode).
.TP
.B check
takes the options of bootstrap, and finds what would keep the restore from its end, or make it worthless: in patroni.yml, in
the repository and on this machine, everything at once. It changes nothing. It ends with 3 when a finding is an error, else with
0.
.B \-\-format=json
is for monitoring,
.BI \-\-explain= ID
tells more about a finding.
.BI \-\-member= FILE
compares another member's patroni.yml: whichever node is first bootstraps with its own.
.TP
.B resume
is called before Patroni starts, by systemd (ExecStartPre) or a container's entrypoint. When a bootstrap of this node was
interrupted by a reboot or a kill, it ends it up to the renaming into place; Patroni, which would wait for a leader for ever,
then goes on with the data directory. When there is nothing to do, or another member leads meanwhile, it does nothing and
ends with 0. When it ends with anything else, Patroni must not start.
.TP
.B verify
is called by Patroni as
.IR post_bootstrap ,
which adds the connection, and by hand, without one, on the node that restored. It looks at the server that came up: recovery
over, the backup's system identifier, a new timeline that begins where the target is, nothing of the recovery left, archiving as
in patroni.yml; and asks the probes, queries that must return true. It ends with 8 when there is an error, and Patroni then
discards the cluster.
.B \-\-probe\fR=\fI[DATABASE=]SQL
(may be repeated) takes the place of those in the method's block,
.B \-\-format\fR=\fIjson
makes the report one for programs,
.B \-\-amcheck
also runs pg_amcheck, which reads the whole cluster (not as post_bootstrap), and
.B \-\-patroni\-config
names patroni.yml. A password is best left out of the connection, which other users of the host can see: use PGPASSFILE.
.TP
.B configure
is called by a person. It shows, as
.B diff \-u
does, what patroni.yml needs for
.BR bootstrap ,
and writes it with
.BR \-\-write .
Comments, order and layout stay as they are, and passwords are not shown. After a restore to a moment
.B \-\-remove
takes the target out again.
.TP
.B archive\-get
is called by PostgreSQL as
.IR restore_command .
It runs
.B pgbackrest archive\-get
and tells PostgreSQL that the archive has no more only where that is so: PostgreSQL takes every exit code up to 125 for
the end of the archive, and an error of pgBackRest would end the recovery early. During a bootstrap the ticket in the data
directory says how pgBackRest is called; without one the options
.BR \-\-stanza ,
.B \-\-pgbackrest\-config
and
.B \-\-pgbackrest
do.
.TP
.B recovery\-end
is called by PostgreSQL as
.I recovery_end_command
in patroni mode. It removes what the bootstrap left for the replay. It does nothing anywhere else.
)" + option_section() +
           configure_section() + exit_status_section() + R"(.SH FILES
PGDATA stands for the data directory.
.TP
.I PGDATA.restoring
the staging directory;
.I PGDATA/.restoring
where PGDATA is a mount point or its parent directory is not writable
.TP
.I PGDATA.restoring.d
what belongs to the run: its journal, its lock, pgBackRest's spool and locks
.TP
.I PGDATA/patroni_pgbackrest.ticket
what the guard must know of a replay; removed at its end
.TP
.I PGDATA/patroni_pgbackrest.replay
what the guard has seen of a replay; removed at its end
.SH EXAMPLE
.nf
bootstrap:
  method: pgbackrest
  pgbackrest:
    command: /usr/bin/patroni_pgbackrest bootstrap
    stanza: demo
    type: time
    target: \(aq2026\-11\-22 10:00:00+00\(aq
.fi
.SH SEE ALSO
.BR patroni (1),
.BR patronictl (1),
.BR pgbackrest (1),
.BR postgres (1)
.PP
/usr/share/doc/patroni\-pgbackrest holds the documentation, a runbook and example configurations.
)";
}

std::string bash_completion() {
    return R"(# bash completion of patroni_pgbackrest; made from the option table in src/request/options.cpp
_patroni_pgbackrest() {
  local current=${COMP_WORDS[COMP_CWORD]} option='' command='' word
  local -i before=$((COMP_CWORD - 1))
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:before}"; do
    case $word in
    bootstrap | check | resume | verify | configure | archive-get | recovery-end) command=$word && break ;;
    esac
  done
  if [[ -z $command ]]; then
    COMPREPLY=($(compgen -W 'bootstrap check resume verify configure archive-get recovery-end --help --version' -- "$current"))
    return
  fi
  # bash takes the sign of --option=value for a word of its own.
  if [[ $current == = ]]; then
    option=${COMP_WORDS[before]} current=''
  elif [[ ${COMP_WORDS[before]} == = ]]; then
    option=${COMP_WORDS[before - 1]}
  elif [[ $current != -* ]]; then
    option=${COMP_WORDS[before]}
  fi
  if [[ $option == --* ]]; then
    case $option in
)" + value_cases() +
           R"(    esac
    return
  fi
  case $command in
  bootstrap)
    COMPREPLY=($(compgen -W ')" +
           option_words() + R"( --help' -- "$current"))
    ;;
  check)
    COMPREPLY=($(compgen -W ')" +
           option_words() + R"( --member= --format= --explain= --help' -- "$current"))
    ;;
  resume)
    COMPREPLY=($(compgen -W '--patroni-config= --help' -- "$current"))
    ;;
  verify)
    COMPREPLY=($(compgen -W '--patroni-config= --probe= --format= --amcheck --help' -- "$current"))
    ;;
  configure)
    COMPREPLY=($(compgen -W ')" +
           configure_words() + R"(--help' -- "$current"))
    ;;
  archive-get)
    COMPREPLY=($(compgen -W '--stanza= --pgbackrest-config= --pgbackrest= --help' -- "$current"))
    ;;
  recovery-end)
    COMPREPLY=($(compgen -W '--help' -- "$current"))
    ;;
  esac
  [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
complete -F _patroni_pgbackrest patroni_pgbackrest
)";
}

std::string exit_code_document() {
    std::string text = R"(# Exit codes

<!-- Made from the table in src/system/exit_code.hpp. Change it there, then run: make_documents docs -->

Patroni only knows zero and everything else. These codes are for you, and for what watches your logs; the last line of a
failed run repeats the code in words, and the JSON report (option `report`) has it as `outcome.exit_code`. Where somebody
else's code is behind a failure, pgBackRest's for example, it is named in the message and never passed on:
[pgbackrest-errors.md](pgbackrest-errors.md) says which becomes which.

"Again as it is?" tells whether the same call may succeed later although nobody changed anything.

| code | meaning | again as it is? | what to do |
| ---: | --- | --- | --- |
)";
    for (const auto& entry : exit_code_table) {
        text += fmt::format("| {} | {} | {} | {} |\n", static_cast<int>(entry.code), entry.meaning,
                            entry.worth_another_try ? "yes" : "no", entry.what_next);
    }
    text += R"(
After every code of `bootstrap` but 0 the data directory is as it was before: absent, empty, or with whatever somebody
had in it. The one exception is a hand-over entry by entry (into a mount point) that was interrupted: the next run, or
`resume`, takes those entries back first. After 8 from `verify` as post_bootstrap Patroni has renamed the directory. In
patroni mode 0 means that the copy is in place and that Patroni's own PostgreSQL has all it needs for the replay.

200 is what the guard (`archive-get`) answers PostgreSQL, which stops the recovery. PostgreSQL takes 1 to 125 for the end
of the archive, so during a restore the guard never answers with those but for 1, "not there", where that is the truth.

What to do about each of them at a lost cluster: [runbooks/restore-a-lost-cluster.md](runbooks/restore-a-lost-cluster.md).
)";
    return text;
}

std::string checks_document() {
    std::string text =
        "# What check and verify look for\n\n"
        "Made from the program's table; `patroni_pgbackrest check --explain ID` prints one of these.\n"
        "An error ends `check` with exit code 3 and `verify` with 8. `bootstrap` ends with the code of the cause\n"
        "([exit codes](exit-codes.md)), and goes on where only replicas or other members are concerned. A warning is\n"
        "told, and nothing else.\n";
    for (const auto& definition : check_table()) {
        text += "\n" + explanation(definition);
    }
    return text;
}

}  // namespace patroni_pgbackrest::commands
