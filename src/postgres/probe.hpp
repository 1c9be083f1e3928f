#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// A user's query about the rows. It must return one row that is true.
struct Probe {
    std::string database;  ///< empty: that of the connection
    std::string query;
    std::string place;  ///< `patroni.yml:17`, `--probe`

    /// `DATABASE=QUERY` or `QUERY`. No query begins with a name and an equals sign.
    static Probe parse(std::string_view text, std::string place);
};

struct ProbeAnswer {
    std::string answer;  ///< the first column, `true` for a boolean; empty for NULL
    std::string error;   ///< why there is no answer: PostgreSQL's SQLSTATE and words
};

/// Statements for psql that run each probe in its own read-only transaction, limited by `limit`, and continue if one
/// fails. probe_answers_in() reads their output, one line each; there are fewer lines if the connection broke.
std::string probe_statements(const std::vector<Probe>& probes, std::chrono::seconds limit);
std::vector<ProbeAnswer> probe_answers_in(std::string_view output);

}  // namespace patroni_pgbackrest::postgres
