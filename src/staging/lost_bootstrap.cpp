#include "staging/lost_bootstrap.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

bool is_bootstrapped_by_another(const BootstrapCall& call, const patroni::ScopeState& dcs) {
    return std::any_of(dcs.bootstrapping.begin(), dcs.bootstrapping.end(),
                       [&](const std::string& member) { return member != call.member; });
}

}  // namespace

ResumeVerdict decide_without_journal(const BootstrapCall& call, const Layout& layout, const patroni::ScopeState& dcs,
                                     const std::optional<std::filesystem::path>& elsewhere) {
    if (dcs.initialize != patroni::InitializeKey::empty || !dcs.leadership.why_unknown.empty() ||
        dcs.leadership.leader || is_bootstrapped_by_another(call, dcs)) {
        return {};
    }
    const auto directory = layout.data_directory.string();
    if (elsewhere) {
        return {.action = ResumeAction::refuse,
                .failure = Failure(
                    ExitCode::unsafe,
                    fmt::format("a restore into {} was interrupted, and postgresql.data_dir is {} now: the DCS holds "
                                "the key of that bootstrap, so Patroni would wait for its end for ever",
                                elsewhere->string(), directory),
                    fmt::format("set data_dir to {} again; or, if no other node restores, run {} "
                                "and start Patroni: it restores into {} then",
                                elsewhere->string(), dcs.how_to_remove(call.scope), directory))};
    }
    return {.warning = Problem{
                fmt::format("a bootstrap of scope {} is under way or was interrupted, and {} knows nothing of it",
                            call.scope, layout.journal().string()),
                fmt::format("if no other node restores, Patroni waits for ever: set data_dir to what it was, bring its "
                            "disk back, or run {} and start Patroni again",
                            dcs.how_to_remove(call.scope))}};
}

}  // namespace patroni_pgbackrest
