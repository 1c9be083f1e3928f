#pragma once

#include "patroni/configuration.hpp"
#include "staging/layout.hpp"
#include "system/failure.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// A data directory that is a symbolic link, which Patroni has renamed: os.rename() takes the link, and not the
/// directory behind it (postgresql/__init__.py move_data_directory, 2.0 to 4.1).
struct RenamedLink {
    std::filesystem::path data_directory;  ///< the name that the link had
    std::filesystem::path link;            ///< the one that it has
    std::filesystem::path end;             ///< the directory, which was handed over
    bool inside = false;                   ///< its journal lies in it: it cannot be renamed

    /// Where the restore lay, which choose_layout() may see in another way by now.
    Layout layout() const { return layout_of(end, inside); }
};

/// The journal of a restore lies beside the directory that was handed over, so behind a link of another name nothing of
/// it would be found: another directory would be restored in the link's place, and the rejected timeline followed.
/// Empty if the data directory holds anything, and if the restore is over.
std::optional<RenamedLink> find_renamed_link(const std::filesystem::path& data_directory);

/// With what puts both in their places. Pure but for a look at which names are free.
Failure refusal_of(const RenamedLink& moved);

/// Where the cluster goes on without it: nothing is in the way of a replica then, which comes to lie elsewhere.
Problem warning_of(const RenamedLink& moved, const std::string& scope);

/// The replica would need as much room as what lies behind the link (`size` bytes), which is most often there because
/// the disk of the link has not so much: refused where that is so (`room`).
std::optional<Failure> refusal_for_room(const RenamedLink& moved, const std::string& scope, std::uint64_t size,
                                        std::uint64_t room);

/// Lets Patroni make it: removes what is known of the restore, and warns. Throws refusal_for_room() where it does not
/// fit.
void leave_renamed_link(const RenamedLink& moved, const std::string& scope);

/// Throws the refusal, if there is one. Writes down first which timelines Patroni gave up there: see
/// note_rejected_directory.
void refuse_renamed_link(const std::filesystem::path& data_directory,
                         const std::optional<patroni::Configuration>& patroni);

}  // namespace patroni_pgbackrest
