#pragma once

#include "staging/resume_decision.hpp"

#include <filesystem>
#include <optional>

namespace patroni_pgbackrest {

/// What `resume` does where no journal lies beside an empty data directory, and Patroni would wait for the end of a
/// bootstrap that nobody is at: the directory was another one then, or its disk is gone. `elsewhere`: the data
/// directory of an unfinished restore of this scope that was found.
ResumeVerdict decide_without_journal(const BootstrapCall& call, const Layout& layout, const patroni::ScopeState& dcs,
                                     const std::optional<std::filesystem::path>& elsewhere);

}  // namespace patroni_pgbackrest
