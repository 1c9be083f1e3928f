#pragma once

#include "staging/staging.hpp"

namespace patroni_pgbackrest {

/// postgresql.auto.conf is read after a private server's settings' files, so what ALTER SYSTEM left there would be in
/// force.
void set_aside_auto_conf(const StagingDirectory& staging);

/// What ALTER SYSTEM has left, and a private server was kept from, stands in its place again: replay() has done that
/// unless it failed.
void put_back_auto_conf(const StagingDirectory& staging);

}  // namespace patroni_pgbackrest
