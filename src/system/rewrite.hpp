#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace patroni_pgbackrest::system {

enum class Way {
    replace,  ///< another file takes its place, at once
    in_place  ///< the text is written into it: a mount point (a container's) cannot be replaced
};
Way way_to_write(const std::filesystem::path& path);

struct NewText {
    std::filesystem::path path;
    std::string before, after;
    Way way;
};

/// People's files get another text, and keep all else: owner, mode, access list, security label, the symbolic links
/// that lead to them. All of them or none: what may fail is done before the first one changes, and what has changed
/// gets its old text back if another one fails. SIGTERM, SIGINT and SIGHUP wait for that. Throws
/// Failure(system_refused); Failure(usage) for a file that Kubernetes makes from a ConfigMap or Secret, and would make
/// again; Failure(unsafe) if a file no longer has the text that it had.
void rewrite(const std::vector<NewText>& files);

}  // namespace patroni_pgbackrest::system
