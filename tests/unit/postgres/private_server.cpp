#include "postgres/private_server.hpp"

#include "cluster.hpp"
#include "postgres/control_data.hpp"
#include "postgres/living_server.hpp"
#include "support/catch.hpp"
#include "system/failure.hpp"
#include "system/text.hpp"

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <unistd.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// A restored backup with an archive of its own to replay from.
class Restored {
  public:
    Restored() {
        ArchivedCluster::get().restore_to(data());
        fs::copy(ArchivedCluster::get().archive(), archive());
    }
    fs::path data() const { return directory_.path() / "data"; }
    fs::path archive() const { return directory_.path() / "archive"; }

    PrivateServer::Options options(std::vector<Setting> more = {}) const {
        std::vector<Setting> settings = {{"restore_command", "cp " + archive().string() + "/%f %p 2>/dev/null"},
                                         {"archive_mode", "on"},
                                         {"archive_command", ""},
                                         {"recovery_target_action", "promote"},
                                         {"fsync", "off"}};
        settings.insert(settings.end(), more.begin(), more.end());
        return {installed_binaries(), data(), settings, {}};
    }
    ControlData control() const { return read_control_data(installed_binaries(), data()); }

  private:
    system::PrivateDirectory directory_;
};

void overwrite(const fs::path& file, std::streamoff at, const std::string& bytes) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(at);
    stream << bytes;
    REQUIRE(stream.good());
}

}  // namespace

TEST_CASE("a replay to the end of the archive is told in full and ends in a clean shutdown") {
    const Restored restored;
    unsigned calls = 0, meanwhile = 0;
    auto options = restored.options();
    options.meanwhile = [&] { ++meanwhile; };
    PrivateServer server(options, [&](const RecoveryLog&) { ++calls; });
    REQUIRE(server.wait_until_ready(60s));
    const auto& log = server.log();
    CHECK(log.last_restored == ArchivedCluster::get().segments().back());
    CHECK(log.restored >= 3);
    CHECK(log.redo_start.has_value());
    CHECK(log.redo_end > log.redo_start);
    CHECK(log.last_transaction_time.has_value());
    CHECK(log.new_timeline == Timeline{2});
    CHECK(log.consistent);
    CHECK_FALSE(log.stop.has_value());
    CHECK_FALSE(log.invalid_record.has_value());
    CHECK(calls >= log.restored);
    CHECK(meanwhile > 3);
    server.stop(60s);
    REQUIRE(server.outcome().has_value());
    CHECK(process::succeeded(*server.outcome()));
    const auto read = read_control_file(restored.data());
    REQUIRE(read.has_value());
    CHECK(read->system_identifier == restored.control().system_identifier);
    CHECK(read->timeline == Timeline{2});
    CHECK(read->state == ClusterState::shut_down);
    CHECK(std::abs(std::time(nullptr) - read->written_at) < 60);
    CHECK(restored.control().state == ClusterState::shut_down);
    CHECK(restored.control().timeline == Timeline{2});
}

TEST_CASE("a replay to a restore point tells where it stopped") {
    const Restored restored;
    PrivateServer server(restored.options({{"recovery_target_name", "half"}}));
    REQUIRE(server.wait_until_ready(60s));
    REQUIRE(server.log().stop.has_value());
    CHECK(server.log().stop->rfind("recovery stopping at restore point \"half\", time ", 0) == 0);
    CHECK_FALSE(server.log().invalid_record.has_value());
}

TEST_CASE("a damaged record in the archive is told") {
    const Restored restored;
    const auto segments = ArchivedCluster::get().segments();
    overwrite(restored.archive() / segments[segments.size() - 2], 500'000, std::string(64, '\x55'));
    PrivateServer server(restored.options());
    REQUIRE(server.wait_until_ready(60s));
    REQUIRE(server.log().invalid_record.has_value());
    CHECK(server.log().last_restored == segments[segments.size() - 2]);
}

TEST_CASE("a segment of zeros in the archive is told") {
    const Restored restored;
    const auto segments = ArchivedCluster::get().segments();
    overwrite(restored.archive() / segments.back(), 0, std::string(1 << 20, '\0'));
    PrivateServer server(restored.options());
    REQUIRE(server.wait_until_ready(60s));
    REQUIRE(server.log().invalid_record.has_value());
    CHECK(server.log().invalid_record->rfind("invalid magic number 0000 in ", 0) == 0);
}

TEST_CASE("a recycled segment behind the end of the archive is not taken for damage") {
    const Restored restored;
    const auto segments = ArchivedCluster::get().segments();
    const auto size = restored.control().segment_size;
    const auto next = Segment::parse(segments.back(), size)->next().name(size);
    fs::copy_file(restored.archive() / segments.front(), restored.data() / "pg_wal" / next);
    PrivateServer server(restored.options());
    REQUIRE(server.wait_until_ready(60s));
    CHECK(server.log().last_restored == segments.back());
    CHECK_FALSE(server.log().invalid_record.has_value());
}

TEST_CASE("a target that is not reached ends the server with its last words") {
    const Restored restored;
    PrivateServer server(restored.options({{"recovery_target_name", "never"}}));
    CHECK_FALSE(server.wait_until_ready(60s));
    REQUIRE_FALSE(server.log().last_words.empty());
    CHECK(server.log().last_words.front() == "FATAL:  recovery ended before configured recovery target was reached");
    REQUIRE(server.outcome().has_value());
    CHECK(process::describe(*server.outcome()) == "exited with code 1");
    try {
        server.stop();
        FAIL("a server that failed was taken for one that stopped");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::replay_failed);
        CHECK(std::string(failure.what()) ==
              "PostgreSQL in " + restored.data().string() + " did not stop cleanly, it exited with code 1: " +
                  "FATAL:  recovery ended before configured recovery target was reached");
    }
}

