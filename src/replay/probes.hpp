#pragma once

#include "patroni/configuration.hpp"
#include "postgres/client.hpp"
#include "postgres/probe.hpp"
#include "system/finding.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// Those of the command line, else those of the method's block.
std::vector<postgres::Probe> read_probes(const std::vector<std::string>& given,
                                         const std::optional<patroni::Configuration>& patroni);

/// One call of psql for each database, all of them together within `whole`. There are as many answers as probes,
/// whatever becomes of the server.
std::vector<postgres::ProbeAnswer> ask_probes(const postgres::Client& client,
                                              const std::vector<postgres::Probe>& probes, std::chrono::seconds each,
                                              std::chrono::seconds whole);

/// Asks them within ten minutes. Throws Failure(verification_failed), lasting, with each that does not return true.
void require_probes(const postgres::Client& client, const std::vector<postgres::Probe>& probes);

/// One finding for each probe whose answer is not true.
std::vector<Finding> judge_probes(const std::vector<postgres::Probe>& probes,
                                  const std::vector<postgres::ProbeAnswer>& answers);

}  // namespace patroni_pgbackrest
