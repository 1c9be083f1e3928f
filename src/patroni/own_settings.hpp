#pragma once

#include "patroni/configuration.hpp"
#include "yaml/tree.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace patroni_pgbackrest::patroni {

/// A server parameter that patroni.yml (`tree`, merged) does not set, from PostgreSQL's own files below `root`:
/// postgresql.auto.conf, or else what Patroni includes in its postgresql.conf (custom_conf, or the base configuration
/// file, which Patroni makes of postgresql.conf on its first start; postgresql/config.py, 2.0 to 4.1). Empty if it is
/// not there, or the files are not: those in PGDATA come with the backup. What they include is not followed.
std::optional<Value> own_setting(const yaml::Node& tree, const std::string& name, const std::filesystem::path& root);

}  // namespace patroni_pgbackrest::patroni
