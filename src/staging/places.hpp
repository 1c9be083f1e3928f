#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace patroni_pgbackrest {

/// A directory outside of the staging directory that the restore writes to: a tablespace's or a link's target.
struct Place {
    std::string path;
    /// Which directory lay there: another disk that is mounted there is not ours. Empty until it is there.
    std::optional<std::string> birth;

    bool operator==(const Place&) const = default;
    /// Whether the directory that is there now is the one that is known.
    bool is_still_there() const;
};

/// The restore's own places, each path once: they belong to the copy as the staging directory does.
class Places {
  public:
    Places() = default;
    /// `births` by their paths; those of other paths are left out.
    explicit Places(const std::vector<std::string>& paths, const std::map<std::string, std::string>& births = {});

    bool operator==(const Places&) const = default;
    std::vector<Place>::const_iterator begin() const { return all_.begin(); }
    std::vector<Place>::const_iterator end() const { return all_.end(); }
    std::vector<std::string> paths() const;
    std::map<std::string, std::string> births() const;
    /// Those that are still the directories they were: one that is another by now is somebody's.
    Places owned() const;

    /// Makes these its own. A place is ours when it is empty, or when it is known, and as the directory that is there
    /// now, or as a file. Throws Failure(unsafe) for any other. Forgets others that are not there, or no longer.
    void claim(const std::vector<std::filesystem::path>& restored);
    /// Adds others, which know better which directory a place is.
    void add(const Places& others);
    /// Notes which directories lie there now, except where that is known already.
    void note_births();
    void clear() { all_.clear(); }

  private:
    std::vector<Place> all_;
    Place& at(const std::string& path);
};

/// In the data directory, JSON: where the WAL that is replayed there makes tablespaces, each with the directory that
/// lay there then. It is written before PostgreSQL makes anything of them, and outlives its server.
constexpr const char* made_places_file = "patroni_pgbackrest.places";
/// None when there is no such file, or it is damaged.
Places made_places(const std::filesystem::path& data_directory);
/// Adds one that is there now.
void note_made_place(const std::filesystem::path& data_directory, const std::filesystem::path& place);

/// `PG_15_202209061`, in a tablespace's directory.
bool is_version_directory(std::string_view name, int major);

/// What the links of a directory lead to, as it is now. They are the restore's own only after its replay: before that
/// they may be somebody's.
Places linked_places(const std::filesystem::path& data_directory);

/// Whether each link of a data directory leads to something, each tablespace to something in it, and none of the places
/// is another directory by now. Somebody may have emptied or replaced them since.
bool are_as_linked(const Places& places, const std::filesystem::path& data_directory);

/// Takes out of the restore's own places what the replay of an earlier try made there, except where the backup itself
/// restores to: the WAL makes it anew. Throws Failure(unsafe) when a server on this machine has one as its tablespace.
void empty_made_places(const Places& places, const std::vector<std::filesystem::path>& restored, int major);

/// A server of this user on this machine, be it in a container, that runs in this directory, or has a tablespace or its
/// WAL there.
std::optional<pid_t> server_with_place(const std::filesystem::path& place);

/// The symbolic links of a data directory: of its tablespaces, its WAL, and whatever else lies outside. None of one
/// that is not there. Throws Failure(system_refused) where nobody can look.
std::vector<std::filesystem::path> links_of(const std::filesystem::path& data_directory);
/// Those that this user can see, of a directory that may be another's, or lie on a disk that does not answer. Throws
/// only for want of descriptors or memory.
std::vector<std::filesystem::path> visible_links_of(const std::filesystem::path& data_directory);
/// Where one of them leads to.
std::string end_of(const std::filesystem::path& link);

/// The kernel's boot id and the mounted file systems of these places: what was written without fsync is there for
/// certain only while both stay. Empty where the kernel does not tell.
std::string boot_of(const std::filesystem::path& staging, const Places& places = {});
/// Whether it is another one after another mount of any of these places: where it is not, what was not flushed would be
/// believed after that.
bool tells_mounts_apart(const std::filesystem::path& staging, const Places& places = {});

}  // namespace patroni_pgbackrest
