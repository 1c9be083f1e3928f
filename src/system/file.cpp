#include "system/file.hpp"

#include "system/descriptor.hpp"
#include "system/failure.hpp"
#include "system/refusal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

namespace fs = std::filesystem;

/// `code` is that of an error which is not the system's: a path that a person has named, for example.
[[noreturn]] void cannot(std::string_view what, const fs::path& path, ExitCode code = ExitCode::system_refused) {
    const int error = errno;
    const auto failure = refused(what, path, error);
    if (is_passing_fault(error)) {
        throw Failure(failure);
    }
    throw Failure(code, failure.problems());
}

std::string read_all(const Descriptor& file, const fs::path& path) {
    std::string content;
    std::array<char, 16384> buffer;
    while (true) {
        const ssize_t length = ::read(file.number(), buffer.data(), buffer.size());
        if (length == 0) {
            return content;
        }
        if (length > 0) {
            content.append(buffer.data(), static_cast<std::size_t>(length));
        } else if (errno != EINTR) {
            cannot("read", path, ExitCode::usage);
        }
    }
}

/// Where a chain of symbolic links ends; the last one may point to a file that does not exist yet.
fs::path follow_links(fs::path path) {
    for (int links = 0; links < 40; ++links) {
        std::error_code error;
        const auto target = fs::read_symlink(path, error);
        if (error) {
            return path;
        }
        path = path.parent_path() / target;  // an absolute target replaces the left side
    }
    errno = ELOOP;
    cannot("replace", path);
}

void write_all(const Descriptor& file, std::string_view content, const fs::path& path) {
    while (!content.empty()) {
        const ssize_t written = ::write(file.number(), content.data(), content.size());
        if (written >= 0) {
            content.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            cannot("write", path);
        }
    }
}

/// Removes the temporary file, unless it has become the real file.
class TemporaryFile {
  public:
    explicit TemporaryFile(const fs::path& target)
        : path_((target.parent_path() / ("." + target.filename().string().substr(0, 200) + ".XXXXXX")).string()),
          file_(::mkostemp(path_.data(), O_CLOEXEC)) {
        if (!file_.is_open()) {
            cannot("write beside", target);
        }
    }
    ~TemporaryFile() {
        if (!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    const Descriptor& file() const { return file_; }
    void become(const fs::path& target) {
        if (::rename(path_.c_str(), target.c_str()) != 0) {
            cannot("replace", target);
        }
        path_.clear();
    }

  private:
    std::string path_;
    Descriptor file_;
};

/// The mode of the old file, and its owner, so that its readers stay the same.
void take_over_owner(const Descriptor& file, const fs::path& target, int mode) {
    struct stat old {};
    struct stat ours {};
    if (::stat(target.c_str(), &old) == 0) {
        if (!S_ISREG(old.st_mode)) {
            errno = S_ISDIR(old.st_mode) ? EISDIR : EINVAL;
            cannot("replace", target);
        }
        if (::fstat(file.number(), &ours) != 0) {
            cannot("read", target);
        }
        const bool differs = old.st_uid != ours.st_uid || old.st_gid != ours.st_gid;
        if (differs && ::fchown(file.number(), old.st_uid, old.st_gid) != 0) {
            cannot("keep the owner of", target);
        }
        mode = static_cast<int>(old.st_mode & 07777);
    } else if (errno != ENOENT) {
        cannot("replace", target);
    }
    if (::fchmod(file.number(), static_cast<mode_t>(mode)) != 0) {
        cannot("set the mode of", target);
    }
}

}  // namespace

std::string read_file(const fs::path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) {
        cannot("read", path, ExitCode::usage);
    }
    return read_all(file, path);
}

std::optional<std::string> read_file_if_present(const fs::path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open() && errno == ENOENT) {
        return std::nullopt;
    }
    if (!file.is_open()) {
        cannot("read", path, ExitCode::usage);
    }
    return read_all(file, path);
}

void replace_file(const fs::path& path, std::string_view content, int mode) {
    const auto target = fs::absolute(follow_links(path));
    TemporaryFile temporary(target);
    take_over_owner(temporary.file(), target, mode);
    write_all(temporary.file(), content, target);
    if (::fsync(temporary.file().number()) != 0) {
        cannot("write", target);
    }
    temporary.become(target);
    sync_directory(target.parent_path());
}

void remove_file(const fs::path& path) {
    if (::unlink(path.c_str()) == 0) {
        sync_directory(fs::absolute(path).parent_path());
    } else if (errno != ENOENT) {
        cannot("remove", path);
    }
}

std::vector<std::string> entries(const fs::path& directory) {
    DIR* stream = ::opendir(directory.c_str());
    if (stream == nullptr) {
        cannot("read the directory", directory, ExitCode::unsafe);
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
        errno = 0;
    }
    const int error = errno;
    ::closedir(stream);
    errno = error;
    if (error != 0) {
        cannot("read the directory", directory, ExitCode::unsafe);
    }
    std::sort(names.begin(), names.end());
    return names;
}

void sync_directory(const fs::path& directory) {
    const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open()) {
        cannot("open", directory);
    }
    // Some file systems do not support fsync of a directory. PostgreSQL ignores the same two errors (fsync_fname_ext).
    if (::fsync(opened.number()) != 0 && errno != EBADF && errno != EINVAL) {
        cannot("sync", directory);
    }
}

std::optional<std::string> birth_of(const fs::path& directory) {
    struct statx facts {};
    if (::statx(AT_FDCWD, directory.c_str(), 0, STATX_TYPE | STATX_INO | STATX_BTIME, &facts) != 0 ||
        !S_ISDIR(facts.stx_mode)) {
        return std::nullopt;
    }
    const bool known = (facts.stx_mask & STATX_BTIME) != 0;
    return fmt::format("{} {}.{:09}", facts.stx_ino, known ? facts.stx_btime.tv_sec : 0,
                       known ? facts.stx_btime.tv_nsec : 0);
}

}  // namespace patroni_pgbackrest::system
