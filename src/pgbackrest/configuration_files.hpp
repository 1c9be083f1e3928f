#pragma once

#include "pgbackrest/command_line.hpp"

#include <set>
#include <string>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// A line of pgBackRest's configuration. A section's own line has an empty key.
struct ConfigurationLine {
    std::string section;  ///< `global:restore`
    std::string key, value;
    std::string place;  ///< `/etc/pgbackrest/pgbackrest.conf:12`
};

/// All lines of the files that pgBackRest reads: --config, else PGBACKREST_CONFIG, else
/// /etc/pgbackrest/pgbackrest.conf, else /etc/pgbackrest.conf, and conf.d/*.conf. config-path and config-include-path
/// (in `common` or the environment) change these paths as they do there (cfgFileLoad in parse.c, 2.33 to 2.60). Throws
/// Failure(usage) if a named file cannot be read, and with the file and the line where pgBackRest would refuse to read
/// on (ini.c).
std::vector<ConfigurationLine> read_configuration(const Pgbackrest& pgbackrest);

/// What the environment says: `PGBACKREST_REPO1_PATH=/x` is `repo1-path`, in no section, and its place is the
/// variable's name. A variable without a value says nothing.
std::vector<ConfigurationLine> environment_options();

/// The stanzas that have a section: `[demo]`, `[demo:archive-push]` → `demo`. PGBACKREST_STANZA overrides them. Throws
/// what read_configuration() throws.
std::vector<std::string> configured_stanzas(const Pgbackrest& pgbackrest);

/// The repositories that `info` looks at, by their numbers: those of which any option is set, in the environment or in
/// a section that counts for it (the key indexes of cfgParse in parse.c, 2.33 to 2.60). Throws what
/// read_configuration() throws.
std::set<unsigned> configured_repositories(const Pgbackrest& pgbackrest);

}  // namespace patroni_pgbackrest::pgbackrest
