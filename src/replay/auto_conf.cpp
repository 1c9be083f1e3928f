#include "replay/auto_conf.hpp"

#include "postgres/configuration.hpp"
#include "system/file.hpp"

namespace patroni_pgbackrest {

namespace {

std::filesystem::path kept_auto_conf(const StagingDirectory& staging) {
    return staging.layout().workspace / "postgresql.auto.conf";
}

}  // namespace

void set_aside_auto_conf(const StagingDirectory& staging) {
    const auto file = staging.path() / "postgresql.auto.conf";
    const auto content = system::read_file_if_present(file);
    if (content && !content->empty()) {
        system::replace_file(kept_auto_conf(staging),
                             postgres::without_settings(*content, postgres::recovery_settings()));
        system::replace_file(file, "");
    }
}

void put_back_auto_conf(const StagingDirectory& staging) {
    if (const auto content = system::read_file_if_present(kept_auto_conf(staging))) {
        system::replace_file(staging.path() / "postgresql.auto.conf", *content);
        system::remove_file(kept_auto_conf(staging));
    }
}

}  // namespace patroni_pgbackrest
