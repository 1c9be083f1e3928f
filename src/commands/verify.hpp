#pragma once

#include "system/exit_code.hpp"

#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest::commands {

/// What `verify` is called with.
struct VerifyArguments {
    std::optional<std::string> connection;      ///< Patroni appends it; else the server of postgresql.data_dir
    std::optional<std::string> patroni_config;  ///< else the calling Patroni's, else what PATRONI_* variables say
    std::vector<std::string> probes;            ///< instead of those in the method's block
    std::string log_format{};                   ///< empty: as the method's block says
    bool json = false;
    bool amcheck = false;  ///< not as post_bootstrap: it reads the whole cluster
};

/// `verify`: proves what came up against what was asked, and prints a report. As Patroni's post_bootstrap it is quick
/// and calls an error only what means wrong data, since Patroni discards the cluster then; by hand it gives the
/// archiver some time. Returns done or verification_failed; throws Failure where the server cannot be asked.
ExitCode verify(const VerifyArguments& arguments);

}  // namespace patroni_pgbackrest::commands
