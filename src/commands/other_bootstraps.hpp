#pragma once

#include "patroni/configuration.hpp"
#include "staging/layout.hpp"

/// What `resume` looks at beside the journal of this node's own bootstrap.
namespace patroni_pgbackrest::commands {

/// Without a bootstrap section Patroni waits for the leader for ever that an interrupted restore would have brought,
/// unless the cluster has gone on without this node.
void refuse_without_method(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration,
                           const Layout& layout);

/// Throws where the data directory is what verify rejected, or Patroni did not accept, at another place or name: it was
/// renamed or copied since, and data_dir with it.
void refuse_what_was_rejected_elsewhere(const Layout& layout);

/// Throws where the data directory is what another member was handed over, and would become a second history here.
void refuse_anothers_directory(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration,
                               const Layout& layout);

/// A bootstrap of this node that nothing tells of here: data_dir was changed since, or the journal's disk is gone.
void look_for_lost_bootstrap(const patroni::ConfigurationSource& source, const patroni::Configuration& configuration,
                             const Layout& layout);

}  // namespace patroni_pgbackrest::commands
