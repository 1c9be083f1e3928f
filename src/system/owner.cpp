#include "system/owner.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

namespace patroni_pgbackrest::system {

Owner own_user() {
    const auto* user = ::getpwuid(::geteuid());
    const auto* group = ::getgrgid(::getegid());
    return {user != nullptr ? std::string(user->pw_name) : std::to_string(::geteuid()),
            group != nullptr ? std::string(group->gr_name) : std::to_string(::getegid())};
}

}  // namespace patroni_pgbackrest::system
