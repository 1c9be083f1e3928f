#pragma once

#include "system/descriptor.hpp"
#include "system/exit_code.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::system {

/// Throws Failure(system_refused) of the call that has just set errno. `code` takes its place for an error which is not
/// the system's: of a path that a person has named, for example.
[[noreturn]] void cannot(std::string_view what, const std::filesystem::path& path,
                         ExitCode code = ExitCode::system_refused);

/// Where a chain of symbolic links ends, absolute; the last one may point to a file that does not exist yet.
std::filesystem::path follow_links(std::filesystem::path path);

void write_all(const Descriptor& file, std::string_view content, const std::filesystem::path& path);

/// A file beside another one, which may take its place. Removed at the end of its life unless it has.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::filesystem::path target);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    const Descriptor& file() const { return file_; }
    /// Of the old file: whether it is an error that it cannot be kept.
    enum class Owner { stays, may_change };
    /// The mode of the old file, and its owner, so that its readers stay the same; else `mode`.
    void take_over_owner(int mode, Owner owner = Owner::stays);
    /// Writes the text and makes it durable.
    void fill(std::string_view content);
    /// Takes the target's place, and makes that durable.
    void become_target();

  private:
    std::filesystem::path target_;
    std::string path_;
    Descriptor file_;
};

}  // namespace patroni_pgbackrest::system
