#include "pgbackrest/error_meaning.hpp"

namespace patroni_pgbackrest::pgbackrest {

namespace {

constexpr bool passes = true;
constexpr bool stays = false;

constexpr std::string_view correct_option =
    "correct the option in patroni.yml or in pgBackRest's configuration; pgbackrest help restore lists them";
constexpr std::string_view repository_files =
    "check that the repository is mounted and that the user that runs Patroni may read all of it";
constexpr std::string_view local_files =
    "check owner, permissions and free space of the named path; it must belong to the user that runs Patroni";
constexpr std::string_view damaged =
    "the file is damaged, or the repository's cipher-type and cipher-pass are not those it was made with; "
    "pgbackrest verify says which files are affected; another backup set may be intact";
constexpr std::string_view bring_back = "bring the repository back; the next run continues where this one stopped";
constexpr std::string_view try_again = "run it again; the next run continues where this one stopped";
constexpr std::string_view another_set = "pgbackrest info lists the backup sets that are there; choose one of them";
constexpr std::string_view not_ours = "this error belongs to another command of pgBackRest; report it with the log";
constexpr std::string_view report = "read pgBackRest's own message and its log file";

}  // namespace

// Each line is based on where pgBackRest 2.45 and 2.60 throw the error in the commands that we run (restore, info,
// repo-ls, repo-get, archive-get); docs/pgbackrest-errors.md says why.
const std::vector<ErrorMeaning>& error_table() {
    using enum ExitCode;
    static const std::vector<ErrorMeaning> table = {
        {25, "assert", stays, pgbackrest_failed,
         "is this pgBackRest too old for the PostgreSQL version of the backup? If not, it is a bug in pgBackRest"},
        {26, "checksum", stays, pgbackrest_failed, damaged},
        {27, "config", stays, usage, correct_option},
        {28, "file-invalid", stays, pgbackrest_failed, damaged},
        {29, "format", stays, pgbackrest_failed, damaged},
        {30, "command-required", stays, usage, correct_option},
        {31, "option-invalid", stays, usage, correct_option},
        {32, "option-invalid-value", stays, usage, correct_option},
        {37, "option-required", stays, usage, correct_option},
        {38, "pg-running", stays, unsafe,
         "a PostgreSQL runs in the directory, or left its postmaster.pid there; make sure that it is gone"},
        {39, "protocol", passes, repository_unreachable, bring_back},
        {40, "path-not-empty", stays, unsafe,
         "a tablespace or link target holds files that this program did not put there; move them away if they are not "
         "needed"},
        {41, "file-open", stays, pgbackrest_failed, repository_files},
        {42, "file-read", passes, repository_unreachable, bring_back},
        {43, "param-required", stays, usage, correct_option},
        {44, "archive-mismatch", stays, pgbackrest_failed,
         "the stanza's archive belongs to another cluster or PostgreSQL version; is it the right stanza and "
         "repository?"},
        {45, "archive-duplicate", stays, pgbackrest_failed,
         "two clusters archived into one stanza; find out which one is right before anything is restored"},
        {46, "version-not-supported", stays, preflight_refused,
         "install a pgBackRest that knows the PostgreSQL version of the backup"},
        {47, "path-create", stays, pgbackrest_failed, local_files},
        {48, "command-invalid", stays, usage, correct_option},
        {49, "host-connect", passes, repository_unreachable, bring_back},
        {50, "lock-acquire", passes, lock_held,
         "another pgBackRest works on this stanza on this host; wait for it, or end it, then run this again"},
        {51, "backup-mismatch", stays, pgbackrest_failed,
         "the stanza's backups belong to another cluster or PostgreSQL version; is it the right stanza and "
         "repository?"},
        {52, "file-sync", stays, pgbackrest_failed, local_files},
        {53, "path-open", stays, pgbackrest_failed, repository_files},
        {54, "path-sync", stays, pgbackrest_failed, local_files},
        {55, "file-missing", stays, target_not_reachable,
         "a file that is needed is not in the repository: is the stanza right, or has the backup set expired?"},
        {56, "db-connect", stays, pgbackrest_failed, not_ours},
        {57, "db-query", stays, pgbackrest_failed, not_ours},
        {58, "db-mismatch", stays, target_not_reachable,
         "the requested timeline cannot be reached from this backup set; choose another target-timeline or set"},
        {60, "file-remove", stays, pgbackrest_failed, local_files},
        {61, "path-remove", stays, pgbackrest_failed, local_files},
        {62, "stop", stays, pgbackrest_failed,
         "somebody stopped pgBackRest with pgbackrest stop; pgbackrest start lets it run again"},
        {63, "term", passes, pgbackrest_failed, try_again},
        {64, "file-write", stays, pgbackrest_failed, local_files},
        {67, "feature-not-supported", stays, pgbackrest_failed, report},
        {68, "archive-command-invalid", stays, pgbackrest_failed, not_ours},
        {69, "link-expected", stays, pgbackrest_failed, local_files},
        {70, "link-destination", stays, usage, "correct link-map or tablespace-map: the destination is not possible"},
        {72, "host-invalid", stays, usage,
         "pgBackRest's configuration names another host for this cluster (pg1-host); restore runs on the host of "
         "PostgreSQL only"},
        {73, "path-missing", stays, pgbackrest_failed, repository_files},
        {74, "file-move", stays, pgbackrest_failed, local_files},
        {75, "backup-set-invalid", stays, target_not_reachable, another_set},
        {76, "tablespace-map", stays, usage, "correct tablespace-map: name tablespaces that the backup set has"},
        {78, "link-map", stays, usage, "correct link-map: name links that the backup set has"},
        {79, "file-close", stays, pgbackrest_failed, local_files},
        {80, "db-missing", stays, usage, "correct db-include or db-exclude: name databases that the backup set has"},
        {81, "db-invalid", stays, usage, "correct db-include or db-exclude"},
        {82, "archive-timeout", passes, repository_unreachable, bring_back},
        {83, "file-mode", stays, pgbackrest_failed, local_files},
        {87, "archive-disabled", stays, pgbackrest_failed, not_ours},
        {88, "file-owner", stays, pgbackrest_failed, local_files},
        {89, "user-missing", stays, pgbackrest_failed, local_files},
        {93, "file-exists", stays, pgbackrest_failed, local_files},
        {94, "memory", passes, pgbackrest_failed,
         "memory ran out; lower process-max or the limits of the service, then run it again"},
        {95, "crypto", stays, pgbackrest_failed,
         "is repo-cipher-pass the one that the repository was made with, and the server's certificate one that this "
         "host trusts?"},
        {96, "param-invalid", stays, usage, correct_option},
        {97, "path-close", stays, pgbackrest_failed, local_files},
        {98, "file-info", stays, pgbackrest_failed, local_files},
        {99, "json-format", stays, pgbackrest_failed, damaged},
        {100, "kernel", stays, pgbackrest_failed, report},
        {101, "service", passes, repository_unreachable, bring_back},
        {102, "execute", passes, pgbackrest_failed, try_again},
        {103, "repo-invalid", passes, repository_unreachable,
         "no repository could be used; pgBackRest's warnings above say why for each of them"},
        {104, "command", stays, pgbackrest_failed, report},
        {105, "access", stays, pgbackrest_failed,
         "the repository host refuses this host's certificate; allow it in tls-server-auth there"},
        {106, "clock", stays, pgbackrest_failed, not_ours},
        {122, "runtime", stays, pgbackrest_failed, report},
        {124, "unhandled", stays, pgbackrest_failed, report},
        {125, "unknown", stays, pgbackrest_failed, report},
    };
    return table;
}

const ErrorMeaning& meaning_of_error(int code) {
    static const ErrorMeaning unknown{0, "unknown to this program", stays, ExitCode::pgbackrest_failed, report};
    for (const ErrorMeaning& meaning : error_table()) {
        if (meaning.code == code) {
            return meaning;
        }
    }
    return unknown;
}

}  // namespace patroni_pgbackrest::pgbackrest
