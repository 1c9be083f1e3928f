#include "replay/probes.hpp"

#include "request/settings.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace patroni_pgbackrest {

using postgres::Probe;
using postgres::ProbeAnswer;

std::vector<Probe> read_probes(const std::vector<std::string>& given,
                               const std::optional<patroni::Configuration>& patroni) {
    std::vector<GivenOption> options;
    for (const auto& probe : given) {
        options.push_back({"probe", probe});
    }
    std::vector<Probe> probes;
    for (const auto& value : Settings(options, patroni).values("probe")) {
        probes.push_back(Probe::parse(value.text, value.place));
    }
    return probes;
}

std::vector<ProbeAnswer> ask_probes(const postgres::Client& client, const std::vector<Probe>& probes,
                                    std::chrono::seconds each, std::chrono::seconds whole) {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + whole;
    std::map<std::string, std::vector<std::size_t>> databases;
    for (std::size_t index = 0; index < probes.size(); ++index) {
        databases[probes[index].database].push_back(index);
    }
    std::vector<ProbeAnswer> answers(probes.size());
    for (const auto& [database, indexes] : databases) {
        std::vector<Probe> of_database;
        for (const auto index : indexes) {
            of_database.push_back(probes[index]);
        }
        const auto left = std::max(std::chrono::duration_cast<std::chrono::seconds>(deadline - Clock::now()),
                                   std::chrono::seconds(1));
        const auto result = client.psql(postgres::probe_statements(of_database, std::min(each, left)), left, database);
        auto given = postgres::probe_answers_in(result.output);
        if (!process::succeeded(result.outcome) && given.size() >= indexes.size()) {
            given.resize(indexes.size() - 1);  // it did not bring the last answer back to its end
        }
        for (std::size_t index = 0; index < indexes.size(); ++index) {
            answers[indexes[index]] =
                index < given.size() ? given[index]
                                     : ProbeAnswer{"", fmt::format("psql {}: {}", process::describe(result.outcome),
                                                                   system::trim(result.errors))};
        }
    }
    return answers;
}

void require_probes(const postgres::Client& client, const std::vector<Probe>& probes) {
    constexpr std::chrono::minutes most(10);
    if (probes.empty()) {
        return;
    }
    std::vector<Problem> problems;
    for (const auto& finding : judge_probes(probes, ask_probes(client, probes, most, most))) {
        problems.push_back(finding.problem);
    }
    if (!problems.empty()) {
        throw Failure(ExitCode::verification_failed, problems).lasting();
    }
    log::info("{} probes returned true", probes.size());
}

std::vector<Finding> judge_probes(const std::vector<postgres::Probe>& probes,
                                  const std::vector<postgres::ProbeAnswer>& answers) {
    std::vector<Finding> findings;
    for (std::size_t index = 0; index < probes.size(); ++index) {
        const auto& probe = probes[index];
        const auto& [answer, error] = answers.at(index);
        const std::string what =
            fmt::format("probe {}{}: {}", index + 1, probe.database.empty() ? "" : " in " + probe.database,
                        system::trim(probe.query));
        if (!error.empty()) {
            findings.push_back(
                {"verify-probe-unanswered",
                 {fmt::format("{}: could not be run: {}", what, error),
                  "correct or simplify the query; if it is right, what it asks for is not there", probe.place}});
        } else if (answer != "true" && answer != "t") {
            findings.push_back({"verify-probe",
                                {fmt::format("{}: returned {} instead of true", what,
                                             answer.empty() ? "nothing" : "'" + answer.substr(0, 200) + "'"),
                                 "the rows are not those that were expected: choose another target, or correct the "
                                 "query",
                                 probe.place}});
        }
    }
    return findings;
}

}  // namespace patroni_pgbackrest
