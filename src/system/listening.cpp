#include "system/listening.hpp"

#include "system/text.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace patroni_pgbackrest::system {

bool is_listening(unsigned port) {
    constexpr const char* state_listen = "0A";
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file(table);
        for (std::string line; std::getline(file, line);) {
            std::istringstream words(line);
            std::string number, local, remote, state;
            words >> number >> local >> remote >> state;
            const auto colon = local.rfind(':');
            if (state == state_listen && colon != std::string::npos &&
                system::number(local.substr(colon + 1), 16) == port) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace patroni_pgbackrest::system
