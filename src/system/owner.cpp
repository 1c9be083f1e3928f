#include "system/owner.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>
#include <vector>

namespace patroni_pgbackrest::system {

namespace {

constexpr std::size_t enough_for_an_entry = 64UL * 1024;  // a group may have many members

}  // namespace

std::string user_name(uid_t number) {
    std::vector<char> buffer(enough_for_an_entry);
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(number, &entry, buffer.data(), buffer.size(), &found);
    return found != nullptr ? std::string(found->pw_name) : std::to_string(number);
}

std::string group_name(gid_t number) {
    std::vector<char> buffer(enough_for_an_entry);
    group entry{};
    group* found = nullptr;
    ::getgrgid_r(number, &entry, buffer.data(), buffer.size(), &found);
    return found != nullptr ? std::string(found->gr_name) : std::to_string(number);
}

Owner own_user() {
    return {user_name(::geteuid()), group_name(::getegid())};
}

}  // namespace patroni_pgbackrest::system
