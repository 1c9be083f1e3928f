#pragma once

#include "postgres/server_facts.hpp"
#include "staging/journal.hpp"
#include "system/finding.hpp"

#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// Everything that `verify` learnt.
struct VerifyReport {
    postgres::ServerFacts facts;
    std::optional<Journal> journal;
    std::size_t probes = 0;
    std::vector<Finding> findings;

    /// For a person: what was asked, what was reached, then findings_text().
    std::string text() const;
    /// For a program: an object with server, asked, reached, probes, findings and the exit code.
    std::string json() const;
};

}  // namespace patroni_pgbackrest
