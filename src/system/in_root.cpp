#include "system/in_root.hpp"

#include "system/descriptor.hpp"
#include "system/refusal.hpp"

#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

namespace {

/// What is not there, or not ours to look at, is an answer; these are none.
bool is_refusal_of_the_call(int error) {
    return error == ENOSYS || error == EPERM || error == EINVAL || error == E2BIG || error == EAGAIN;
}

/// Neither are these: for want of descriptors or memory a living server's place would look like nobody's.
void refuse_to_guess(const std::filesystem::path& path, int error) {
    if (error == EMFILE || error == ENFILE || error == ENOMEM) {
        throw refused("look at", path, error);
    }
}

}  // namespace

LeadsThere leads_there_in(const std::filesystem::path& root, const std::filesystem::path& path,
                          const std::filesystem::path& place) {
    const Descriptor top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat ours {};
    if (!top.is_open() || ::stat(place.c_str(), &ours) != 0) {
        refuse_to_guess(top.is_open() ? place : root, errno);
        return LeadsThere::no;
    }
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT;
    const Descriptor end(static_cast<int>(::syscall(SYS_openat2, top.number(), path.c_str(), &how, sizeof how)));
    if (!end.is_open()) {
        refuse_to_guess(path, errno);
        return is_refusal_of_the_call(errno) ? LeadsThere::unknown : LeadsThere::no;
    }
    struct stat theirs {};
    const bool is_place =
        ::fstat(end.number(), &theirs) == 0 && theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
    return is_place ? LeadsThere::yes : LeadsThere::no;
}

}  // namespace patroni_pgbackrest::system
