#pragma once

#include "system/failure.hpp"

#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::system {

/// Whether the error of a system call may be gone at the next call: the machine is short of something, its disk did not
/// answer, or a signal came (EAGAIN, EINTR, EMFILE, ENFILE, ENOMEM, ENOSPC, EDQUOT, EIO).
bool is_passing_fault(int error);

/// What to do about the error of a system call for `path`: room, a limit, a permission. The path may be empty.
std::string hint_for(int error, const std::filesystem::path& path = {});

/// Failure(system_refused) `cannot WHAT PATH: the system's words`.
Failure refused(std::string_view what, const std::filesystem::path& path, int error);
/// The same without a path.
Failure refused(std::string_view what, int error);

/// What an exception that nobody has caught means: Failure(system_refused) if it is the system's word for an error, or
/// memory ran out; else Failure(internal_error), which is our own mistake.
Failure unexpected(const std::exception& error);

}  // namespace patroni_pgbackrest::system
