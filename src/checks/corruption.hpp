#pragma once

#include "postgres/client.hpp"
#include "postgres/database_facts.hpp"
#include "process/child.hpp"
#include "system/finding.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest {

struct CorruptionCheck {
    std::vector<Finding> findings{};
    std::string examined{};  ///< for a report: `amcheck`, and of what it was not; empty where nothing was looked at
    bool failed = false;     ///< pg_amcheck was there, and did not come to its end
};

/// What pg_amcheck tells, line by line, with LC_ALL=C.
class AmcheckWords {
  public:
    void output(std::string_view line);
    void error(std::string_view line);
    /// `check_of_repository`: the command line that the hint names.
    CorruptionCheck judge(const process::Outcome& outcome, const std::string& check_of_repository) const;

  private:
    void keep(std::string_view line);
    bool found_corruption(int exit_code) const;

    std::vector<std::string> lines_, skipped_, locked_, too_old_;
    std::string relation_;        ///< that the next line is about
    std::size_t complaints_ = 0;  ///< relations, or places in them
    bool has_nothing_ = false;
};

/// A warning for each database that pg_amcheck passes over by itself, but for template0: those that accept no
/// connections, or were half dropped. What was examined says so.
void add_left_out(const postgres::ContentFacts& facts, CorruptionCheck& check);

/// Its findings where a rehearsal was asked for it: that it did not come to its end is an error then.
std::vector<Finding> findings_of_rehearsal(const CorruptionCheck& check);

/// Runs pg_amcheck (PostgreSQL 14 and later) over every database that has the extension amcheck; as long as it makes
/// progress. Corruption is an error, a program, an extension, a database or a lock that is not to be had a warning.
CorruptionCheck look_for_corruption(const postgres::Client& client, const std::string& check_of_repository);

}  // namespace patroni_pgbackrest
