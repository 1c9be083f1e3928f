#include "staging/kept_from_leading.hpp"

#include "patroni/remainders.hpp"
#include "system/text.hpp"

#include <fmt/format.h>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

std::optional<Problem> what_keeps_it_from_leading(const ResumeFacts& facts) {
    const auto& dcs = *facts.dcs;
    const auto& reached = facts.journal->reached;
    std::vector<std::string> messages;
    std::vector<std::string> hints;
    if (facts.modes.pause) {
        messages.push_back(
            fmt::format("scope {} is in pause, and Patroni starts no server then: what is restored waits "
                        "for the end of the pause",
                        facts.scope()));
        hints.push_back(dcs.configured ? fmt::format("run {} -s pause=null", dcs.how_to_edit(facts.scope()))
                                       : "take bootstrap.dcs.pause out before Patroni starts");
    }
    const auto end =
        reached && facts.in_place == InPlace::handed_over ? std::optional(reached->lsn.value) : std::nullopt;
    const auto left = patroni::remainders_in_the_way(dcs.remainders, facts.modes, facts.own_name, end);
    if (!left.empty() && !dcs.leadership.leader) {
        messages.push_back(
            fmt::format("an earlier leader of scope {} has left {} in the DCS, for which Patroni may never "
                        "let this node lead",
                        facts.scope(), system::join(left, ", ")));
        hints.push_back(fmt::format("if nobody leads two minutes after Patroni has started here, run {}",
                                    dcs.how_to_make_leader(facts.scope(), facts.own_name)));
    }
    return messages.empty() ? std::nullopt
                            : std::optional(Problem{system::join(messages, "; "), system::join(hints, "; ")});
}

}  // namespace patroni_pgbackrest
