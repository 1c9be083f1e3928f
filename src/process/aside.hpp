#pragma once

#include "system/failure.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <vector>

namespace patroni_pgbackrest::process {

/// A file that somebody else reads, and how it is written.
struct Writing {
    std::filesystem::path file;
    std::function<void()> write;
};

/// How long a writer is waited for.
struct Patience {
    std::chrono::milliseconds usual, when_interrupted;
};

/// Writes them at the same time, each in a child: who writes to a network mount whose server is gone, or opens a FIFO
/// that nobody serves, may wait for ever. The child has this program's memory, and none of its descriptors. One that
/// has not ended in time is killed and waited for no longer. Where the system has no process left, it is written here.
/// Returns what is wrong with those that are not written.
std::vector<Problem> write_aside(const std::vector<Writing>& writings, Patience patience);

}  // namespace patroni_pgbackrest::process
