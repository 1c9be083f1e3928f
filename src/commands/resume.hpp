#pragma once

#include <optional>
#include <string>

namespace patroni_pgbackrest::commands {

/// What `resume` is called with.
struct ResumeArguments {
    std::optional<std::string> patroni_config;  ///< else PATRONI_CONFIGURATION, else the PATRONI_* variables
    std::string log_format{};                   ///< empty: as the method's block says
};

/// `resume`: before Patroni starts, ends a bootstrap of this node that was interrupted, up to the hand-over. A Patroni
/// that died meanwhile waits for a leader for ever, since nobody takes its empty `/initialize` key away; it goes on
/// with a data directory that is there. Returns normally when there was nothing to do, when the cluster went on without
/// this node, or when the data directory is in place; throws Failure when Patroni must not start.
void resume(const ResumeArguments& arguments);

}  // namespace patroni_pgbackrest::commands
