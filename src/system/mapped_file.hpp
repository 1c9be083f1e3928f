#pragma once

#include <filesystem>
#include <string_view>

namespace patroni_pgbackrest::system {

/// A file's bytes, read only, without a copy of them.
class MappedFile {
  public:
    /// Throws Failure(system_refused) that names the path.
    explicit MappedFile(const std::filesystem::path& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    std::string_view bytes() const { return bytes_; }

  private:
    std::string_view bytes_;
};

}  // namespace patroni_pgbackrest::system
