#pragma once

#include "patroni/configuration.hpp"
#include "patroni/yaml_tree.hpp"

namespace patroni_pgbackrest::patroni {

/// Patroni's local configuration (config.py, 2.0 to 4.1) as one tree: the file, or the directory's files merged in name
/// order, with the PATRONI_* overrides that concern us laid over; else PATRONI_CONFIGURATION alone, over which Patroni
/// lays nothing. Null when there is neither. Throws Failure(usage).
yaml::NodePtr load_tree(const ConfigurationSource& source);

/// The keys that stand twice in one of its files.
std::vector<yaml::RepeatedKey> repeated_keys(const ConfigurationSource& source);

}  // namespace patroni_pgbackrest::patroni
