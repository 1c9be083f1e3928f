#include "system/rewrite.hpp"

#include "system/blocked_signals.hpp"
#include "system/descriptor.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/refusal.hpp"
#include "system/temporary_file.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

namespace patroni_pgbackrest::system {

namespace {

namespace fs = std::filesystem;

constexpr const char* access_list = "system.posix_acl_access";

/// Kubernetes' AtomicWriter points `..data` to another directory when the ConfigMap or Secret changes.
void refuse_kubernetes(const fs::path& path, const fs::path& target) {
    std::error_code error;
    fs::path directory;
    for (const auto& name : target.parent_path()) {
        directory /= name;
        if (name == "..data" && fs::is_symlink(directory, error)) {
            throw Failure(
                ExitCode::usage,
                fmt::format("{} is made by Kubernetes from a ConfigMap or a Secret, which would soon take the "
                            "place of what is written there",
                            path.string()),
                "make the difference above in the ConfigMap or Secret: kubectl edit");
        }
    }
}

/// The attributes that say who may read the file, or that people have set. Others are the kernel's own.
bool is_kept(const std::string& name) {
    return name == access_list || name == "security.selinux" || name == "security.SMACK64" || name.starts_with("user.");
}

std::vector<std::string> kept_attributes(const fs::path& path) {
    std::string names(std::size_t{64} << 10, '\0');  // XATTR_LIST_MAX
    const auto length = ::listxattr(path.c_str(), names.data(), names.size());
    if (length < 0 && errno != ENOTSUP) {
        cannot("read the attributes of", path);
    }
    std::vector<std::string> kept;
    for (std::size_t at = 0; length > 0 && at < static_cast<std::size_t>(length); at += kept.back().size() + 1) {
        kept.emplace_back(names.c_str() + at);
    }
    std::erase_if(kept, [](const std::string& name) { return !is_kept(name); });
    return kept;
}

/// A directory's default access list, which the old file does not have, would let others read the new one.
void take_over_attributes(const Descriptor& file, const fs::path& old) {
    const auto names = kept_attributes(old);
    std::string value(std::size_t{64} << 10, '\0');  // XATTR_SIZE_MAX
    auto ours = value;
    for (const auto& name : names) {
        const auto length = ::getxattr(old.c_str(), name.c_str(), value.data(), value.size());
        if (length < 0) {
            cannot("read the attributes of", old);
        }
        const auto size = static_cast<std::size_t>(length);
        const bool is_same = ::fgetxattr(file.number(), name.c_str(), ours.data(), ours.size()) == length &&
                             value.compare(0, size, ours, 0, size) == 0;
        if (!is_same && ::fsetxattr(file.number(), name.c_str(), value.data(), size, 0) != 0) {
            const int error = errno;
            const auto failure = refused("keep " + name + " of", old, error);
            throw Failure(failure.code(), failure.problems().front().message,
                          ::geteuid() == 0 ? failure.problems().front().hint : "run it as root");
        }
    }
    if (std::find(names.begin(), names.end(), access_list) == names.end() &&
        ::fremovexattr(file.number(), access_list) != 0 && errno != ENODATA && errno != ENOTSUP) {
        cannot("write beside", old);
    }
}

/// What is cut off goes first: where that fails nothing was written, and where a longer text was written nothing needs
/// to be cut off.
void write_from(const Descriptor& file, std::string_view text, std::size_t from, const fs::path& path) {
    const auto length = static_cast<off_t>(text.size());
    struct stat facts {};
    if (::fstat(file.number(), &facts) != 0 || (facts.st_size > length && ::ftruncate(file.number(), length) != 0)) {
        cannot("write", path);
    }
    while (from < text.size()) {
        const auto written = ::pwrite(file.number(), text.data() + from, text.size() - from, static_cast<off_t>(from));
        if (written >= 0) {
            from += static_cast<std::size_t>(written);
        } else if (errno != EINTR) {
            cannot("write", path);
        }
    }
    if (::fsync(file.number()) != 0) {
        cannot("write", path);
    }
}

/// One of the files, on its way.
class Rewriting {
  public:
    /// Does all that may fail and does not show: the new file lies ready beside the old one, or there is room in it.
    explicit Rewriting(const NewText& text);
    void commit();
    /// Puts the old text back.
    void undo() const;

  private:
    void make_room();
    /// What is equal at their beginnings is not written.
    void write(const std::string& text) const;

    const NewText& text_;
    fs::path path_;
    std::unique_ptr<TemporaryFile> replacement_;
    Descriptor in_place_;
};

Rewriting::Rewriting(const NewText& text) : text_(text), path_(follow_links(text.path)) {
    refuse_kubernetes(text.path, path_);
    if (read_file(path_) != text.before) {
        throw Failure(ExitCode::unsafe, fmt::format("{} was changed by somebody else meanwhile", text.path.string()),
                      "run it again");
    }
    if (text.way == Way::in_place) {
        make_room();
        return;
    }
    replacement_ = std::make_unique<TemporaryFile>(path_);
    replacement_->take_over_owner(0600);
    take_over_attributes(replacement_->file(), path_);
    replacement_->fill(text.after);
}

/// What is overwritten is lost, so the room comes first. Not all file systems can make it.
void Rewriting::make_room() {
    in_place_ = Descriptor(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
    if (!in_place_.is_open()) {
        cannot("write", path_);
    }
    const auto length = static_cast<off_t>(std::max(text_.after.size(), std::size_t{1}));
    if (::fallocate(in_place_.number(), FALLOC_FL_KEEP_SIZE, 0, length) != 0 && is_passing_fault(errno)) {
        cannot("write", path_);
    }
}

void Rewriting::write(const std::string& text) const {
    const auto same =
        std::mismatch(text_.before.begin(), text_.before.end(), text_.after.begin(), text_.after.end()).first;
    write_from(in_place_, text, static_cast<std::size_t>(same - text_.before.begin()), path_);
}

void Rewriting::commit() {
    if (replacement_) {
        replacement_->become_target();
    } else {
        write(text_.after);
    }
}

void Rewriting::undo() const {
    if (read_file(path_) == text_.before) {
        return;
    }
    if (replacement_) {
        Rewriting({path_, text_.after, text_.before, Way::replace}).commit();
    } else {
        write(text_.before);
    }
}

sigset_t signals_to_end() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        sigaddset(&signals, signal);
    }
    return signals;
}

/// Adds to the problems what keeps its new text, or half of it.
void undo_all(const std::vector<std::unique_ptr<Rewriting>>& files, std::size_t count, std::vector<Problem>& problems) {
    for (std::size_t i = 0; i < count; ++i) {
        try {
            files[i]->undo();
        } catch (const Failure& failure) {
            const auto& problem = failure.problems().front();
            problems.push_back({"its old text could not be put back: " + problem.message,
                                "take back what the difference above shows: patch -R"});
        }
    }
}

}  // namespace

Way way_to_write(const fs::path& path) {
    return is_mount_point(follow_links(path)) ? Way::in_place : Way::replace;
}

void rewrite(const std::vector<NewText>& files) {
    const BlockedSignals blocked(signals_to_end());
    std::vector<std::unique_ptr<Rewriting>> prepared;
    for (const auto& file : files) {
        prepared.push_back(std::make_unique<Rewriting>(file));
    }
    for (std::size_t i = 0; i < prepared.size(); ++i) {
        try {
            prepared[i]->commit();
        } catch (const Failure& failure) {
            auto problems = failure.problems();
            undo_all(prepared, i + 1, problems);
            throw Failure(failure.code(), problems);
        }
    }
}

}  // namespace patroni_pgbackrest::system
