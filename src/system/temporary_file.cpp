#include "system/temporary_file.hpp"

#include "system/file.hpp"
#include "system/owner.hpp"
#include "system/refusal.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace patroni_pgbackrest::system {

namespace {

namespace fs = std::filesystem;

/// Only root gives a file away, and only within a group of one's own can it change its group.
[[noreturn]] void cannot_keep_owner(const fs::path& target, const struct stat& old) {
    const int error = errno;
    const auto failure = refused("keep the owner of", target, error);
    if (error != EPERM) {
        throw Failure(failure);
    }
    const auto& message = failure.problems().front().message;
    const auto owner = user_name(old.st_uid);
    if (::geteuid() == 0) {
        throw Failure(failure.code(), message, fmt::format("run it as {}, to whom the file belongs", owner));
    }
    throw Failure(failure.code(), message,
                  fmt::format("run it as root: the file belongs to {}:{}, and {} cannot give it away", owner,
                              group_name(old.st_gid), own_user().user));
}

/// `/a/./b` as `/a/b`, which is the name that a message is to have. What `..` leads to is left to the kernel.
fs::path without_dots(const fs::path& path) {
    fs::path plain;
    for (const auto& part : path) {
        if (part != ".") {
            plain /= part;
        }
    }
    return plain;
}

}  // namespace

void cannot(std::string_view what, const fs::path& path, ExitCode code) {
    const int error = errno;
    const auto failure = refused(what, path, error);
    if (is_passing_fault(error)) {
        throw Failure(failure);
    }
    throw Failure(code, failure.problems());
}

fs::path follow_links(fs::path path) {
    for (int links = 0; links < 40; ++links) {
        std::error_code error;
        const auto target = fs::read_symlink(path, error);
        if (error) {
            return without_dots(fs::absolute(path));
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

TemporaryFile::TemporaryFile(fs::path target)
    : target_(std::move(target)),
      path_((target_.parent_path() / ("." + target_.filename().string().substr(0, 200) + ".XXXXXX")).string()),
      file_(::mkostemp(path_.data(), O_CLOEXEC)) {
    if (!file_.is_open()) {
        cannot("write beside", target_);
    }
}

TemporaryFile::~TemporaryFile() {
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
}

void TemporaryFile::take_over_owner(int mode, Owner owner) {
    struct stat old {};
    struct stat ours {};
    if (::stat(target_.c_str(), &old) == 0) {
        if (!S_ISREG(old.st_mode)) {
            errno = S_ISDIR(old.st_mode) ? EISDIR : EINVAL;
            cannot("replace", target_);
        }
        if (::fstat(file_.number(), &ours) != 0) {
            cannot("read", target_);
        }
        const bool differs = old.st_uid != ours.st_uid || old.st_gid != ours.st_gid;
        if (differs && ::fchown(file_.number(), old.st_uid, old.st_gid) != 0 &&
            (owner == Owner::stays || errno != EPERM)) {
            cannot_keep_owner(target_, old);
        }
        mode = static_cast<int>(old.st_mode & 07777);
    } else if (errno != ENOENT) {
        cannot("replace", target_);
    }
    if (::fchmod(file_.number(), static_cast<mode_t>(mode)) != 0) {
        cannot("set the mode of", target_);
    }
}

void TemporaryFile::fill(std::string_view content) {
    write_all(file_, content, target_);
    if (::fsync(file_.number()) != 0) {
        cannot("write", target_);
    }
}

void TemporaryFile::become_target() {
    if (::rename(path_.c_str(), target_.c_str()) != 0) {
        cannot("replace", target_);
    }
    path_.clear();
    sync_directory(target_.parent_path());
}

}  // namespace patroni_pgbackrest::system
