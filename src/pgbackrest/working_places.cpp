#include "pgbackrest/working_places.hpp"

#include "pgbackrest/configuration_files.hpp"

#include <cstdlib>
#include <pwd.h>
#include <unistd.h>

namespace patroni_pgbackrest::pgbackrest {

std::vector<std::filesystem::path> working_places(const Pgbackrest& pgbackrest) {
    std::vector<std::filesystem::path> places{"/var/log/pgbackrest"};
    if (const auto* path = std::getenv("PGBACKREST_LOG_PATH")) {
        places.emplace_back(path);
    }
    for (const auto& line : read_configuration(pgbackrest)) {
        if (line.key == "log-path") {
            places.emplace_back(line.value);
        }
    }
    // ssh asks the user database, not HOME.
    if (const auto* user = ::getpwuid(::geteuid())) {
        places.push_back(std::filesystem::path(user->pw_dir) / ".ssh");
    }
    return places;
}

}  // namespace patroni_pgbackrest::pgbackrest
