#pragma once

namespace patroni_pgbackrest::system {

/// Whether a process listens on a TCP port, on any address of this machine (/proc/net/tcp and tcp6).
bool is_listening(unsigned port);

}  // namespace patroni_pgbackrest::system
