#include "system/remove_tree.hpp"

namespace patroni_pgbackrest::system {

namespace fs = std::filesystem;

bool remove_tree(const fs::path& path, const std::function<bool()>& may_go_on, std::error_code& error) {
    error.clear();
    std::error_code ignored;
    const auto type = fs::symlink_status(path, ignored).type();
    if (type == fs::file_type::not_found) {
        return true;
    }
    if (type == fs::file_type::directory) {
        fs::directory_iterator entry(path, error);
        for (const fs::directory_iterator end; !error && entry != end; entry.increment(error)) {
            if (!remove_tree(entry->path(), may_go_on, error)) {
                return false;
            }
        }
    }
    if (error || !may_go_on()) {
        return false;
    }
    fs::remove(path, error);
    return !error;
}

}  // namespace patroni_pgbackrest::system
