#include "recovery/checks.hpp"

namespace patroni_pgbackrest::recovery {

const std::vector<CheckDefinition>& check_table() {
    using enum Severity;
    static const std::vector<CheckDefinition> table = {
        {"configuration-broken", error, "patroni.yml cannot be read",
         "Patroni would not start with it, or would start with something else than what stands there.",
         "correct the line that is named; `patroni --validate-config FILE` says what Patroni thinks of it"},
        {"request-invalid", error, "a setting of the restore is wrong",
         "The restore would be refused as soon as Patroni calls it, with exit code 2.",
         "correct the option or the line that is named"},
        {"method-missing", error, "bootstrap.method is not set",
         "When the cluster is lost, Patroni runs initdb: an empty cluster comes up under the old name, and replicas "
         "follow it.",
         "set bootstrap.method, for example with `patroni_pgbackrest configure`"},
        {"method-block-missing", error, "bootstrap.method names a block that is not there",
         "Patroni falls back to initdb without a word when the block of the method, or its command, is missing "
         "(bootstrap.py): an empty cluster comes up under the old name.",
         "add the block with a command below `bootstrap`, spelt exactly as the method"},
        {"method-other-program", error, "the method's command is not patroni_pgbackrest bootstrap",
         "None of what is checked here holds for another program.",
         "let the command begin with `patroni_pgbackrest bootstrap`"},
        {"method-key-misplaced", error, "a key of the method's block stands at the wrong level",
         "Patroni reads recovery_conf, keep_existing_recovery_conf, no_params and command inside of the method's block "
         "only; beside it they are ignored without a word, and the recovery settings are removed.",
         "indent it, so that it belongs to the block of the method"},

        {"verify-in-recovery", error, "the server is still in recovery",
         "Nothing that it shows is final. A Patroni that takes it for a primary would wait, or promote it where it is.",
         "wait for the end of the recovery; on a standby, ask the leader instead"},
        {"verify-other-cluster", error, "the system identifier is not the backup's",
         "It is another cluster than the one that was restored; writing to it mixes two clusters in one archive.",
         "find out where the server came from, and restore again"},
        {"verify-timeline", error, "the timeline is not new, or does not come from the one that was followed",
         "The server writes WAL that the archive already has from somebody else, or its past is not the one that was "
         "asked for.",
         "do not use it: restore again"},
        {"verify-target-missed", error, "the recovery ended somewhere else than asked",
         "Rows are missing, or rows are there that should not be.", "do not use it: restore again"},
        {"verify-probe", error, "a probe did not return true",
         "The rows are not those that were expected, or the query could not be run in its time.",
         "choose another target, or correct the probe; Patroni discards the cluster when it was asked as "
         "post_bootstrap"},
        {"verify-corruption", error, "pg_amcheck found corruption",
         "Tables or indexes of the restored cluster are damaged, most likely in the backup already.",
         "restore an older backup set, and run `pgbackrest verify` on the repository"},
        {"verify-no-journal", warning, "what was asked for is not known here",
         "Target, timeline and system identifier cannot be compared with the request. The journal lies on the node "
         "that restored, beside the data directory, until `resume` finds the cluster alive.",
         "ask on that node, or compare with the log of the bootstrap"},
        {"verify-history-missing", warning, "pg_wal has no history file of the server's timeline",
         "Where and why the recovery ended cannot be looked up.", "compare with the file in the archive"},
        {"verify-checksums", warning, "data checksums are not as in the backup",
         "Somebody ran pg_checksums since, or the data directory is not the restored one.", "find out who did"},
        {"verify-signal-file", warning, "a signal file is there although the recovery is over",
         "The next start of the server begins a recovery instead of coming up as it is.", "remove the file"},
        {"verify-recovery-setting", warning, "a recovery setting was left in a configuration file",
         "A standby made from this server, or its next recovery, would follow it.",
         "remove the line, unless you want it"},
        {"verify-archive-setting", warning, "the server does not archive as patroni.yml says",
         "A setting that came with the backup, from ALTER SYSTEM for example, may send WAL to another place or "
         "nowhere.",
         "compare the setting with patroni.yml; ALTER SYSTEM RESET takes it out of postgresql.auto.conf"},
        {"verify-archiver-failing", warning, "the archiver's last try failed",
         "WAL piles up in pg_wal, and what is written from now on cannot be restored.",
         "read what archive_command says in the server's log"},
        {"verify-not-archived", warning, "nothing of the new timeline is in the archive yet",
         "Without its history file the next restore does not find the timeline.",
         "look at pg_stat_archiver; take a new backup once it works"},
        {"verify-no-patroni-yml", warning, "no patroni.yml was found",
         "Archiving is not compared with it, and the probes in it are not asked.", "name it with --patroni-config"},
        {"verify-amcheck-not-done", warning, "nobody has looked for corruption everywhere",
         "pg_amcheck is not there, or a database lacks the extension amcheck.",
         "install the program, and CREATE EXTENSION amcheck in the databases"},
    };
    return table;
}

}  // namespace patroni_pgbackrest::recovery
