#include "system/open_for_writing.hpp"

#include "system/descriptor.hpp"
#include "system/file.hpp"
#include "system/interruption.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <system_error>

namespace patroni_pgbackrest::system {

namespace fs = std::filesystem;

namespace {

/// Of NFS and SMB the client gives a lease only where the server has granted one, and says EAGAIN else, whoever has the
/// file open (nfs4_add_lease in fs/nfs/nfs4proc.c, cifs_setlease in fs/smb/client/cifsfs.c). A lease on a file of our
/// own would not tell: the server may grant it for that one alone. One of a kind that is not listed here counts as
/// open.
bool is_leased_by_server(const fs::path& file) {
    constexpr std::uint64_t nfs = 0x6969;
    constexpr std::uint64_t cifs = 0xFF534D42;
    constexpr std::uint64_t smb2 = 0xFE534D42;
    return is_on_one_of(file, {nfs, cifs, smb2});
}

bool is_open_for_writing(const fs::path& file) {
    const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    // Whoever opens it for writing while the lease is held has a signal sent here. SIGURG does nothing; SIGIO would end
    // the program.
    if (!opened.is_open() || ::fcntl(opened.number(), F_SETSIG, SIGURG) != 0) {
        return false;
    }
    if (::fcntl(opened.number(), F_SETLEASE, F_RDLCK) != 0) {
        return errno == EAGAIN && !is_leased_by_server(file);
    }
    static_cast<void>(::fcntl(opened.number(), F_SETLEASE, F_UNLCK));
    return false;
}

}  // namespace

std::optional<fs::path> find_open_for_writing(const std::vector<fs::path>& directories) {
    for (const auto& directory : directories) {
        std::error_code error, unreadable;
        fs::recursive_directory_iterator entry(directory, fs::directory_options::skip_permission_denied, error);
        for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
            interruption::check();
            if (entry->symlink_status(unreadable).type() == fs::file_type::regular &&
                is_open_for_writing(entry->path())) {
                return entry->path();
            }
        }
    }
    return std::nullopt;
}

}  // namespace patroni_pgbackrest::system