TEST_CASE("a restore_command that aborts ends the server with its last words") {
    const Restored restored;
    PrivateServer server(restored.options({{"restore_command", "exit 200"}}));
    CHECK_FALSE(server.wait_until_ready(60s));
    REQUIRE_FALSE(server.log().last_words.empty());
    CHECK(server.log().last_words.front().rfind("FATAL:  could not restore file ", 0) == 0);
}

TEST_CASE("settings that are too low are named in the last words") {
    const Restored restored;
    PrivateServer server(
        restored.options({{"hot_standby", "on"}, {"max_connections", "10"}, {"max_wal_senders", "1"}}));
    CHECK_FALSE(server.wait_until_ready(60s));
    const auto words = system::join(server.log().last_words, "\n");
    CAPTURE(words);
    CHECK(words.rfind("FATAL:  ", 0) == 0);
    CHECK(words.find("max_connections = 10 is a lower setting than on the ") != std::string::npos);
}

TEST_CASE("a wish counts more than a setting, and without a value it leaves PostgreSQL's default") {
    const Restored restored;
    auto options = restored.options({{"work_mem", "no size"}});
    options.wishes = {{"work_mem", ""}, {"lc_messages", "C"}};
    {
        PrivateServer server(options);
        REQUIRE(server.wait_until_ready(60s));
        server.stop(60s);
    }
    options.wishes = {{"work_mem", "no size either"}};
    PrivateServer server(options);
    CHECK_FALSE(server.wait_until_ready(60s));
    CHECK(system::join(server.log().last_words, "\n").find("\"no size either\"") != std::string::npos);
}

TEST_CASE("nothing of the restored configuration is in force") {
    const Restored restored;
    const auto seen = restored.archive() / "seen";
    for (const auto* const file : {"postgresql.conf", "postgresql.auto.conf"}) {
        system::replace_file(restored.data() / file, "archive_command = 'touch " + seen.string() +
                                                         "'\nlisten_addresses = '*'\nlogging_collector = on\n"
                                                         "log_line_prefix = 'x'\nlog_min_messages = panic\n");
    }
    PrivateServer server(restored.options());
    REQUIRE(server.wait_until_ready(60s));
    CHECK(server.log().new_timeline == Timeline{2});
    server.stop(60s);
    CHECK_FALSE(fs::exists(seen));
    CHECK_FALSE(fs::exists(restored.data() / "log"));
}

TEST_CASE("the server is gone when its object is, and the next one takes the directory over") {
    const Restored restored;
    pid_t pid = 0;
    {
        PrivateServer server(restored.options());
        REQUIRE(server.wait_until_ready(60s));
        pid = PostmasterFile::read(restored.data())->pid;
        CHECK(living_server(restored.data()).has_value());
        CHECK(kill(pid, 0) == 0);
    }
    CHECK(kill(pid, 0) != 0);
    CHECK_FALSE(living_server(restored.data()).has_value());
    // As SIGKILL leaves it, and the number is somebody else's by now.
    system::replace_file(restored.data() / "postmaster.pid", std::to_string(getpid()) + "\n/elsewhere\n");
    PrivateServer server(restored.options());
    CHECK(server.wait_until_ready(60s));
    server.stop(60s);
}

TEST_CASE("a directory in which a server lives is refused") {
    const Restored restored;
    PrivateServer first(restored.options());
    REQUIRE(first.wait_until_ready(60s));
    const auto lives = PostmasterFile::read(restored.data())->pid;
    try {
        PrivateServer second(restored.options());
        FAIL("two servers in one directory");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::unsafe);
        CHECK(std::string(failure.what()).rfind("process ", 0) == 0);
        CHECK(std::string(failure.what()).find(" of a PostgreSQL server works in " + restored.data().string()) !=
              std::string::npos);
    }
    CHECK(PostmasterFile::read(restored.data())->pid == lives);
    first.stop(60s);
}

TEST_CASE("a server that does nothing is given up") {
    const Restored restored;
    PrivateServer server(restored.options({{"restore_command", "sleep 100"}}));
    try {
        server.wait_until_ready(2s);
        FAIL("waited for nothing");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::replay_failed);
        CHECK(std::string(failure.what())
                  .rfind("PostgreSQL in " + restored.data().string() + " did nothing for 2 seconds while it started: ",
                         0) == 0);
    }
}

TEST_CASE("a data directory without pg_control is refused before anything is started") {
    const Restored restored;
    fs::remove(restored.data() / "global" / "pg_control");
    CHECK_THROWS_AS(PrivateServer(restored.options()), Failure);
    CHECK_FALSE(fs::exists(restored.data() / "postmaster.pid"));
}
