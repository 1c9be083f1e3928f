#include "checks/checks.hpp"

namespace patroni_pgbackrest {

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
        {"method-other-program", warning, "the method's command is not patroni_pgbackrest bootstrap",
         "None of what is checked here holds for another program; a script that calls it is nothing wrong.",
         "let the command begin with `patroni_pgbackrest bootstrap`"},
        {"method-key-misplaced", error, "a key of the method's block stands at the wrong level",
         "Patroni reads recovery_conf and command inside of the method's block only; beside it they are ignored "
         "without "
         "a word, and the recovery settings are removed.",
         "indent it, so that it belongs to the block of the method"},
        {"method-key-ignored", warning, "a key of the method's block stands at the wrong level",
         "Patroni reads keep_existing_recovery_conf and no_params inside of the method's block only. The restore is "
         "right "
         "without them.",
         "indent it, so that it belongs to the block of the method, or take it out"},
        {"method-key-twice", error, "a key that decides about the restore stands twice",
         "Of a key that stands twice YAML's reader in Patroni takes the last one without a word: the method, the block "
         "or "
         "the target may be another one than the first line says.",
         "take one of them out"},
        {"key-twice", warning, "a key stands twice in patroni.yml", "Only the last one counts, and nobody is told.",
         "take one of them out"},
        {"member-other-scope", error, "the file given with --member is not of this cluster",
         "It was compared with nothing.", "name the patroni.yml of another member of the same scope"},
        {"member-other-method", error, "another member would bootstrap in another way",
         "When the cluster is lost, its nodes race for the /initialize key, and the winner's own patroni.yml decides "
         "how the cluster is made. A node without the method runs initdb: an empty cluster comes up under the old "
         "name.",
         "give every member the same bootstrap.method and block, or start one node alone for the restore"},
        {"member-other-block", warning, "another member's method block has other settings",
         "Which settings the restore has depends on which node is first: another target is another cluster.",
         "let both ask for the same restore; paths of their own are nothing wrong"},
        {"limit-below-control", warning, "a limit is lower than in the cluster that was backed up",
         "A standby does not start while max_connections, max_worker_processes, max_wal_senders, "
         "max_prepared_transactions or max_locks_per_transaction is lower than in the WAL it replays. A bootstrapping "
         "Patroni takes these from bootstrap.dcs, and its own defaults where they are not set.",
         "set the parameter in bootstrap.dcs.postgresql.parameters as high as it was"},
        {"recovery-parameter-unknown", error, "recovery_conf holds a name that is no recovery parameter",
         "Patroni drops it without a word: a misspelt target means that everything in the archive is replayed.",
         "spell it as PostgreSQL does"},
        {"standby-cluster", error, "standby_cluster is configured",
         "With a standby_cluster Patroni makes the first node as a replica of the remote one and never calls a "
         "bootstrap "
         "method.",
         "take it out for the time of the restore"},
        {"dcs-paused", warning, "bootstrap.dcs.pause is set",
         "The restored cluster comes up in maintenance mode: nobody fails over.",
         "take it out, or run `patronictl resume` afterwards"},
        {"node-never-bootstraps", warning, "tags.nofailover is set on this node",
         "Patroni never calls a bootstrap method on a node with this tag.",
         "take it out on the node that is to be restored, or start with another node"},
        {"watchdog-missing", error, "a watchdog is required, and its device cannot be written",
         "The node is restored, but never becomes leader.",
         "load the kernel module (softdog, for example), give the device to the user of Patroni"},
        {"passwords-readable", warning, "patroni.yml holds passwords that everybody can read",
         "Every user of the machine can read the superuser's password.", "`chmod o-rwx` the file"},
        {"resume-missing", warning, "`patroni_pgbackrest resume` does not run before Patroni",
         "A Patroni that dies in the middle of a restore (a reboot, a kill) waits for a leader for ever when it is "
         "started "
         "again: the empty /initialize key stays in the DCS.",
         "install the drop-in of the package, /usr/share/doc/patroni-pgbackrest/examples/patroni.service.d.conf, as "
         "/etc/systemd/system/patroni.service.d/patroni_pgbackrest.conf"},
        {"archive-mode-off", warning, "the restored cluster does not archive",
         "What it writes cannot be restored again, and standbys that lag behind cannot catch up.",
         "set archive_mode and archive_command in bootstrap.dcs.postgresql.parameters"},
        {"archive-command-missing", warning, "archive_mode is on without an archive_command",
         "WAL piles up in pg_wal until the disk is full.", "set archive_command"},
        {"archive-command-other", warning, "archive_command does not run pgbackrest archive-push",
         "The archive that is restored from would end with the restore.",
         "use `pgbackrest --stanza=NAME archive-push %p`; a script that calls it is nothing wrong"},
        {"archive-command-elsewhere", warning, "archive_command uses another stanza or configuration than the restore",
         "The next restore would read an archive that the restored cluster does not write to.",
         "let both name the same one, unless that is what you want"},
        {"standby-restore-command-missing", warning, "standbys have no restore_command",
         "A standby that lags behind more WAL than its leader keeps must be made anew.",
         "set postgresql.recovery_conf.restore_command to `pgbackrest --stanza=NAME archive-get %f \"%p\"`"},
        {"standby-restore-command-elsewhere", warning, "the standbys' restore_command reads another archive",
         "Standbys would get WAL of another cluster, or none.",
         "let it name the stanza that archive_command writes to"},
        {"standby-target-ignored", warning, "postgresql.recovery_conf holds a recovery target",
         "Patroni takes targets out of it: it is for standbys, which follow their leader.",
         "put type and target into the method's block"},
        {"replica-method-rejected", error, "pgbackrest rejects what Patroni appends to a replica method",
         "Every replica that is made with it fails with pgBackRest's error 31 and falls back to the next method, or to "
         "none.",
         "set no_params: true, and take keys out that are no options of pgbackrest restore"},
        {"replica-method-target", error, "a replica method restores to a recovery target",
         "Every new replica would stop at a moment of the past and never follow its leader.",
         "take type and target out of it"},
        {"replica-method-no-master", warning, "a replica method has no_master",
         "Patroni 4 knows no_leader only: the method does not work without a leader any more, and the key is passed on "
         "as "
         "an option.",
         "write no_leader"},
        {"replica-method-leaderless", warning,
         "a replica method works without a leader, and there is a recovery target",
         "While the first node is restored, another one could be made from the backup alone, replay past the target "
         "and "
         "become leader.",
         "remove no_leader until the cluster is up"},
        {"repository", error, "the repository cannot serve the restore",
         "The stanza is missing, has no valid backup, cannot be decrypted or cannot be reached.",
         "read the message; `pgbackrest info` shows the same"},
        {"target", error, "the target cannot be reached",
         "No backup set ends before it, WAL is missing on the way, the archive ends before it, or two branches hold "
         "it.",
         "the hint names the nearest point or the choice there is"},
        {"backup-set-unknown", error, "which backup set the target can be reached from is not known",
         "A transaction or a restore point is found only by replaying the archive. From a backup that ended after the "
         "target it is never met, which would show after the whole replay.",
         "name the newest backup set that had ended before the target with `set`"},
        {"backup-in-error", warning, "the backup set has pages with bad checksums",
         "pgBackRest found damaged pages when it made the backup; they are restored as they are.",
         "name another backup set with set, or look at the pages afterwards with pg_amcheck"},
        {"first-segment", error, "the first WAL segment cannot be read",
         "The listing of the repository shows it, but it cannot be read: the replay would end before it begins.",
         "read pgBackRest's error; permissions and the passphrase are the usual causes"},
        {"binaries", error, "PostgreSQL's programs are missing or of another major version",
         "The restored cluster can be started by the same major version only.",
         "install that version, or correct postgresql.bin_dir"},
        {"disk-full", error, "the disk has no room for the backup",
         "The restore would end with a full disk after hours.",
         "make room, or give tablespaces another place with tablespace-map"},
        {"disk-tight", warning, "the disk has hardly more room than the backup needs",
         "The replay needs room for WAL as well, and the cluster for its growth.", "make room"},
        {"port-taken", warning, "PostgreSQL's port is in use",
         "Patroni's server cannot start while something else listens on its port; the restored directory would be set "
         "aside.",
         "stop what listens there before the restore"},
        {"data-directory-in-use", warning, "the data directory is not empty",
         "Patroni calls a bootstrap method only for an empty one, and bootstrap refuses to touch it.",
         "nothing, when the cluster lives; for a restore move it away"},
        {"leftover", warning, "an earlier try left a directory",
         "It takes room on the disk. Staging is continued by the next run; a directory that Patroni set aside is taken "
         "back when it is known, else it stays.",
         "remove it when it is not needed"},
        {"checked-as-root", warning, "the check ran as root",
         "What the user of Patroni may not read or write is not found that way.",
         "run it as the user that runs Patroni"},
        {"dcs-unknown", warning, "the DCS could not be asked", "Whether the cluster lives is not known.",
         "see that patronictl works as the user of Patroni"},
        {"cluster-lives", warning, "the scope has a leader",
         "Patroni calls a bootstrap method only for a scope without a leader and without an /initialize key.",
         "nothing, when the cluster lives; for a restore stop its nodes and run `patronictl remove`"},
        {"scope-initialized", warning, "the scope is initialised, but has no leader",
         "Patroni would wait for a leader instead of calling the bootstrap method.",
         "stop all nodes and run `patronictl remove` for the scope"},
        {"scope-bootstrapping", warning, "a bootstrap of the scope is under way, or was interrupted",
         "The /initialize key is there without a value: Patroni waits for the node that set it.",
         "wait for it; when no node works on it, `patroni_pgbackrest resume` ends it on the node that did"},

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
        {"verify-probe", error, "a probe did not return true", "The rows are not those that were expected.",
         "choose another target, or correct the probe; Patroni discards the cluster when it was asked as "
         "post_bootstrap"},
        {"verify-probe-unanswered", error, "a probe could not be run",
         "Whether the rows are those that were expected is not known: the query is wrong, its database or table is not "
         "there, or it took too long (10 s as post_bootstrap).",
         "correct or simplify the query; Patroni discards the cluster when it was asked as post_bootstrap, and "
         "restores "
         "it again"},
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

}  // namespace patroni_pgbackrest
