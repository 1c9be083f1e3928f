#include "cluster.hpp"

#include "postgres/binaries.hpp"
#include "postgres/wal.hpp"
#include "process/child.hpp"
#include "support/catch.hpp"
#include "system/failure.hpp"

#include <optional>
#include <unistd.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

std::optional<std::filesystem::path> binaries_of(int major) {
    try {
        return find_binaries(major, {});
    } catch (const Failure&) {
        return {};
    }
}

void must_succeed(const process::Command& command) {
    const auto captured = process::capture(command);
    INFO(command.text());
    INFO(process::describe(captured.outcome));
    INFO(captured.output << captured.errors);
    REQUIRE(process::succeeded(captured.outcome));
}

}  // namespace

std::filesystem::path installed_binaries() {
    for (int major = newest_supported_major; major >= oldest_supported_major; --major) {
        if (const auto found = binaries_of(major)) {
            return *found;
        }
    }
    FAIL("no PostgreSQL from 13 to 18 is installed");
    return {};
}

void need_a_user_that_may_run_postgres() {
    if (geteuid() == 0) {
        FAIL("PostgreSQL refuses to run as root: run this program as user postgres, as tests/run.sh does");
    }
}

const ArchivedCluster& ArchivedCluster::get() {
    static const ArchivedCluster cluster;
    return cluster;
}

ArchivedCluster::ArchivedCluster() {
    need_a_user_that_may_run_postgres();
    const auto binaries = installed_binaries();
    const auto& top = directory_.path();
    std::filesystem::create_directory(archive());
    must_succeed({(binaries / "initdb").string(),
                  {"-D", (top / "source").string(), "-N", "-k", "-U", "postgres", "-A", "trust", "--wal-segsize=1"}});
    system::replace_file(top / "pg_hba.conf", "local all all trust\nlocal replication all trust\n");
    PrivateServer source({binaries,
                          top / "source",
                          {{"hba_file", top / "pg_hba.conf"},
                           {"unix_socket_directories", top},
                           {"fsync", "off"},
                           {"archive_mode", "on"},
                           {"archive_command", "cp %p " + archive().string() + "/%f"},
                           {"max_wal_senders", "2"}},
                          {top}});
    REQUIRE(source.wait_until_ready(std::chrono::seconds(60)));
    must_succeed({(binaries / "pg_basebackup").string(),
                  {"-h", top.string(), "-U", "postgres", "-D", (top / "backup").string(), "-X", "none", "-c", "fast"}});
    const std::string rows = "insert into t select repeat(md5(random()::text), 100) from generate_series(1, 300); ";
    must_succeed({(binaries / "psql").string(),
                  {"-X", "-h", top.string(), "-U", "postgres", "-c", "create table t (a text)", "-c",
                   "alter table t alter a set storage external", "-c", rows, "-c",
                   "select pg_create_restore_point('half')", "-c", rows, "-c", "select pg_switch_wal()"}});
    // Its end waits for the archiver.
    source.stop(std::chrono::seconds(60));
}

std::vector<std::string> ArchivedCluster::segments() const {
    std::vector<std::string> names;
    for (const auto& name : system::entries(archive())) {
        if (is_segment_name(name)) {
            names.push_back(name);
        }
    }
    return names;
}

void ArchivedCluster::restore_to(const std::filesystem::path& to) const {
    std::filesystem::copy(directory_.path() / "backup", to, std::filesystem::copy_options::recursive);
    std::filesystem::permissions(to, std::filesystem::perms::owner_all);
    system::replace_file(to / "recovery.signal", "");
}
