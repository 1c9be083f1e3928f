#pragma once

#include "pgbackrest/command_line.hpp"
#include "system/failure.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// What becomes of an option of `restore` that stands in pgBackRest's configuration or in the environment.
enum class Treatment {
    ours,       ///< always on the command line: what is configured does not count
    requested,  ///< as if it stood in the method's block, and not passed on otherwise
    refused,    ///< reads the repository as of another moment, for plan, copy and replay alike
    harmless,   ///< changes how the repository is reached, or how fast, not what comes back
    unknown,    ///< no option of pgBackRest 2.33 to 2.60
};

/// Of an option's name as it is written, `repo1-path`. An option of other commands alone is harmless, too. From
/// build/config/config.yaml of 2.33, 2.45, 2.55 and 2.59.
Treatment treatment_of(std::string_view name);

/// Whether `restore` takes an option of this name on its command line; true where that depends on the version.
bool is_taken_by_restore(std::string_view name);
/// Whether it is one of those that are on or off. From 2.37 on it may be given y or n there, before no value at all.
bool is_flag_of_restore(std::string_view name);

/// An option of pgBackRest's with its values, where pgBackRest would take it from.
struct ConfiguredOption {
    std::string name;
    std::vector<std::string> values;
    std::string place;    ///< `/etc/pgbackrest/pgbackrest.conf:12`, `PGBACKREST_LINK_ALL`
    bool counts = false;  ///< it is `requested`, and neither the command line nor the method's block hides it
};

/// The options that `restore` of that stanza would take from elsewhere than its command line. The environment hides
/// the files; of the sections, in this order, the first that has an option gives it: `[demo:restore]`, `[demo]`,
/// `[global:restore]`, `[global]` (cfgParse in parse.c). Those that are harmless are left out; what is refused is found
/// for the commands that read the plan and the WAL as well. Throws as read_configuration().
std::vector<ConfiguredOption> configured_restore_options(const Pgbackrest& pgbackrest);

/// Where a section of one command names another repository than the rest read: plan, copy and replay come from several
/// commands. Throws as read_configuration().
std::vector<Problem> repositories_that_differ(const Pgbackrest& pgbackrest);

/// What pgBackRest says at the beginning of a restore of all that is in force (`restore command begin 2.45: --delta …`,
/// cmdBegin in command.c): of the options that change what comes back the first that was not passed. A script that is
/// called as pgbackrest may read another configuration. Empty for any other line.
std::string option_not_passed(std::string_view line, const std::vector<std::string>& arguments);

/// What makes sure that nothing configured is in force for `restore` but what is harmless: the options that are ours,
/// and a reset for each `requested` one that is not among the given.
std::vector<Option> fixed_restore_options(const std::vector<Option>& given);

}  // namespace patroni_pgbackrest::pgbackrest
