#pragma once

namespace patroni_pgbackrest::system {

/// From now on the calling process and everything that it starts flush nothing: fsync, fdatasync, sync_file_range, sync
/// and syncfs do nothing and succeed (a seccomp filter, seccomp(2)). What they write reaches the disk when the kernel
/// likes, or when somebody else flushes it. They gain no privileges either: setuid programs run without theirs, since
/// the kernel takes a filter from such a process only (PR_SET_NO_NEW_PRIVS). False with errno set where it refuses, as
/// in some containers. May be called between fork and exec.
bool flush_nothing();

/// The errno with which the kernel would refuse that, 0 if it would not. Found out by trying it, in a thread that ends
/// with the answer: neither a filter nor PR_SET_NO_NEW_PRIVS reaches the threads beside it.
int refusal_to_flush_nothing();

}  // namespace patroni_pgbackrest::system
