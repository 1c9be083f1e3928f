#include "checks/checks.hpp"

namespace patroni_pgbackrest {

const std::vector<CheckDefinition>& check_table() {
    using enum Severity;
    static const std::vector<CheckDefinition> table = {
        {"runs-as-root", error, "the program runs as root",
         "PostgreSQL does not start as root, and from 2.59 on pgBackRest runs only `restore` as root. What root leaves "
         "beside the data directory keeps every later run of Patroni's user from its own, so `bootstrap` and `resume` "
         "refuse to. Root may read and write everything, so `check` does not find what that user may not.",
         "run it as the user that runs Patroni, for example `sudo -u postgres patroni_pgbackrest check`"},
        {"configuration-broken", error, "patroni.yml cannot be read",
         "Patroni would not start with it, or would start with other settings than the file shows.",
         "correct the named line; `patroni --validate-config FILE` says what Patroni thinks of it"},
        {"request-invalid", error, "a setting of the restore is wrong",
         "Every call of `bootstrap` would be refused with exit code 2.", "correct the named option or line"},
        {"method-missing", error, "bootstrap.method is not set, or is initdb",
         "If the cluster is lost, Patroni runs initdb: an empty cluster comes up under the old name, and replicas "
         "follow it.",
         "set bootstrap.method, for example with `patroni_pgbackrest configure`"},
        {"method-block-missing", error, "bootstrap.method names a block that does not exist",
         "If the block of the method or its command is missing, Patroni silently runs initdb (bootstrap.py): an empty "
         "cluster comes up under the old name.",
         "add the block with a command below `bootstrap`, spelt exactly like the method"},
        {"method-other-program", warning, "the method's command is not patroni_pgbackrest bootstrap",
         "These checks do not apply to another program. A script that calls `patroni_pgbackrest bootstrap` is fine.",
         "let the command begin with `patroni_pgbackrest bootstrap`"},
        {"option-boolean", error, "an option's value is a YAML boolean",
         "Patroni 3.2 and later pass on what Python makes of the value: `target: yes` becomes --target=True, another "
         "target.",
         "put the value in quotes"},
        {"option-without-value", error, "an option has no value",
         "Patroni 3.2 and later pass it on as the word None. This program takes it for not set; a script would take "
         "None for a value.",
         "give it a value, or remove it"},
        {"method-key-misplaced", error, "a key of the method's block is at the wrong level",
         "Patroni reads recovery_conf and command only inside the method's block. Elsewhere it silently ignores them "
         "and removes the recovery settings.",
         "indent it so that it belongs to the method's block"},
        {"method-key-ignored", warning, "a key of the method's block is at the wrong level",
         "Patroni reads keep_existing_recovery_conf and no_params only inside the method's block. The restore is right "
         "without them.",
         "indent it so that it belongs to the method's block, or remove it"},
        {"method-key-twice", error, "a key that matters for the restore occurs twice",
         "If a key occurs twice, Patroni's YAML reader silently takes the last one: the method, the block or the "
         "target may not be what the first line says.",
         "remove one of them"},
        {"key-twice", warning, "a key occurs twice in patroni.yml", "Patroni silently takes the last one.",
         "remove one of them"},
        {"key-misplaced", warning, "a key stands where Patroni ignores it",
         "parameters, pg_hba, create_replica_methods and the like belong to postgresql or bootstrap.dcs.postgresql, "
         "use_slots to bootstrap.dcs.postgresql alone, ttl and the like to bootstrap.dcs. One level higher or lower "
         "they do nothing, and nobody says so.",
         "move it where the hint says"},
        {"member-other-scope", error, "the file given with --member belongs to another cluster", "It was not compared.",
         "name the patroni.yml of another member of the same scope"},
        {"member-other-method", error, "another member would bootstrap differently",
         "If the cluster is lost, its nodes race for the /initialize key, and the winner's own patroni.yml decides how "
         "the cluster is made. A node without the method runs initdb: an empty cluster comes up under the old name.",
         "give every member the same bootstrap.method and block, or start one node alone for the restore"},
        {"member-other-block", warning, "another member's method block has other settings",
         "The node that is first decides the settings of the restore. Another target means another cluster.",
         "make both ask for the same restore; different paths are fine"},
        {"limit-below-control", warning, "a limit is lower than in the cluster that was backed up",
         "A standby does not start while max_connections, max_worker_processes, max_wal_senders, "
         "max_prepared_transactions or max_locks_per_transaction is lower than in the WAL it replays. During a "
         "bootstrap Patroni takes these from the configuration that an earlier cluster left in the DCS, else from "
         "bootstrap.dcs, else its own defaults.",
         "set the parameter there (patronictl edit-config, bootstrap.dcs.postgresql.parameters) at least as high as it "
         "was"},
        {"recovery-parameter-unknown", error, "recovery_conf has a key that is not a recovery parameter",
         "Patroni silently drops it: with a misspelt target, everything in the archive is replayed.",
         "spell it as PostgreSQL does"},
        {"target-not-proven", warning, "patroni mode without verify as post_bootstrap",
         "With recovery_conf, Patroni's own PostgreSQL replays, after `bootstrap` has ended. The guard aborts a "
         "recovery that lacks a segment; where the recovery really ended only `verify` compares with the request, and "
         "Patroni discards what it rejects. In standalone mode the proof comes before the hand-over. Looked at are "
         "the command and the scripts that it names; one without its path is looked for in the PATH of who runs "
         "`check`, which may not be Patroni's.",
         "set bootstrap.post_bootstrap to `patroni_pgbackrest verify`, or call it in the script that is there"},
        {"standby-cluster", error, "standby_cluster is configured",
         "With standby_cluster (host, port or restore_command), Patroni creates the first node as a replica of the "
         "remote cluster, with the methods of standby_cluster.create_replica_methods, else basebackup, and never calls "
         "a "
         "bootstrap method.",
         "remove it until the restore is done"},
        {"dcs-paused", error, "bootstrap.dcs.pause is set, or pause in the DCS",
         "Patroni calls no bootstrap method in pause (maintenance mode), and starts no server there: the node waits "
         "with an empty data directory, for ever. `patronictl resume` needs a member that runs.",
         "take pause out of bootstrap.dcs, or out of the DCS with `patronictl edit-config`"},
        {"dcs-left", warning, "the DCS holds another configuration than bootstrap.dcs",
         "What an earlier cluster of the scope left in the DCS (its key /config) counts at a bootstrap, and "
         "bootstrap.dcs does not; Patroni writes it back when the cluster is restored. So it is what `check` and "
         "`bootstrap` judge: such a finding has `/config in the DCS` and the key for a place.",
         "run `patronictl remove` if bootstrap.dcs is meant, or change it with `patronictl edit-config`"},
        {"dcs-left-status", warning, "an earlier leader has left keys in the DCS that may keep this node from leading",
         "Patroni's own bootstrap takes the lead without a race. A restore that was interrupted, and that `resume` "
         "ends, is a standby for Patroni at first: more than maximum_lag_on_failover behind the position in /status "
         "(/optime/leader), or without its name in /sync (synchronous_mode) or /failsafe (failsafe_mode), it never "
         "leads. Without an initialize key these keys are an earlier cluster's.",
         "run `patronictl remove` before the restore; where it was resumed already, `patronictl failover --candidate` "
         "makes it leader"},
        {"node-never-bootstraps", warning, "tags.nofailover is set on this node, or its failover_priority is 0",
         "Patroni never calls a bootstrap method on a node with this tag. From 3.2 on a failover_priority of 0 means "
         "the same.",
         "remove it on the node to be restored, or start with another node"},
        {"dcs-ignored", error, "ttl, loop_wait or retry_timeout is not a number, or a section not a map",
         "Patroni logs `Exception when setting dynamic_configuration` and takes nothing of bootstrap.dcs: the restored "
         "cluster has none of its parameters, archive_command among them, and its /config key is empty.",
         "write it as a number of seconds, without a unit, or the section as keys and values, or remove it"},
        {"dcs-value-ignored", warning, "another value of bootstrap.dcs is none that Patroni takes",
         "Patroni 3.1 and later take their default instead, and 3.0.3 and later that of a parameter of PostgreSQL "
         "(max_connections and the like, wal_keep_size, wal_level). Older ones take nothing of bootstrap.dcs at all.",
         "write it as the hint says, or remove it"},
        {"leader-loses-lock", warning, "ttl is less than loop_wait + 2 * retry_timeout",
         "Before Patroni 3.2 a leader may lose its lock while it still tries to reach the DCS: the restored cluster "
         "would demote it for nothing, most likely while it is busy after the restore. Later ones make loop_wait and "
         "retry_timeout smaller than the file says.",
         "set ttl to the number in the hint, or make the other two smaller"},
        {"leader-never-again", warning, "maximum_lag_on_failover is negative",
         "A node that was stopped lags by 0 bytes at the least, which is more than that. After the first stop of the "
         "whole cluster no node is healthy enough to take the lock, and the restored cluster stays read-only.",
         "set it to 0 or more, or remove it"},
        {"listen-misread", error, "postgresql.listen has no port that Patroni can read",
         "What stands behind the last colon is the port for Patroni: of `::1` it takes 1, and `[::1]` makes it end. A "
         "name or "
         "an IPv4 address needs none.",
         "write the port: `[::1]:5432`"},
        {"role-without-name", error, "a role of postgresql.authentication has no username",
         "Patroni takes the replication user's name for the rules that it writes before the first start after a "
         "restore, and makes a role of each section afterwards. Without the name it ends with a KeyError, and sets "
         "the restored directory aside. A superuser without a name is no such case: libpq takes PGUSER or the system "
         "user's name, and pg_rewind the superuser where no rewind is named.",
         "set username in the section, or PATRONI_REPLICATION_USERNAME or PATRONI_REWIND_USERNAME in the environment "
         "of Patroni and of `check`"},
        {"watchdog-missing", error, "a watchdog is required, but its device cannot be written",
         "The node is restored, but never becomes leader.",
         "load the kernel module (for example softdog), and give the user that runs Patroni access to the device"},
        {"passwords-readable", warning, "patroni.yml contains passwords and is readable by everybody",
         "Every user of the machine can read the superuser's password.", "`chmod o-rwx` the file"},
        {"resume-missing", warning, "`patroni_pgbackrest resume` does not run before Patroni",
         "If Patroni dies in the middle of a restore (a reboot, a kill), it waits for a leader forever after its next "
         "start: the empty /initialize key stays in the DCS.",
         "install the package's drop-in, /usr/share/doc/patroni-pgbackrest/examples/patroni.service.d.conf, as "
         "/etc/systemd/system/patroni.service.d/patroni_pgbackrest.conf"},
        {"archive-mode-off", warning, "the restored cluster does not archive",
         "What it writes cannot be restored, and standbys that lag too far behind cannot catch up. Looked at are "
         "patroni.yml, "
         "the base configuration file and postgresql.auto.conf, where they are on this node; what the backup's files "
         "include "
         "is not.",
         "set archive_mode and archive_command in bootstrap.dcs.postgresql.parameters"},
        {"archive-command-missing", warning, "archive_mode is on without an archive_command",
         "WAL piles up in pg_wal until the disk is full.", "set archive_command"},
        {"archive-library", warning, "archive_library is set",
         "PostgreSQL (15 and later) archives with the library, and not with archive_command: the archive that the "
         "restore reads would not be continued.",
         "take archive_library out, and let archive_command run pgbackrest archive-push"},
        {"archive-command-other", warning, "archive_command does not run pgbackrest archive-push",
         "The archive that the restore reads would not be continued after the restore.",
         "use `pgbackrest --stanza=NAME archive-push %p`; a script that calls it is fine"},
        {"archive-command-elsewhere", warning, "archive_command uses another stanza or configuration than the restore",
         "The next restore would read an archive that the restored cluster does not write to.",
         "make both name the same one, unless you want them to differ"},
        {"role-parameter", warning, "parameters_ROLE sets how the cluster archives or recovers",
         "Patroni up to 4.1 ignores parameters_primary, parameters_replica and parameters_standby_leader. Later ones "
         "let "
         "them count more than parameters once the node has its role, so an update would change what is in force.",
         "let parameters or recovery_conf say it for all roles"},
        {"standby-restore-command-missing", warning, "standbys have no restore_command",
         "If a standby lags behind by more WAL than its leader keeps, it must be rebuilt. A recovery parameter in "
         "parameters counts more than recovery_conf, and a local recovery_conf more than that of bootstrap.dcs: the "
         "finding names the one that is in force.",
         "set restore_command there to what the hint says; in patroni mode it is the guard's"},
        {"standby-restore-command-elsewhere", warning, "the standbys' restore_command reads another archive",
         "Standbys would get the WAL of another cluster, or none.",
         "make it name the stanza that archive_command writes to"},
        {"standby-target-ignored", warning, "postgresql.recovery_conf has a recovery target",
         "Patroni removes the target: this section is for standbys, which follow their leader.",
         "put type and target into the method's block"},
        {"replica-method-rejected", error, "pgbackrest rejects the options that Patroni appends to a replica method",
         "Every replica that uses this method fails with pgBackRest's error 31, or 32 for a flag: `delta: true` "
         "becomes "
         "--delta=True, and pgBackRest takes --delta alone, and y or n from 2.37 on. Patroni then tries the next "
         "method, if "
         "there is one.",
         "set no_params: true, remove keys that are not options of pgbackrest restore, and write flags into the "
         "command"},
        {"replica-method-list", error, "create_replica_methods is no list",
         "Patroni takes each letter of a text for the name of a method: no replica can be made.",
         "write it in brackets"},
        {"replica-method-backup", warning, "a replica method makes a backup",
         "The command runs pgbackrest backup instead of restore: every new replica would make a backup, and get no "
         "data.",
         "let its command run pgbackrest restore"},
        {"replica-method-target", error, "a replica method restores to a recovery target",
         "Every new replica would stop at a moment in the past and never follow its leader.",
         "remove type and target from it"},
        {"replica-method-no-master", warning, "a replica method has no_master",
         "Patroni 4 knows only no_leader: the method no longer works without a leader, and the key is passed on as an "
         "option.",
         "use no_leader instead"},
        {"replica-method-leaderless", warning,
         "a replica method works without a leader, and there is a recovery target",
         "While the first node is restored, another node could be created from the backup alone, replay past the "
         "target and become leader.",
         "remove no_leader until the cluster is up"},
        {"option-not-used", warning, "pgBackRest's configuration, or the environment, has an option that is not used",
         "Which target is restored to, and how the WAL is replayed, comes from the method's block alone. archive-mode "
         "would turn archiving off for good, and recovery-option would write settings that Patroni removes.",
         "say in the method's block what is wanted; what is meant for `pgbackrest restore` by hand may stay"},
        {"option-empty", warning, "a variable of pgBackRest's in the environment has no value",
         "pgBackRest ends with error 32 in every command that knows the option. This program takes the variable away, "
         "but Patroni's PostgreSQL, which archives, has it.",
         "unset the variable, or give it a value"},
        {"option-refused", error, "pgBackRest refuses an option of the restore",
         "Commands that only read do not know each option of a restore, or have another value for it "
         "(`[global:restore]`, "
         "tablespace-map); pgBackRest is asked to read those of the restore itself, for a directory that is missing. "
         "One that only a script brings, which is called as pgbackrest, is refused as well.",
         "correct it; pgbackrest help restore says what an option may be"},
        {"pg-path-other", warning, "pgBackRest's pg1-path is not the data directory",
         "archive-push refuses to archive for another directory (pgBackRest's errors 32, 55 and 73), so WAL piles up "
         "once "
         "the cluster is restored.",
         "make pg1-path of the stanza and postgresql.data_dir name the same directory"},
        {"option-unknown", warning, "pgBackRest's configuration has an option that this program does not know",
         "It is misspelt, or of a later pgBackRest than 2.60: what it does to a restore is not looked at.",
         "correct it, or look it up in pgBackRest's documentation before the restore"},
        {"repository", error, "the repository cannot serve the restore",
         "The stanza is missing, in one of several repositories as well, has no valid backup, cannot be decrypted or "
         "cannot be reached. A repository that is not mounted looks like one without the stanza.",
         "read the message; `pgbackrest info` shows the same"},
        {"target", error, "the target cannot be reached",
         "No backup set ends before it, WAL is missing or damaged on the way, the last commit lies before it, or two "
         "branches hold it.",
         "the hint names the nearest point or the choice there is"},
        {"several-clusters", error, "the stanza holds several clusters, and it is not clear which one is meant",
         "If somebody ran initdb and stanza-upgrade where the cluster had been, the newest backup may be of an empty "
         "cluster. A stanza that was upgraded to a newer major version and has a backup of it is no such case.",
         "set system-identifier or set in the method's block; pgbackrest info --output=json shows both"},
        {"cluster-other", error, "the DCS knows another cluster than the one that would be restored",
         "The /initialize key holds the system identifier of the cluster that the scope had last. If the stanza leads "
         "to another one, it is the wrong stanza, or an empty cluster took the other's place in one of them. Once the "
         "key is removed, nobody can compare them any more.",
         "write the one that is meant into the method's block with system-identifier"},
        {"backup-set-unknown", error, "the backup set from which the target can be reached is not known",
         "A transaction or a restore point is looked for in the last 4 GiB of WAL, and was not found there. If the "
         "backup ended after the target, the replay never meets it, which shows only at the end of the replay. It is "
         "also asked for where several restore points have the name, even with one backup set.",
         "use `set` to name the newest backup set that ended before the target"},
        {"backup-in-error", warning, "the backup set has pages with bad checksums",
         "pgBackRest found damaged pages when it made the backup; they are restored as they are.",
         "name another backup set with `set`, or check the pages afterwards with pg_amcheck"},
        {"first-segment", error, "the first WAL segment cannot be read",
         "The repository lists it, but it cannot be read: the replay would end before it begins.",
         "read pgBackRest's error; permissions and the passphrase are the usual causes"},
        {"wal-not-archived", warning, "a data directory has WAL that the archive does not have",
         "The server ended before it had archived it, or archiving failed. What was committed in it is not restored. "
         "Looked at are PGDATA, the directories beside it, and those in it whose name begins with a dot, if they are "
         "of this cluster and no server runs in them.",
         "run the command in the hint, which pushes it into the archive, before the restore; remove the directory if "
         "nobody needs it"},
        {"binaries", error, "PostgreSQL's programs are missing or have another major version",
         "Only the same major version can start the restored cluster.",
         "install that version, or correct postgresql.bin_dir"},
        {"disk-full", error, "the disk has no room for the backup",
         "The restore could run for hours and then fail with a full disk. Where it writes to several disks, each needs "
         "room for what goes there.",
         "make room, or move what goes there elsewhere with tablespace-map or link-map"},
        {"disk-tight", warning, "the disk has hardly more room than the backup needs",
         "The replay needs room for WAL too, and the cluster needs room to grow.", "make room"},
        {"data-directory-unusable", error, "the data directory cannot be made or filled, or PostgreSQL would refuse it",
         "PostgreSQL starts only as the owner of its data directory (\"data directory has wrong ownership\"). A mount "
         "point keeps its owner; its mode is put right when the data is handed over. A directory that is not there is "
         "made, which needs the right to write in the one around it.",
         "run the command in the hint as root, or correct postgresql.data_dir"},
        {"place-inside", error, "a tablespace or a link would be restored into the data directory",
         "Tablespaces and links lie at their final places from the first copy on, so the data directory would not be "
         "empty when the restored one is to take its place. PostgreSQL and pgBackRest do not want them there either.",
         "give them a place outside of it with tablespace-map or link-map"},
        {"temporary-directory", error, "no temporary directory can be made",
         "The private PostgreSQL and psql have their sockets and settings in one. It is made in TMPDIR, or in /tmp "
         "where "
         "that is not set or is too long for the path of a socket.",
         "set TMPDIR, in Patroni's environment, to a directory that its user may write to"},
        {"config-directory", error, "postgresql.config_dir is missing or cannot be written",
         "Patroni writes postgresql.conf and pg_hba.conf there at every start, and would fail after the restore.",
         "run the command in the hint as root, or correct postgresql.config_dir"},
        {"config-file-missing", error, "there is no postgresql.conf for Patroni to begin with",
         "Patroni includes postgresql.base.conf, which it makes of the postgresql.conf that it finds in config_dir, or "
         "in "
         "PGDATA where that is not set. A backup holds neither where they lie outside of PGDATA. Patroni restores a "
         "missing one from the copy that it has left in PGDATA, postgresql.conf.backup; without that it ends with a "
         "FileNotFoundError after the whole restore. custom_conf takes the place of postgresql.base.conf.",
         "put the file there, an empty one if patroni.yml has all parameters; the hint has the command"},
        {"hba-missing", error, "pg_hba.conf would have no rules",
         "During a bootstrap Patroni opens pg_hba.conf to everybody on this machine, and afterwards restores the one "
         "that "
         "was there. If none was, these rules stay in force until PostgreSQL is restarted, and then it does not start.",
         "set postgresql.pg_hba in patroni.yml, or put pg_hba.conf there"},
        {"listen-foreign", error, "postgresql.listen has no address of this machine",
         "PostgreSQL cannot listen on any of them, and ends at its start: Patroni would set the restored directory "
         "aside. One that can be used is enough. Names are not looked up.",
         "write an address of this machine, or `*`"},
        {"socket-directory", error, "unix_socket_directories has no directory that can be used",
         "PostgreSQL cannot make its socket in any of them, and ends at its start: Patroni would set the restored "
         "directory aside. What is absent Patroni makes where it may. Of a directory in /run that is not there nothing "
         "is said unless Patroni calls, since systemd may make it for Patroni's unit.",
         "make the directory, with the user that runs Patroni as its owner, or name another one"},
        {"tls-file", error, "a certificate or a key that patroni.yml names cannot be used",
         "With ssl on, PostgreSQL ends at its start when a file of TLS is missing or cannot be read, or when its key "
         "can be read by others. Files in the data directory come with the backup, and those in /run with Patroni's "
         "unit.",
         "put the file there, readable for the user that runs Patroni, a key for nobody else; or set ssl: 'off'"},
        {"library-missing", warning, "a library of shared_preload_libraries is not installed",
         "PostgreSQL ends at its start without it, unless the backup's own configuration has a dynamic_library_path "
         "that leads to it. Looked at is the directory beside PostgreSQL's programs.",
         "install the package that has it, or take it out of shared_preload_libraries"},
        {"data-directory-setting", error, "PostgreSQL's data_directory is set to another directory",
         "A data_directory in postgresql.parameters, or in the file that Patroni's postgresql.conf includes, comes "
         "before "
         "the directory that Patroni starts PostgreSQL on: the server would serve what is there, an old cluster, and "
         "not what was restored. Where that file comes with the backup, `bootstrap` takes the line out and says so. "
         "PostgreSQL itself is asked, and follows what is included.",
         "take data_directory out, or set it to data_dir in postgresql.parameters, which comes behind the file"},
        {"configuration-refused", error, "PostgreSQL does not take a configuration file",
         "The file that Patroni's postgresql.conf includes has a value, a name or an include that PostgreSQL refuses: "
         "Patroni could not start it, and would set the restored directory aside. lc_messages with a locale that this "
         "machine lacks is one. What patroni.yml sets as well is passed over. Known before the copy only where "
         "config_dir is outside the data directory, and the backup brings no other file for it.",
         "put right what the finding names, in that file or on this machine"},
        {"replay-setting", error, "PostgreSQL does not take what replay-setting gives it",
         "The private server that replays the WAL would not start, which would be seen after the copy. Asked is the "
         "PostgreSQL of the backup's major version, whose words are in the finding.",
         "correct the name or the value, or leave it out"},
        {"port-taken", warning, "PostgreSQL's port is in use",
         "Patroni's server cannot start while something else listens on its port. Patroni would set the restored "
         "directory aside.",
         "before the restore, stop the process that listens there"},
        {"data-directory-in-use", warning, "the data directory is not empty",
         "Patroni calls a bootstrap method only if the data directory is empty, and `bootstrap` refuses to touch one "
         "that is not.",
         "nothing if the cluster is alive; for a restore, move the directory away"},
        {"data-directory-rejected", error, "the data directory is one that was rejected",
         "`verify` rejected it as post_bootstrap, or Patroni did not accept it and could not set it aside, in this "
         "place or where it was before it was moved or copied. `resume` refuses it at each start (exit code 9); "
         "without `resume` the next start would promote it, or take it for a replica.",
         "remove the files that are named if the data is right and no other node has it, else move the directory "
         "away"},
        {"data-directory-name", warning, "Patroni cannot set the data directory aside under this name",
         "What Patroni gives up in its bootstrap it renames. Of a symbolic link it renames the link: `resume` and "
         "`bootstrap` refuse to go on then, until the directory has the new name. With a slash at the end Patroni "
         "before 3.3.7, and 4.0 before 4.0.6, renames nothing: without `resume` its next start would promote what it "
         "gave up.",
         "name the directory itself, without a slash at the end"},
        {"set-aside-unclear", error, "what was handed over and set aside has to be put in order first",
         "`bootstrap` refuses to go on (exit code 9) where the timeline of an earlier restore may be followed or may "
         "not: Patroni gave it up when post_bootstrap had succeeded, or it led and a person gave it Patroni's name, "
         "and nothing proves which; or where Patroni renamed a symbolic link, so that nothing of it would be found.",
         "give it the name in the hint that fits"},
        {"staging-unusable", error, "there is no place for the restored files",
         "The restore is made beside the data directory, or in it where that is a mount point. What another user left "
         "there "
         "(a run as root, a namespace with another range of user ids) cannot be used, and is nobody's to remove.",
         "give what is named to the user of Patroni, or remove it"},
        {"leftover", warning, "an earlier try left a directory",
         "It takes disk space. The next run continues a staging directory. It takes back a directory that Patroni set "
         "aside if it knows it, uses its files with `reuse-data`, and otherwise leaves it alone. A clone of the copy, "
         "which a restore that was killed behind its hand-over left, takes more room with each page that the cluster "
         "writes.",
         "remove it if you do not need it"},
        {"dcs-unknown", warning, "the DCS could not be asked", "It is not known whether the cluster is alive.",
         "make sure that patronictl works for the user that runs Patroni"},
        {"cluster-lives", warning, "the scope has a leader",
         "Patroni calls a bootstrap method only for a scope without a leader and without an /initialize key.",
         "nothing if the cluster is alive; for a restore, stop its nodes and run `patronictl remove`"},
        {"scope-initialized", warning, "the scope is initialised, but has no leader",
         "Patroni would wait for a leader instead of calling the bootstrap method.",
         "stop all nodes and run `patronictl remove` for the scope"},
        {"scope-bootstrapping", warning, "a bootstrap of the scope is under way, or was interrupted",
         "The /initialize key exists without a value: Patroni waits for the node that set it.",
         "wait for it; if no node works on it any more, run `patroni_pgbackrest resume` on the node that did, and "
         "start "
         "Patroni there"},

        {"verify-in-recovery", error, "the server is still in recovery",
         "What it shows is not final. A Patroni that takes it for a primary would wait, or promote it at the point it "
         "has reached.",
         "wait for the end of the recovery; for a standby, verify the leader instead"},
        {"verify-other-cluster", error, "the system identifier is not the backup's",
         "This is not the cluster that was restored. Writing to it mixes two clusters in one archive.",
         "find out where the server came from, and restore again"},
        {"verify-timeline", error, "the timeline is not new, or does not descend from the one that was followed",
         "The server writes WAL under names that another server already used in the archive, or its history is not the "
         "one that was asked for.",
         "do not use it: restore again"},
        {"verify-target-missed", error, "the recovery did not end where it should",
         "Rows are missing, or there are rows that should not be there.", "do not use it: restore again"},
        {"verify-probe", error, "a probe did not return true", "The rows are not those that were expected.",
         "choose another target, or correct the probe; if it fails in post_bootstrap, Patroni discards the cluster"},
        {"verify-probe-unanswered", error, "a probe could not be run",
         "It is not known whether the rows are those that were expected: the query is wrong, its database or table "
         "does not exist, or it took too long (10 s as post_bootstrap).",
         "correct or simplify the query; if it fails in post_bootstrap, Patroni discards the cluster, and the next "
         "bootstrap restores it again"},
        {"verify-corruption", error, "pg_amcheck found corruption",
         "Tables or indexes of the restored cluster are damaged, most likely in the backup already.",
         "restore an older backup set, and run `pgbackrest --stanza=NAME verify`"},
        {"verify-other-directory", error, "the server does not run on data_dir",
         "As post_bootstrap, `verify` asks the server that Patroni has just started. That one serves another directory "
         "than the restored one: a data_directory in its configuration comes before the one that Patroni names.",
         "take data_directory out of postgresql.parameters and of the file that Patroni's postgresql.conf includes"},
        {"verify-no-journal", warning, "what was asked for is not known here",
         "Target, timeline and system identifier cannot be compared with the request. The journal is beside the data "
         "directory on the node that did the restore, until `resume` finds the cluster alive.",
         "run verify on that node, or compare with the log of the bootstrap"},
        {"verify-history-missing", warning, "pg_wal has no history file of the server's timeline",
         "It cannot be looked up where and why the recovery ended.", "fetch it from the archive"},
        {"verify-checksums", warning, "data checksums are not as in the backup",
         "Somebody has run pg_checksums since, or this is not the restored data directory.", "find out which"},
        {"verify-signal-file", warning, "a signal file is there although the recovery is over",
         "At its next start the server begins a recovery instead of simply starting.", "remove the file"},
        {"verify-recovery-setting", warning, "a recovery setting was left in a configuration file",
         "A standby made from this server, or its next recovery, would use it.", "remove the line, unless you want it"},
        {"verify-archive-setting", warning, "the server does not archive as Patroni's configuration says",
         "A setting that came with the backup, for example from ALTER SYSTEM, may send WAL elsewhere or nowhere.",
         "compare the setting with patroni.yml or the DCS; ALTER SYSTEM RESET removes it from postgresql.auto.conf"},
        {"verify-archiver-failing", warning, "the archiver's last attempt failed",
         "WAL piles up in pg_wal, and what is written from now on cannot be restored.",
         "read the error of archive_command in the server's log"},
        {"verify-not-archived", warning, "nothing of the new timeline is in the archive yet",
         "Without its history file the next restore does not find the timeline.",
         "look at pg_stat_archiver; make a new backup once archiving works"},
        {"verify-replica-backup", warning, "new replicas would be made from a backup of an abandoned branch",
         "After a restore to a point in the past, the newest backup may lie behind that point. A replica method that "
         "runs "
         "pgbackrest restore takes it all the same, PostgreSQL cannot follow the new timeline from there, and Patroni "
         "does not try another method, since the restore succeeded. Backups that ended before the fork do no harm.",
         "make a full backup of the restored cluster first, and then the replicas"},
        {"verify-database-unusable", warning, "a database cannot be used",
         "It was left out of the restore with db-include or db-exclude, which leaves its files empty, or its DROP "
         "DATABASE was interrupted. A connection to it fails.",
         "remove it with DROP DATABASE, or restore all of the cluster"},
        {"verify-collation", warning, "this system's libraries sort in another way than the source's",
         "Indexes over text are in the old order: searches miss rows, and unique indexes accept duplicates. So does a "
         "range partition by text. The C and POSIX collations never change. PostgreSQL 13 and 14 record no version of "
         "a database's own collation: it is judged by those of the same locale in pg_collation, where initdb recorded "
         "them, and unknown if there are none.",
         "REINDEX what is named (reindexdb for a whole database), then refresh the recorded versions"},
        {"verify-subscription", warning, "a subscription is enabled",
         "The publisher has passed what this cluster no longer has: changes between the target and the loss do not "
         "come again. Beside a living source both take changes from one slot, and each misses the other's.",
         "disable or drop it in a copy; after a loss, compare the tables and copy them anew where they differ"},
        {"verify-health-unknown", warning, "databases and subscriptions could not be looked at",
         "It is not known whether a database is unusable, an index out of order, or a subscription enabled.",
         "run verify again by hand, as a superuser"},
        {"verify-no-patroni-yml", warning, "no patroni.yml was found",
         "Archiving cannot be compared with it, and its probes are not run.", "name it with --patroni-config"},
        {"verify-amcheck-not-done", warning, "not every database was checked for corruption",
         "pg_amcheck is missing, a database lacks the extension amcheck, has an old version of it or accepts no "
         "connections, or somebody has locked a table.",
         "install the program, and run CREATE EXTENSION amcheck, or ALTER EXTENSION amcheck UPDATE, in the databases"},
        {"rehearse-page", error, "pages of the rehearsed cluster are damaged",
         "`rehearse --checksums` reads every page with pg_checksums. What does not fit its checksum was damaged before "
         "the backup was made, or in it; a restore brings it back as it is.",
         "compare with the living cluster, and keep the older backup sets until the damage is repaired"},
        {"rehearse-no-checksums", warning, "the pages of the cluster have no checksums",
         "`rehearse --checksums` has nothing to compare them with.",
         "turn them on with pg_checksums, or rehearse with --amcheck and --dump"},
        {"rehearse-amcheck", error, "pg_amcheck did not come to its end",
         "`rehearse --amcheck` asks for it, and nobody knows what it would have found.",
         "see what it and the server's log say, and rehearse again"},
        {"rehearse-dump", error, "a database cannot be read as a whole",
         "`rehearse --dump` has pg_dump read every row to nowhere. An error means rows that nobody can read, or that a "
         "prepared transaction keeps everybody from.",
         "see whether the living cluster has the same fault, and keep the older backup sets until it is repaired"},
        {"rehearse-dump-left-out", warning, "a database was not dumped",
         "`rehearse --dump` cannot connect to a database that allows no connections, or that was half dropped. Nobody "
         "has read its rows.",
         "drop what was half dropped; allow connections to a database that is needed"},
        {"no-rehearsal", warning, "no rehearsal has succeeded for a month",
         "Nobody knows that a restore works, and how long it takes, before it was tried. `check` looks into the "
         "history that `rehearse` keeps for this user on this node.",
         "run `patroni_pgbackrest rehearse`, or enable patroni_pgbackrest-rehearse.timer; another history is named "
         "with the option rehearsals"},
    };
    return table;
}

}  // namespace patroni_pgbackrest
