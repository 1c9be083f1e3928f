#pragma once

#include "patroni/configuration.hpp"
#include "system/process_facts.hpp"

#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// The words after Patroni's own name in the argument vector of a Patroni daemon: `patroni /etc/patroni.yml`, `python3
/// -u /usr/bin/patroni …`, `python3 /patroni.py …`, `python3 -m patroni …`. Empty for anything else, and for a Patroni
/// that only validates or generates a configuration.
std::optional<std::vector<std::string>> patroni_arguments(const std::vector<std::string>& command_line);

/// The nearest Patroni among `ancestors`, which are ordered from the nearest to the farthest.
std::optional<CallingPatroni> nearest_patroni(const std::vector<system::ProcessFacts>& ancestors);

/// `3.0.2` from the text of patroni/version.py.
std::optional<std::string> version_in(const std::string& version_file);

}  // namespace patroni_pgbackrest::patroni
