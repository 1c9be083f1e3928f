#include "staging/another_call.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

namespace {

bool is_passed(const pgbackrest::Pgbackrest& pgbackrest, const std::string& name) {
    return (name == "config" && pgbackrest.configuration) ||
           std::any_of(pgbackrest.common.begin(), pgbackrest.common.end(),
                       [&](const pgbackrest::Option& option) { return option.name == name; });
}

}  // namespace

std::optional<Problem> why_another_call(const ResumeFacts& facts) {
    const auto begun = facts.journal->last_call();
    const auto& then = begun.of_patroni;
    const auto& now = facts.patronis_call;
    const bool is_same_block = then && now && then->block == now->block;
    const bool is_another =
        then && now && !then->given.empty() ? then->given != now->given : begun.request != identity_of(*facts.request);
    if ((facts.is_script || is_same_block) && is_another) {
        return Problem{fmt::format("the interrupted restore was asked for with options that are not in the block {} "
                                   "({})",
                                   facts.method, begun.request),
                       "write the options that the script gives into the block, then start Patroni again"};
    }
    if (!then || !now) {
        return std::nullopt;
    }
    auto names = pgbackrest::differences(then->origin, now->origin);
    if (!facts.is_script && !is_same_block) {
        std::erase_if(names, [&](const std::string& name) { return is_passed(facts.request->pgbackrest, name); });
    }
    if (names.empty()) {
        return std::nullopt;
    }
    return Problem{fmt::format("pgBackRest would be told of another {} than in the interrupted restore of scope {}",
                               system::join(names, ", "), begun.scope),
                   fmt::format("give resume the variables (PGBACKREST_…) that Patroni's call had, in Environment= of "
                               "Patroni's unit or with env in the block's command, and write into the block {} what a "
                               "script gives; or, {}",
                               facts.method, facts.how_to_begin_anew())};
}

}  // namespace patroni_pgbackrest
