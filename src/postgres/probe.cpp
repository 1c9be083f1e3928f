#include "postgres/probe.hpp"

#include "postgres/client.hpp"
#include "system/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <regex>

namespace patroni_pgbackrest::postgres {

namespace {

/// The query is a string inside a string, so that neither psql nor PostgreSQL takes any of it for something else, and
/// an error does not end the script. OTHERS does not include query_canceled (a timeout) and assert_failure.
std::string block_for(const std::string& query) {
    return fmt::format("DECLARE answer text; BEGIN "
                       "PERFORM pg_catalog.set_config('patroni_pgbackrest.error', '', false); "
                       "PERFORM pg_catalog.set_config('patroni_pgbackrest.answer', '', false); "
                       "BEGIN EXECUTE {} INTO STRICT answer; "
                       "PERFORM pg_catalog.set_config('patroni_pgbackrest.answer', coalesce(answer, ''), false); "
                       "EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN "
                       "PERFORM pg_catalog.set_config('patroni_pgbackrest.error', SQLSTATE || ' ' || SQLERRM, false); "
                       "END; END",
                       sql_literal(query));
}

}  // namespace

Probe Probe::parse(std::string_view text, std::string place) {
    static const std::regex form(R"(\s*([A-Za-z_][A-Za-z0-9_$-]*)=([^]*))");
    std::match_results<std::string_view::const_iterator> found;
    if (std::regex_match(text.begin(), text.end(), found, form)) {
        return {found[1].str(), found[2].str(), std::move(place)};
    }
    return {{}, std::string(text), std::move(place)};
}

std::string probe_statements(const std::vector<Probe>& probes, std::chrono::seconds limit) {
    auto statements = fmt::format("SET standard_conforming_strings = on;\n"
                                  "SET default_transaction_read_only = on;\n"
                                  "SET statement_timeout = '{}s';\n",
                                  limit.count());
    for (const auto& probe : probes) {
        statements += fmt::format("DO {};\n"
                                  "SELECT pg_catalog.json_build_object("
                                  "'answer', pg_catalog.current_setting('patroni_pgbackrest.answer'), "
                                  "'error', pg_catalog.current_setting('patroni_pgbackrest.error'));\n",
                                  sql_literal(block_for(probe.query)));
    }
    return statements;
}

std::vector<ProbeAnswer> probe_answers_in(std::string_view output) {
    using nlohmann::json;
    std::vector<ProbeAnswer> answers;
    for (const auto& line : system::lines(output)) {
        try {
            const auto content = json::parse(line);
            answers.push_back({content.at("answer"), content.at("error")});
        } catch (const json::exception&) {
            answers.push_back({"", "its answer cannot be read"});
        }
    }
    return answers;
}

}  // namespace patroni_pgbackrest::postgres
