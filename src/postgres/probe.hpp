#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// A query of somebody's about his own rows, which must return one row that says true.
struct Probe {
    std::string database;  ///< empty: the connection's
    std::string query;
    std::string place;  ///< `patroni.yml:17`, `--probe`

    /// `DATABASE=QUERY` or `QUERY`: no query begins with a name and an equals sign.
    static Probe parse(std::string_view text, std::string place);
};

struct ProbeAnswer {
    std::string answer;  ///< the first column, `true` for a boolean; empty for NULL
    std::string error;   ///< why there is none: PostgreSQL's SQLSTATE and words
};

/// Statements for psql that run each probe in a transaction of its own that may not write, bounded by `limit`, and go
/// on when one fails. probe_answers_in() reads their output, one line each; fewer when the connection broke.
std::string probe_statements(const std::vector<Probe>& probes, std::chrono::seconds limit);
std::vector<ProbeAnswer> probe_answers_in(std::string_view output);

}  // namespace patroni_pgbackrest::postgres
