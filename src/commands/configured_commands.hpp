#pragma once

#include "commands/configure.hpp"
#include "patroni/configuration_edit.hpp"

#include <optional>
#include <string>
#include <vector>

/// The command lines in a patroni.yml that `configure` reads, writes and changes.
namespace patroni_pgbackrest::commands {

yaml::Path below(const yaml::Path& path, const std::string& key);

/// A scalar's text; empty for anything else.
std::string text_at(const patroni::ConfigurationEdit& patroni_yml, const yaml::Path& path);

/// Throws Failure(usage) with the place of what stands there.
[[noreturn]] void refuse(const patroni::ConfigurationEdit& patroni_yml, const yaml::Path& path,
                         const std::string& message, const std::string& hint);

/// Says that what stands there is another program's, and stays.
void leave_alone(const yaml::Path& path);

/// The options that stand in the block's command, where they count more than the block's own.
std::vector<std::string> words_of_command(const patroni::ConfigurationEdit& patroni_yml, const yaml::Path& block);

/// An option as a restore has it: from the block's command, where it counts more, or from the block. Empty if it is in
/// neither.
std::string in_force(const patroni::ConfigurationEdit& patroni_yml, const std::string& method, const std::string& name);

/// Where this cluster's commands are that may name its stanza: of its archive, its standbys, its replicas, the block
/// and the method in force. The restore_command of standby_cluster is not one: it reads another cluster's archive.
std::vector<yaml::Path> paths_of_commands(const patroni::ConfigurationEdit& patroni_yml, const std::string& method);

/// What is given on the command line; the last one counts.
std::optional<std::string> value_given(const ConfigureArguments& arguments, const std::string& name);

/// Throws Failure(usage) for one that stands inside quotes.
void take_out_of_command(patroni::ConfigurationEdit& patroni_yml, const yaml::Path& block,
                         const std::vector<std::string>& names);

/// Whether a command line runs pgbackrest itself, without a wrapper or a shell.
bool is_plain_pgbackrest(const std::string& command, const std::string& verb);

/// Options of a plain `pgbackrest restore` that bootstrap neither sets itself nor is given.
std::vector<std::string> options_lost(const std::string& command, const ConfigureArguments& arguments);

/// The stanzas that a command line names, each once: `--stanza` of any program in it, for a script passes it on; else
/// PGBACKREST_STANZA before it.
std::vector<std::string> stanzas_in(const std::string& command);

/// The first of them where this one is not among them; empty also where none is named.
std::optional<std::string> other_stanza_in(const std::string& command, const std::string& stanza);

/// Throws Failure(usage) if the command names another stanza only, and nobody has asked for this one with --stanza.
void require_stanza(const patroni::ConfigurationEdit& patroni_yml, const yaml::Path& path,
                    const ConfigureArguments& arguments, const std::string& stanza);

/// A command line that names a stanza names this one, and the rest stays as it stands. Throws Failure(usage) where that
/// cannot be, and as require_stanza().
void set_stanza(patroni::ConfigurationEdit& patroni_yml, const yaml::Path& path, const ConfigureArguments& arguments,
                const std::string& stanza);

}  // namespace patroni_pgbackrest::commands
