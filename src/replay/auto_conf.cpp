#include "replay/auto_conf.hpp"

#include "postgres/configuration.hpp"
#include "system/file.hpp"

namespace patroni_pgbackrest {

void set_aside_auto_conf(const StagingDirectory& staging) {
    const auto file = staging.path() / "postgresql.auto.conf";
    const auto content = system::read_file_if_present(file);
    if (content && !content->empty()) {
        system::replace_file(staging.layout().kept_auto_conf(),
                             postgres::without_settings(*content, postgres::recovery_settings()));
        system::replace_file(file, "");
    }
}

void put_back_auto_conf(const StagingDirectory& staging) {
    if (const auto content = system::read_file_if_present(staging.layout().kept_auto_conf())) {
        system::replace_file(staging.path() / "postgresql.auto.conf", *content);
        system::remove_file(staging.layout().kept_auto_conf());
    }
}

}  // namespace patroni_pgbackrest
