#include "system/mapped_file.hpp"

#include "system/refusal.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

MappedFile::MappedFile(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat facts {};
    const bool known = file >= 0 && ::fstat(file, &facts) == 0;
    const auto size = static_cast<std::size_t>(facts.st_size);
    void* start = known && size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0) : nullptr;
    const int error = errno;
    if (file >= 0) {
        ::close(file);
    }
    if (!known || start == MAP_FAILED) {
        throw refused("read", path, error);
    }
    bytes_ = {static_cast<const char*>(start), size};
}

MappedFile::~MappedFile() {
    if (!bytes_.empty()) {
        ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
    }
}

}  // namespace patroni_pgbackrest::system
