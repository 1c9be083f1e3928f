#include "commands/print.hpp"

#include "system/failure.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>

namespace patroni_pgbackrest::commands {

void print(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
        throw Failure(ExitCode::system_refused,
                      fmt::format("cannot write to standard output: {}", std::strerror(errno)),
                      "see where standard output goes: a disk needs room for it, and who reads it must read all of it");
    }
}

}  // namespace patroni_pgbackrest::commands
