#pragma once

#include "request/options.hpp"
#include "request/request.hpp"

#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::commands {

/// What `configure` is called with.
struct ConfigureArguments {
    std::optional<std::string> patroni_config;
    std::optional<std::string> method;  ///< the block's name
    std::vector<GivenOption> options;   ///< for the method's block, of configurable_options()
    bool patroni_mode = false;          ///< write recovery_conf into the block
    bool replicas = false;              ///< write the replica method into postgresql
    bool post_bootstrap = false;        ///< write post_bootstrap into bootstrap
    bool replace = false;               ///< write over commands of other programs, too
    bool remove = false;                ///< the target is removed, and nothing else is done
    bool write = false;                 ///< write into the files; else only the difference is shown
};

/// Its own options; flags take no value.
const std::vector<OptionDefinition>& options_of_configure();

/// The options of bootstrap that `configure` writes into the method's block.
std::vector<OptionDefinition> configurable_options();

/// `configure`: writes into patroni.yml what `bootstrap` needs, and nothing else; comments, order and layout stay.
/// Prints the difference as `diff -u` does, without secrets. Throws Failure(usage) when the result would not make a
/// request that `bootstrap` accepts, or cannot be written into that YAML; then no file is touched.
void configure(const ConfigureArguments& arguments);

}  // namespace patroni_pgbackrest::commands
