#pragma once

#include <filesystem>
#include <functional>
#include <system_error>

namespace patroni_pgbackrest::system {

/// Removes what is there with all that is in it, for as long as `may_go_on`, which is asked before each entry, says so:
/// a large tree takes minutes. Whether nothing of it is left; `error` is why not, or empty where it was only stopped.
bool remove_tree(const std::filesystem::path& path, const std::function<bool()>& may_go_on, std::error_code& error);

}  // namespace patroni_pgbackrest::system
