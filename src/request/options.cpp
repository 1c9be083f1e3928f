#include "request/options.hpp"

#include <algorithm>
#include <utility>

namespace patroni_pgbackrest {

const std::vector<OptionDefinition>& bootstrap_options() {
    using enum OptionKind;
    using enum OptionOwner;
    static const std::vector<OptionDefinition> table = {
        {"scope", value, patroni, "NAME", "the cluster's name; Patroni passes it"},
        {"datadir", value, patroni, "DIR", "the data directory to bring up; Patroni passes it"},

        {"patroni-config", value, ours, "PATH", "patroni.yml, or a directory of YAML files [the calling Patroni's]"},
        {"pgbackrest-config", value, ours, "FILE", "pgBackRest's configuration file [pgBackRest's default]"},
        {"pgbackrest", value, ours, "PROGRAM", "the pgbackrest program [pgbackrest]"},
        {"recovery", value, ours, "MODE", "assert who replays the WAL: standalone or patroni [from patroni.yml]"},
        {"preload", value, ours, "LIBRARIES",
         "shared_preload_libraries for the replay, only where WAL was written by a custom resource manager [none]"},
        {"replay-setting", list, ours, "NAME=VALUE",
         "a parameter of the private server that replays, in place of this program's; no value: PostgreSQL's default"},
        {"write-back", value, ours, "WHEN",
         "when what is restored begins to reach the disk: early, meanwhile; late, with the flush at the end [early]"},
        {"reuse-data", value, ours, "DIR",
         "begin the copy with this directory of the same cluster: it is renamed, and only changed files travel; auto: "
         "with one that Patroni set aside beside the data directory [everything is copied]"},
        {"source", value, ours, "STATE",
         "fenced: the old cluster cannot come back, although WAL still arrives from it [refused then]"},
        {"retry", value, ours, "N", "how often to try again what may pass [5]"},
        {"retry-wait", value, ours, "SECONDS", "wait before the first retry, doubled each time up to 300 [5]"},
        {"probe", list, ours, "[DATABASE=]SQL",
         "a query that must return true, for verify: a false one as post_bootstrap makes Patroni discard the cluster"},
        {"report", value, ours, "FILE", "write a JSON report there, also after a failure"},
        {"html", value, ours, "FILE", "write a report for people there, a page that needs no other file"},
        {"metrics-file", value, ours, "FILE",
         "how it ended, for node_exporter's textfile collector, also after a failure; its name ends in .prom"},
        {"rehearsals", value, ours, "FILE",
         "the history of the rehearsals, for rehearse and check [~/.local/state/patroni_pgbackrest/rehearsals.jsonl]"},
        {"log-level", value, ours, "LEVEL", "debug, info, warning or error [info]"},
        {"log-format", value, ours, "FORMAT", "text, or json: an object a line, see log.schema.json [text]"},

        {"stanza", value, target, "NAME", "pgBackRest's stanza [the only one configured]"},
        {"repo", value, target, "N", "restore from this repository [the first with a fitting backup]"},
        {"system-identifier", value, target, "NUMBER",
         "the cluster to restore, where the stanza holds several [the only one, or what the stanza was upgraded to]"},
        {"set", value, target, "LABEL",
         "backup set [the newest that fits]; xid and name need it where there are several"},
        {"type", value, target, "TYPE", "latest, immediate, time, xid, lsn or name [latest]"},
        {"target", value, target, "VALUE", "the recovery target; a time needs a UTC offset"},
        {"nearest", flag, target, "", "a time or LSN behind the last commit means the last commit [refused then]"},
        {"target-exclusive", flag, target, "", "stop just before the target (time, xid, lsn)"},
        {"target-timeline", value, target, "TIMELINE", "a number, latest or current [the one that holds the target]"},
        {"target-action", value, target, "ACTION", "promote, and nothing else: Patroni needs a primary"},
        {"process-max", value, target, "N",
         "pgBackRest processes [processors it may use; more over a network, or for small files that it flushes]"},

        {"archive-mode", value, pgbackrest, "MODE", "preserve, and nothing else: off would outlive the bootstrap"},
        {"db-include", list, pgbackrest, "NAME", "restore only this database, others become empty shells"},
        {"db-exclude", list, pgbackrest, "NAME", "leave this database out"},
        {"tablespace-map", list, pgbackrest, "NAME=DIR", "restore a tablespace into another directory"},
        {"tablespace-map-all", value, pgbackrest, "DIR", "restore all tablespaces below this directory"},
        {"link-map", list, pgbackrest, "NAME=DIR", "restore a linked file or directory to another place"},
        {"link-all", flag, pgbackrest, "", "restore all symbolic links as links"},
        {"buffer-size", value, pgbackrest, "SIZE", "pgBackRest's buffer size"},
        {"io-timeout", value, pgbackrest, "SECONDS", "pgBackRest's I/O timeout"},
        {"protocol-timeout", value, pgbackrest, "SECONDS", "pgBackRest's protocol timeout"},
        {"compress-level-network", value, pgbackrest, "LEVEL", "pgBackRest's network compression level"},
        {"cmd-ssh", value, pgbackrest, "PROGRAM", "pgBackRest's SSH client"},
        {"config-path", value, pgbackrest, "DIR", "pgBackRest's base path of configuration files"},
        {"config-include-path", value, pgbackrest, "DIR", "pgBackRest's path of additional configuration files"},
    };
    return table;
}

const OptionDefinition* find_option(std::string_view name) {
    const auto& table = bootstrap_options();
    const auto found = std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.name == name; });
    return found == table.end() ? nullptr : &*found;
}

std::string_view refusal_of(std::string_view name) {
    static constexpr std::pair<std::string_view, std::string_view> refused[] = {
        {"delta", "leave it out: an interrupted copy is always continued with --delta, a new one never needs it"},
        {"force", "leave it out: a directory that holds somebody's data is never overwritten"},
        {"recovery-option", "leave it out: recovery settings are made from type, target and target-timeline"},
        {"pg1-path", "leave it out: the copy goes into a staging directory beside the data directory"},
        {"lock-path", "leave it out: the restore has a lock path of its own beside the staging directory"},
        {"spool-path", "leave it out: the restore has a spool path of its own beside the staging directory"},
        {"log-level-console", "use log-level: pgBackRest's output goes into this program's log"},
        {"log-level-stderr", "use log-level: pgBackRest's output goes into this program's log"},
        {"config", "use pgbackrest-config"},
    };
    for (const auto& [option, reason] : refused) {
        if (option == name) {
            return reason;
        }
    }
    return {};
}

}  // namespace patroni_pgbackrest
