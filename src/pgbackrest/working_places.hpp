#pragma once

#include "pgbackrest/command_line.hpp"
#include "pgbackrest/configuration_files.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// Where pgBackRest's restore and archive-get write beside what they are asked for, their lock-path and spool-path:
/// log-path as the configuration and the environment have it for whatever command (/var/log/pgbackrest), and what the
/// ssh that it starts keeps in ~/.ssh. Throws as read_configuration().
std::vector<std::filesystem::path> working_places(const Pgbackrest& pgbackrest);

/// What pgBackRest has on this machine: spool-path, lock-path and log-path, wherever one of these lines says so, the
/// usual ones, and its repositories. One on a host of its own, or in an object store, is none of them; where that
/// depends on stanza and command, it is one as soon as it is for a command of this stanza or of one with a section.
std::vector<std::filesystem::path> places_in(const std::vector<ConfigurationLine>& lines, const std::string& stanza);
/// The same of its files, its environment and what is passed with every command. Throws as read_configuration().
std::vector<std::filesystem::path> places_of_pgbackrest(const Pgbackrest& pgbackrest);

/// Whether `command` reads this repository, or without a number any, over a network as far as it knows: from a host of
/// its own or an object store, by the options that are in force for it. Throws as read_configuration().
bool reads_over_network(const Pgbackrest& pgbackrest, const std::string& command, std::optional<unsigned> repository);

/// Whether `command` is one or may start one, a setuid program or one with capabilities of its own: ssh has one for
/// logins by the host's own key (ssh-keysign(8)), cmd-ssh may be anything, and a script that is called as pgbackrest
/// may use sudo. Repositories and exceptions as above.
bool may_need_privileges(const Pgbackrest& pgbackrest, const std::string& command, std::optional<unsigned> repository);
/// The same where a seccomp filter (system::flush_nothing) is what would take them away: behind a wall there are none.
bool may_need_privileges_left(const Pgbackrest& pgbackrest, const std::string& command,
                              std::optional<unsigned> repository);

}  // namespace patroni_pgbackrest::pgbackrest
