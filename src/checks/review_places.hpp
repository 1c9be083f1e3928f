#pragma once

#include "pgbackrest/backup_targets.hpp"
#include "staging/layout.hpp"
#include "system/finding.hpp"

#include <filesystem>
#include <vector>

namespace patroni_pgbackrest {

/// What is seen of the data directory and of the directory that it is, or will be, in.
struct PlaceFacts {
    unsigned user = 0;  ///< ours
    bool exists = false;
    bool has_entries = false;  ///< dotfiles, lost+found: the hand-over fills it instead of replacing it
    unsigned owner = 0;
    bool is_writable = false;
    std::filesystem::path parent;  ///< the nearest that exists
    bool parent_is_writable = false;
    bool parent_is_sticky = false;
    unsigned parent_owner = 0;
};
PlaceFacts look_at_place(const Layout& layout);

/// Whether the data directory can be made, or filled, so that PostgreSQL accepts it: it wants to own the directory
/// (checkDataDir in miscinit.c). Its mode is put right at the hand-over, which only its owner can.
std::vector<Finding> review_place(const Layout& layout, const PlaceFacts& seen);

/// Whether tablespaces and links would be restored into the data directory, or what is beside it for the restore: the
/// copy would fill PGDATA before the hand-over, which then refuses it for ever. Resolves symbolic links.
std::vector<Finding> review_targets(const Layout& layout, const std::vector<pgbackrest::RestoredTarget>& targets);

/// Whether temporary directories can be made and written to. Makes one, and removes it.
std::vector<Finding> review_temporary_directory();

}  // namespace patroni_pgbackrest
