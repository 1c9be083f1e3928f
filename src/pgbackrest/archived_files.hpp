#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::pgbackrest {

/// A file of the archive: `archive/demo/15-1/0000000100000000/000000010000000000000001-<SHA-1>.gz`.
struct ArchivedFile {
    unsigned repository = 0;
    std::string path;

    std::string checksum() const;
    bool operator==(const ArchivedFile&) const = default;
};

/// The segments' files, by the segments' 24-digit names, in their order. There may be a hundred thousand: kept are the
/// numbers in their names, and once for each directory what all files in it have in common.
class ArchivedFiles {
  public:
    /// `file.path` ends in a name that is_segment_file(). Of a segment that has a file already that one stays, and the
    /// answer is false.
    bool add(const ArchivedFile& file);
    bool contains(const std::string& name) const { return lookup(name).file != nullptr; }
    std::optional<ArchivedFile> find(const std::string& name) const;
    std::size_t size() const;
    /// The first name behind this one, whether that is there or not.
    std::optional<std::string> first_behind(const std::string& name) const;
    /// The last name that is not behind this one.
    std::optional<std::string> last_up_to(const std::string& name) const;
    /// The last name before this one.
    std::optional<std::string> last_before(const std::string& name) const;

  private:
    struct File {
        std::uint32_t number;  ///< the name's last eight digits
        std::uint32_t place;   ///< in `places`
        std::array<std::uint8_t, 20> checksum;
    };
    struct Place {
        unsigned repository;
        std::string directory, ending;
    };
    struct Directory {
        std::vector<Place> places;  ///< as a rule one
        std::vector<File> files;    ///< by their numbers
    };
    struct Found {
        const Directory* directory = nullptr;
        const File* file = nullptr;
    };
    /// A name's first 16 digits, and the last eight.
    struct Key {
        std::uint64_t directory;
        std::uint32_t number;
    };
    static Key key_of(std::string_view name);
    static bool is_before(const File& file, std::uint32_t number);
    static std::string name_of(std::uint64_t directory, const File& file);
    Found lookup(const std::string& name) const;

    std::map<std::uint64_t, Directory> directories_;  // none is empty
};

}  // namespace patroni_pgbackrest::pgbackrest
