#pragma once

#include <string>

namespace patroni_pgbackrest::system {

/// The user of this process and its group, as chown takes them: `postgres:postgres`, or numbers where they have no
/// name.
struct Owner {
    std::string user, group;
};
Owner own_user();

}  // namespace patroni_pgbackrest::system
