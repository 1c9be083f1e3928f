#pragma once

#include "pgbackrest/command_line.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// What an archive_command says of the spool that it uses; it may archive into several stanzas.
struct ArchiveCommand {
    std::vector<std::string> stanzas, spool_paths;
    std::vector<Option> configuration{};  ///< --config and the like; where it names none pgBackRest reads its default
    std::map<std::string, std::string> variables{};  ///< as it may have them; an empty one: it may lack it
    bool is_run = false;
};

/// Where the stanza's asynchronous archive-get and archive-push keep their files, as the configuration and the
/// environment have spool-path for each of them: `in` and `out`. The same of those that the archive_command names (a
/// clone's stanza has acknowledgements of the clone before, for files of the same names) and with the configuration and
/// the environment that it has, which need not be this program's. Throws as read_configuration().
std::set<std::filesystem::path> configured_spools(const Pgbackrest& pgbackrest, const ArchiveCommand& command = {});

/// That of archive-get alone: what it has fetched ahead. Throws as read_configuration().
std::filesystem::path configured_incoming(const Pgbackrest& pgbackrest);
/// Removes what lies there; what cannot be removed is a warning.
void empty_incoming(const std::filesystem::path& incoming);

/// Removes what lies in them, as pgBackRest's own restore does from 2.34 on (restore.c): a segment of another cluster
/// would be delivered under the name of this one's, and with an old acknowledgement archive-push believes that the new
/// timeline's file of that name is archived. A living server only asks, or pushes, again. What cannot be removed, or
/// read, is a warning.
void empty_configured_spools(const Pgbackrest& pgbackrest, const ArchiveCommand& command = {});

}  // namespace patroni_pgbackrest::pgbackrest
