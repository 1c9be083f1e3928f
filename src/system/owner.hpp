#pragma once

#include <string>
#include <sys/types.h>

namespace patroni_pgbackrest::system {

/// The user of this process and its group, as chown takes them: `postgres:postgres`, or numbers where they have no
/// name.
struct Owner {
    std::string user, group;
};
Owner own_user();
/// The number where it has none.
std::string user_name(uid_t number);
std::string group_name(gid_t number);

}  // namespace patroni_pgbackrest::system
