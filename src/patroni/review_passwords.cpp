#include "patroni/review.hpp"
#include "patroni/secrets.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>

namespace patroni_pgbackrest::patroni {

namespace {

namespace fs = std::filesystem;
using yaml::Entry;
using yaml::Node;

/// Not what is about passwords (password_encryption, credcheck.password_min_length), and not where one lies (pgpass).
bool is_secret(const Entry& entry) {
    static constexpr std::array<std::string_view, 10> ends = {"pass",          "passwd", "password",   "passphrase",
                                                              "pwd",           "token",  "credential", "credentials",
                                                              "authorization", "auth"};
    static constexpr std::array<std::string_view, 6> switches = {"on", "off", "true", "false", "yes", "no"};
    const auto name = system::lower(entry.key);
    const auto& text = entry.value->text;
    if (!names_secret(name) || !entry.value->is_scalar() || yaml::blank(*entry.value) || name == "pgpass" ||
        std::find(switches.begin(), switches.end(), system::lower(text)) != switches.end()) {
        return false;
    }
    if (name.ends_with("key")) {
        return !text.starts_with("/");  // as etcd.key, the file of a TLS key
    }
    return name.ends_with("secret") ||
           std::any_of(ends.begin(), ends.end(), [&](auto end) { return name.ends_with(end); });
}

/// `password=…` in a connection string, `user:…@` in a URL.
bool contains_secret(const std::string& text) {
    const bool may = text.find("://") != std::string::npos || text.find("password=") != std::string::npos;
    return may && text_to_show(text) != text;
}

bool holds_secret(const Node& node) {
    const auto in_entry = [](const Entry& entry) {
        // ZooKeeper's has users for keys.
        const bool is_users = entry.key == "auth_data" && !entry.value->entries.empty();
        return is_users || is_secret(entry) || holds_secret(*entry.value);
    };
    return (node.is_scalar() && contains_secret(node.text)) ||
           std::any_of(node.entries.begin(), node.entries.end(), in_entry) ||
           std::any_of(node.items.begin(), node.items.end(), [](const auto& item) { return holds_secret(*item); });
}

/// The directories on the way to it count, too.
bool is_read_by_everybody(const fs::path& file) {
    std::error_code error;
    fs::path place = fs::canonical(file, error);
    for (mode_t needed = S_IROTH; !error && !place.empty(); needed = S_IXOTH) {
        struct stat facts {};
        if (::stat(place.c_str(), &facts) != 0 || (facts.st_mode & needed) == 0) {
            return false;
        }
        if (place == place.root_path()) {
            return true;
        }
        place = place.parent_path();
    }
    return false;
}

}  // namespace

void review_passwords(const ConfigurationSource& source, std::vector<Finding>& findings) {
    if (!source.path) {
        return;
    }
    for (const auto& file : read_files(*source.path)) {
        if (is_read_by_everybody(file.path) && holds_secret(*tree_of({file}, {}))) {
            findings.push_back(
                {"passwords-readable",
                 {fmt::format("{} holds passwords, and everybody on this machine can read it", file.path.string()),
                  "chmod o-rwx " + system::shell_word(file.path.string())}});
        }
    }
}

}  // namespace patroni_pgbackrest::patroni
