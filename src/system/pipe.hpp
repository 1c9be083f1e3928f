#pragma once

#include "system/descriptor.hpp"

#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

/// Both ends close on exec.
struct Pipe {
    Descriptor read, write;

    /// False, with errno, when there is no descriptor left.
    bool open() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            return false;
        }
        read = Descriptor(ends[0]);
        write = Descriptor(ends[1]);
        return true;
    }
};

}  // namespace patroni_pgbackrest::system
