#pragma once

#include "patroni/configuration.hpp"

#include <string>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// A method of create_replica_methods that runs `pgbackrest restore`.
struct RestoringMethod {
    std::string name;
    std::string place;
    std::string program;
    /// Those of its command, then those that Patroni appends from its block; a flag has an empty value.
    std::vector<std::pair<std::string, std::string>> options;

    /// The value that counts; empty if the option is not given.
    std::string option(const std::string& wanted) const;
};

/// In the order in which Patroni tries them. A command in a shell's or behind a wrapper's quotes counts, one in a
/// script cannot be seen. Throws Failure(usage) as read_configuration().
std::vector<RestoringMethod> restoring_methods(const ConfigurationSource& source);

}  // namespace patroni_pgbackrest::patroni
