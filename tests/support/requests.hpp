#pragma once

#include "patroni/configuration.hpp"
#include "request/request.hpp"
#include "support/files.hpp"
#include "system/failure.hpp"

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// So that a failed comparison shows them.
inline std::ostream& operator<<(std::ostream& stream, const Problem& problem) {
    return stream << '{' << problem.place << " | " << problem.message << " | " << problem.hint << '}';
}

using Given = std::vector<GivenOption>;
using Problems = std::vector<Problem>;

/// patroni.yml with this text, as it is read.
inline std::optional<patroni::Configuration> patroni_yml(const std::string& text) {
    const Files files;
    return patroni::read_configuration({files.write("patroni.yml", text), {}});
}

/// What belongs to a request besides the method's block, whose first own line is 8.
inline std::string with_block(const std::string& lines) {
    return "scope: demo\n"
           "postgresql: {data_dir: /srv/data, pg_hba: [local all all peer]}\n"
           "bootstrap:\n"
           "  method: pgbackrest\n"
           "  pgbackrest:\n"
           "    command: patroni_pgbackrest bootstrap\n"
           "    stanza: demo\n" +
           lines;
}

/// The problems of the Failure that `action` ends in, which must have this exit code; empty when it does not fail.
template <typename Action>
Problems problems_of(ExitCode code, Action action) {
    try {
        action();
    } catch (const Failure& failure) {
        if (failure.code() != code) {
            return {{"exit code " + std::to_string(static_cast<int>(failure.code())) + ": " + failure.what(), ""}};
        }
        return failure.problems();
    }
    return {};
}

/// The least that makes a request from the command line alone.
inline Given enough(const Given& more = {}) {
    Given given{{"datadir", "/data"}, {"stanza", "demo"}};
    given.insert(given.end(), more.begin(), more.end());
    return given;
}

inline Request request_for(const Given& more = {}) {
    return make_request(enough(more), std::nullopt);
}

inline Problems refusals(const Given& more) {
    return problems_of(ExitCode::usage, [&] { request_for(more); });
}

inline RecoveryTarget time_target(const std::string& text, bool exclusive = false) {
    return {Time::parse(text).value(), exclusive};
}
inline RecoveryTarget lsn_target(const std::string& text, bool exclusive = false) {
    return {LsnTarget{postgres::Lsn::parse(text).value()}, exclusive};
}

}  // namespace patroni_pgbackrest
