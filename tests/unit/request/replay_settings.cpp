#include "request/replay_settings.hpp"

#include "support/catch.hpp"
#include "support/requests.hpp"

#include <string>
#include <vector>

using namespace patroni_pgbackrest;

namespace {

/// `NAME=VALUE` of each, as they were read.
std::vector<std::string> read(const std::vector<std::string>& given) {
    Given options;
    for (const auto& value : given) {
        options.push_back({"replay-setting", value});
    }
    std::vector<std::string> settings;
    for (const auto& setting : request_for(options).replay_settings) {
        settings.push_back(setting.name + "=" + setting.value);
    }
    return settings;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("parameters of the replay are read by name, and the last value of a name counts") {
    CHECK(read({}).empty());
    CHECK(read({"bgwriter_delay=10ms", "shared_buffers=1GB"}) == Strings{"bgwriter_delay=10ms", "shared_buffers=1GB"});
    CHECK(read({"shared_buffers=1GB", "jit=on", "shared_buffers=2GB"}) == Strings{"jit=on", "shared_buffers=2GB"});
    CHECK(read({"recovery_prefetch="}) == Strings{"recovery_prefetch="});
    CHECK(read({"wal_consistency_checking=heap, btree"}) == Strings{"wal_consistency_checking=heap, btree"});
    CHECK(read({"some.parameter=a=b"}) == Strings{"some.parameter=a=b"});
}

TEST_CASE("a parameter's name is PostgreSQL's, however it is written") {
    CHECK(read({" Shared-Buffers = 1GB "}) == Strings{"shared_buffers=1GB"});
    for (const std::string name : {"fsync", "FSYNC", " fsync ", "Archive-Mode", "recovery-target-XID"}) {
        CAPTURE(name);
        CHECK(refusals({{"replay-setting", name + "=off"}}).size() == 1);
    }
}

TEST_CASE("the block has them as a list or as a map") {
    const auto request = make_request(
        {}, patroni_yml(with_block("    replay-setting:\n      - shared_buffers=1GB\n      - recovery_prefetch=\n")));
    REQUIRE(request.replay_settings.size() == 2);
    CHECK(request.replay_settings[0].value == "1GB");
    CHECK(request.replay_settings[1].name == "recovery_prefetch");
    CHECK(request.replay_settings[1].value.empty());
    const auto mapped =
        make_request({}, patroni_yml(with_block("    replay-setting: {maintenance_io_concurrency: 64}\n")));
    REQUIRE(mapped.replay_settings.size() == 1);
    CHECK(mapped.replay_settings[0].name == "maintenance_io_concurrency");
    CHECK(mapped.replay_settings[0].value == "64");
}

TEST_CASE("what is no parameter with a value is refused with what to write") {
    for (const std::string value : {"shared_buffers", "=1GB", " = 1GB"}) {
        CAPTURE(value);
        CHECK(refusals({{"replay-setting", value}}) ==
              Problems{{"'" + value + "' is not a value for replay-setting",
                        "write NAME=VALUE, or NAME= for PostgreSQL's default", "--replay-setting"}});
    }
}

TEST_CASE("what the program needs as it sets it is refused with the reason") {
    const auto hint_of = [](const std::string& name) {
        const auto problems = refusals({{"replay-setting", name + "=1"}});
        REQUIRE(problems.size() == 1);
        CHECK(problems.front().message == name + " is not for replay-setting");
        CHECK(problems.front().place == "--replay-setting");
        return problems.front().hint;
    };
    CHECK(hint_of("fsync") == "leave it out: everything is flushed to disk once, before the hand-over");
    CHECK(hint_of("recovery_target_time") ==
          "leave it out: what is replayed is said with type, target and target-timeline");
    CHECK(hint_of("max_connections") ==
          "leave it out: it has to be what the replayed WAL was written with, as pg_control says");
    CHECK(hint_of("archive_library") ==
          "leave it out: nothing is archived before the hand-over, and nothing that waits for it is lost");
    CHECK(hint_of("shared_preload_libraries") == "use preload: no library is loaded but what the WAL needs");
    CHECK(hint_of("listen_addresses") == "leave it out: nobody but this program reaches the private server");
    CHECK(hint_of("log_statement") ==
          "leave it out: this program reads the server's log, and no password may stand in it");
    CHECK(hint_of("zero_damaged_pages") == "leave it out: what is damaged or lost must end the replay");
    CHECK(hint_of("autovacuum") == "leave it out: the private server replays, and does nothing else");
    CHECK(hint_of("statement_timeout") ==
          "leave it out: the roles of patroni.yml and the probes go through sessions of the private server");
}

TEST_CASE("every recovery setting, and whatever the private server itself is started with, is the program's alone") {
    auto names = postgres::recovery_settings();
    const Strings more = {
        "config_file",
        "hba_file",
        "ident_file",
        "external_pid_file",
        "data_directory",
        "listen_addresses",
        "port",
        "unix_socket_directories",
        "unix_socket_group",
        "unix_socket_permissions",
        "ssl",
        "ssl_key_file",
        "cluster_name",
        "log_line_prefix",
        "log_min_messages",
        "log_destination",
        "log_timezone",
        "log_error_verbosity",
        "logging_collector",
        "lc_messages",
        "autovacuum",
        "restart_after_crash",
        "wal_recycle",
        "max_logical_replication_workers",
        "hot_standby",
        "session_preload_libraries",
        "password_encryption",
        "local_preload_libraries",
    };
    names.insert(names.end(), more.begin(), more.end());
    for (const auto& name : names) {
        CAPTURE(name);
        CHECK_FALSE(why_not_for_a_replay(name).empty());
    }
}

TEST_CASE("what only time hangs on is free, in every version") {
    for (const std::string name : {"shared_buffers",
                                   "huge_pages",
                                   "recovery_prefetch",
                                   "recovery_init_sync_method",
                                   "wal_decode_buffer_size",
                                   "maintenance_io_concurrency",
                                   "effective_io_concurrency",
                                   "io_method",
                                   "io_workers",
                                   "bgwriter_delay",
                                   "bgwriter_lru_maxpages",
                                   "bgwriter_flush_after",
                                   "checkpoint_flush_after",
                                   "checkpoint_completion_target",
                                   "checkpoint_timeout",
                                   "backend_flush_after",
                                   "max_wal_size",
                                   "min_wal_size",
                                   "wal_buffers",
                                   "log_checkpoints",
                                   "transaction_buffers",
                                   "multixact_member_buffers",
                                   "jit",
                                   "maintenance_work_mem",
                                   "no_such_parameter"}) {
        CAPTURE(name);
        CHECK(why_not_for_a_replay(name).empty());
    }
}

TEST_CASE("in patroni mode there is no private server, and the hint says where its parameters are") {
    const auto problems = problems_of(ExitCode::usage, [] {
        make_request({}, patroni_yml(with_block("    replay-setting: [shared_buffers=1GB]\n"
                                                "    recovery_conf:\n"
                                                "      restore_command: patroni_pgbackrest archive-get %f \"%p\"\n"
                                                "      recovery_target_action: promote\n")));
    });
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().message == "replay-setting is for a private server, and Patroni's PostgreSQL replays");
    CHECK(problems.front().hint == "leave it out, and set the parameter in postgresql.parameters");
}
