#pragma once

#include "staging/journal.hpp"
#include "staging/layout.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace patroni_pgbackrest {

/// The tablespace and link targets that the journal names: they belong to the copy as the staging directory does.
std::vector<std::filesystem::path> places_outside(const Journal& journal);

/// Makes `outside` the journal's own. A place is ours when it is empty, or when the journal knows it, and knows it as
/// the directory that is there now. Throws Failure(unsafe) for any other.
void claim_places(Journal& journal, const std::vector<std::filesystem::path>& outside);

/// In the data directory, JSON: where the WAL that is replayed there makes tablespaces, each with the directory that
/// lay there then. It is written before PostgreSQL makes anything of them, and outlives its server.
constexpr const char* made_places_file = "patroni_pgbackrest.places";
/// By their paths. Empty when there is no such file, or it is damaged.
std::map<std::string, std::string> made_places(const std::filesystem::path& data_directory);
/// Adds one that is there now.
void note_made_place(const std::filesystem::path& data_directory, const std::filesystem::path& place);

/// `PG_15_202209061`, in a tablespace's directory.
bool is_version_directory(std::string_view name, int major);

/// The journal's places that are still the directories it knows.
std::vector<std::string> owned_places(const Journal& journal);

/// What made_places() tells becomes the journal's own: it is synced, cleaned and known from then on like the backup's.
void take_made_places(Journal& journal, const std::filesystem::path& data_directory);
/// The same for what the links of a directory lead to, after its replay: before that they may be somebody's.
void take_linked_places(Journal& journal, const std::filesystem::path& data_directory);

/// Takes out of the journal's own places what the replay of an earlier try made there, except where the backup itself
/// restores to: the WAL makes it anew. Throws Failure(unsafe) when a server on this machine has one as its tablespace.
void empty_made_places(const Journal& journal, const std::vector<std::filesystem::path>& restored, int major);

/// A server of this user on this machine that runs in this directory, or has a tablespace or its WAL there.
std::optional<pid_t> server_with_place(const std::filesystem::path& place);

/// The symbolic links of a data directory: of its tablespaces, its WAL, and whatever else lies outside.
std::vector<std::filesystem::path> links_of(const std::filesystem::path& data_directory);
/// Where one of them leads to.
std::string end_of(const std::filesystem::path& link);

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
