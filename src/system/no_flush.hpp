#pragma once

namespace patroni_pgbackrest::system {

/// From now on the calling process and everything that it starts flush nothing: fsync, fdatasync, sync_file_range, sync
/// and syncfs do nothing and succeed (a seccomp filter, seccomp(2)). What they write reaches the disk when the kernel
/// likes, or when somebody else flushes it. False where the kernel refuses, as it does to a process that may still gain
/// privileges (PR_SET_NO_NEW_PRIVS, which stand_behind() sets). May be called between fork and exec.
bool flush_nothing();

}  // namespace patroni_pgbackrest::system
