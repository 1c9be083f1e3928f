#pragma once

#include <string_view>
#include <vector>

namespace patroni_pgbackrest {

enum class OptionKind {
    value,  ///< one value, the last one given counts
    list,   ///< may be repeated; a list or a map in patroni.yml
    flag,   ///< y/n, with y when nothing is given
};

/// Whose option it is, and so what becomes of it.
enum class OptionOwner {
    patroni,  ///< passed by Patroni with every call
    ours,
    target,      ///< pgBackRest's name, interpreted here
    pgbackrest,  ///< passed on as it is
};

struct OptionDefinition {
    std::string_view name;
    OptionKind kind;
    OptionOwner owner;
    std::string_view argument;  ///< for --help: `FILE`
    std::string_view help;
};

/// The one table of `bootstrap`'s settings: command line, keys of the method's block, --help, man page and completion.
const std::vector<OptionDefinition>& bootstrap_options();
const OptionDefinition* find_option(std::string_view name);

/// Why an option of pgBackRest is refused here although pgBackRest has it; empty when it is simply unknown.
std::string_view refusal_of(std::string_view name);

}  // namespace patroni_pgbackrest
