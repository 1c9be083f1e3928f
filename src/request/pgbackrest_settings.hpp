#pragma once

#include "pgbackrest/command_line.hpp"
#include "pgbackrest/restore_options.hpp"
#include "request/settings.hpp"

#include <vector>

namespace patroni_pgbackrest {

/// How pgBackRest is called, as far as it is said: where no stanza is, it stays empty.
pgbackrest::Pgbackrest pgbackrest_in(const Settings& settings);
/// The same with the only stanza of its configuration, where none is said. That there is none, or more than one,
/// becomes a problem of the settings.
pgbackrest::Pgbackrest read_pgbackrest(Settings& settings);

/// What its configuration says for `restore`, added to the settings as if it stood in the method's block. What leaves
/// out data has to stand there: a file that is made for drills, or for one database's sake, must not decide what a
/// cluster comes back with. What is refused becomes a problem of the settings.
std::vector<pgbackrest::ConfiguredOption> add_configured(Settings& settings, const pgbackrest::Pgbackrest& pgbackrest);

/// The options of `restore` that are passed on as they are said.
std::vector<pgbackrest::Option> options_to_pass(Settings& settings);

}  // namespace patroni_pgbackrest
