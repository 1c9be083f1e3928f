#pragma once

#include "staging/journal.hpp"
#include "staging/layout.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// The tablespace and link targets that the journal names: they belong to the copy as the staging directory does.
std::vector<std::filesystem::path> places_outside(const Journal& journal);

/// Makes `outside` the journal's own. A place is ours when it is empty, or when the journal knows it, and knows it as
/// the directory that is there now. Throws Failure(unsafe) for any other.
void claim_places(Journal& journal, const std::vector<std::filesystem::path>& outside);

/// Writes into the journal which directories lie at its places now, except where it knows that already.
void note_births(Journal& journal);

/// The kernel's boot id and the mounted file systems of these places: what was written without fsync is there for
/// certain only while both stay. Empty where the kernel does not tell.
std::string boot_of(const std::vector<std::filesystem::path>& places);
/// Of the staging directory and the journal's places.
std::string boot_now(const Journal& journal, const Layout& layout);

/// Whether what the run of this journal wrote without fsync is there for certain: no reboot and no unmount since.
bool is_same_boot(const Journal& journal, const Layout& layout);

}  // namespace patroni_pgbackrest
