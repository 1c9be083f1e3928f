// The WAL of real servers, record by record against what pg_waldump of the same version says.
#include "cluster.hpp"
#include "postgres/control_data.hpp"
#include "postgres/private_server.hpp"
#include "postgres/segment_facts.hpp"
#include "postgres/wal_reader.hpp"
#include "process/child.hpp"
#include "support/catch.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <map>
#include <string>
#include <vector>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

namespace fs = std::filesystem;

process::Captured run(const fs::path& program, const std::vector<std::string>& arguments) {
    process::Command command{program.string(), arguments};
    command.environment = {{"LC_ALL", "C"}, {"TZ", "UTC"}};
    return process::capture(command);
}

std::string must_run(const fs::path& program, const std::vector<std::string>& arguments) {
    const auto captured = run(program, arguments);
    INFO(program.string() << " " << system::join(arguments, " ") << ": " << captured.output << captured.errors);
    REQUIRE(process::succeeded(captured.outcome));
    return captured.output;
}

/// As pg_waldump writes it: `2026-11-22 10:18:02.123456 UTC`.
std::string text_of(WalTime time) {
    const auto microseconds = time.time_since_epoch().count();
    return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:06} UTC", fmt::gmtime(std::time_t(microseconds / 1'000'000)),
                       microseconds % 1'000'000);
}

/// How pg_waldump's description of the same record begins.
struct Described {
    std::string operator()(const OtherRecord& /*unused*/) const { return ""; }
    std::string operator()(const UnknownLayout& /*unused*/) const { return "unknown"; }
    std::string operator()(const SegmentSwitch& /*unused*/) const { return "SWITCH"; }
    std::string operator()(const TransactionEnd& end) const {
        const auto* const verb = end.committed ? "COMMIT" : "ABORT";
        return end.prepared ? fmt::format("{}_PREPARED {}: {}", verb, end.xid, text_of(end.time))
                            : fmt::format("{} {}", verb, text_of(end.time));
    }
    std::string operator()(const Checkpoint& point) const {
        return fmt::format("CHECKPOINT_{} redo {}; tli {}; prev tli {};", point.shutdown ? "SHUTDOWN" : "ONLINE",
                           point.redo.text(), point.timeline.text(), point.previous_timeline.text());
    }
    std::string operator()(const EndOfRecovery& end) const {
        return fmt::format("END_OF_RECOVERY tli {}; prev tli {}; time {}", end.timeline.text(),
                           end.previous_timeline.text(), text_of(end.time));
    }
    std::string operator()(const RestorePoint& point) const { return "RESTORE_POINT " + point.name; }
    std::string operator()(const ParameterChange& change) const {
        return fmt::format("PARAMETER_CHANGE max_connections={} max_worker_processes={} max_wal_senders={} "
                           "max_prepared_xacts={} max_locks_per_xact={} wal_level={} wal_log_hints={} "
                           "track_commit_timestamp={}",
                           change.max_connections, change.max_worker_processes, change.max_wal_senders,
                           change.max_prepared_transactions, change.max_locks_per_transaction,
                           change.wal_level == 2   ? "logical"
                           : change.wal_level == 1 ? "replica"
                                                   : "minimal",
                           change.wal_log_hints ? "on" : "off", change.track_commit_timestamp ? "on" : "off");
    }
    std::string operator()(const TablespaceCreated& created) const {
        return fmt::format("CREATE {} \"{}\"", created.oid, created.path);
    }
    std::string operator()(const TablespaceDropped& dropped) const { return fmt::format("DROP {}", dropped.oid); }
};

constexpr std::array managers = {"XLOG",       "Transaction",   "Storage", "CLOG",     "Database",
                                 "Tablespace", "MultiXact",     "RelMap",  "Standby",  "Heap2",
                                 "Heap",       "Btree",         "Hash",    "Gin",      "Gist",
                                 "Sequence",   "SPGist",        "BRIN",    "CommitTs", "ReplicationOrigin",
                                 "Generic",    "LogicalMessage"};

/// One record as both tell it: `XLOG 114 0 0/1000028 0/0 CHECKPOINT_SHUTDOWN …`.
struct Told {
    std::string record, description;
};

/// pg_waldump's lines: `rmgr: Heap        len (rec/tot):     59/   307, tx:  735, lsn: 0/01500028, prev 0/014FFFF0,
/// desc: …`.
std::vector<Told> told_by_pg_waldump(const std::string& output) {
    std::vector<Told> told;
    for (const auto& line : system::lines(output)) {
        std::array<char, 32> manager{};
        unsigned length = 0, xid = 0, lsn_high = 0, lsn_low = 0, previous_high = 0, previous_low = 0;
        int description = 0;
        const int fields = std::sscanf(
            line.c_str(), "rmgr: %31s len (rec/tot): %*u/ %u, tx: %u, lsn: %X/%X, prev %X/%X, desc: %n", manager.data(),
            &length, &xid, &lsn_high, &lsn_low, &previous_high, &previous_low, &description);
        INFO("pg_waldump says " << line);
        REQUIRE(fields == 7);
        const auto lsn = [](unsigned high, unsigned low) { return Lsn{std::uint64_t{high} << 32 | low}.text(); };
        told.push_back({fmt::format("{} {} {} {} {}", manager.data(), length, xid, lsn(lsn_high, lsn_low),
                                    lsn(previous_high, previous_low)),
                        line.substr(static_cast<std::size_t>(description))});
    }
    return told;
}

Told told_by_us(const WalRecord& record) {
    return {fmt::format("{} {} {} {} {}", managers.at(record.resource_manager), record.bytes.size(), record.xid,
                        record.start.text(), record.previous.text()),
            std::visit(Described{}, decode(record))};
}

/// A server's life with everything that the reader tells apart, on three timelines.
class Life {
  public:
    Life(int segment_megabytes, const std::string& amount) {
        need_a_user_that_may_run_postgres();
        segment_size_ = SegmentSize{static_cast<std::uint64_t>(segment_megabytes) << 20};
        must_run(binaries() / "initdb", {"-D", data(), "-N", "-U", "postgres", "-A", "trust",
                                         fmt::format("--wal-segsize={}", segment_megabytes)});
        fs::create_directory(directory_.path() / "space");
        with_server({},
                    {"create table t (a text)", "alter table t alter a set storage external",
                     "insert into t select repeat(md5(i::text), 300) from generate_series(1, " + amount + ") i",
                     "select pg_create_restore_point('half')", "begin; insert into t values ('never'); rollback",
                     "begin; insert into t values ('two'); savepoint s; insert into t values ('three'); commit",
                     "begin; create table dropped (a int); insert into t values ('p'); prepare transaction 'p'",
                     "begin; insert into t values ('q'); prepare transaction 'q'", "commit prepared 'p'",
                     "rollback prepared 'q'", "drop table dropped", "create tablespace fast location '" + space() + "'",
                     "drop tablespace fast", "select pg_switch_wal()",
                     "select pg_logical_emit_message(false, 'long', repeat('x', 3000000))", "checkpoint",
                     "insert into t values ('last')"});
        with_server({{"max_connections", "77"}, {"wal_log_hints", "on"}}, {"insert into t values ('more')"});
        // The end of a recovery is a checkpoint, that of a promoted standby is not.
        system::replace_file(fs::path(data()) / "recovery.signal", "");
        with_server({{"restore_command", "false"}}, {"insert into t values ('on timeline 2')"});
        system::replace_file(fs::path(data()) / "standby.signal", "");
        with_server(
            {{"restore_command", "false"}, {"hot_standby", "on"}},
            {"select pg_promote()", "insert into t select repeat(md5(i::text), 300) from generate_series(1, 10) i"});
    }

    static fs::path binaries() { return installed_binaries(); }
    SegmentSize segment_size() const { return segment_size_; }
    fs::path wal() const { return fs::path(data()) / "pg_wal"; }
    std::string space() const { return (directory_.path() / "space").string(); }
    std::string system_identifier() const { return read_control_data(binaries(), data()).system_identifier; }
    /// Numbers of the segments of a timeline; those that a server made for later are nothing but zeros.
    std::vector<std::uint64_t> segments(Timeline timeline) const {
        std::vector<std::uint64_t> numbers;
        for (const auto& name : system::entries(wal())) {
            const auto segment = Segment::parse(name, segment_size_);
            if (segment && segment->timeline == timeline && WalPage::read(bytes(timeline, segment->number))) {
                numbers.push_back(segment->number);
            }
        }
        return numbers;
    }
    std::string file(Timeline timeline, std::uint64_t number) const {
        return (wal() / Segment{timeline, number}.name(segment_size_)).string();
    }
    std::string bytes(Timeline timeline, std::uint64_t number) const {
        return system::read_file(file(timeline, number));
    }

  private:
    std::string data() const { return (directory_.path() / "data").string(); }
    void with_server(const std::vector<Setting>& more, const std::vector<std::string>& statements) const {
        std::vector<Setting> settings = {
            {"fsync", "off"}, {"wal_keep_size", "1GB"}, {"max_prepared_transactions", "5"}, {"min_wal_size", "128MB"}};
        settings.insert(settings.end(), more.begin(), more.end());
        PrivateServer server({binaries(), data(), settings, {directory_.path()}});
        REQUIRE(server.wait_until_ready(std::chrono::seconds(60)));
        for (const auto& statement : statements) {
            must_run(binaries() / "psql", {"-X", "-h", server.socket_directory().string(), "-U", "postgres", "-v",
                                           "ON_ERROR_STOP=1", "-c", statement});
        }
        server.stop(std::chrono::seconds(60));
    }

    system::PrivateDirectory directory_;
    SegmentSize segment_size_;
};

/// Compares all records of a timeline, gives the number of each kind.
std::map<std::string, int> compare_timeline(const Life& life, Timeline timeline) {
    const auto numbers = life.segments(timeline);
    REQUIRE_FALSE(numbers.empty());
    // It ends with an error where the WAL ends.
    const auto dumped = run(Life::binaries() / "pg_waldump", {"-p", life.wal().string(), "-t", timeline.text(), "-s",
                                                              Lsn{numbers.front() * life.segment_size().bytes}.text()});
    const auto expected = told_by_pg_waldump(dumped.output);

    std::string segment;
    WalReader reader(
        {.segment_size = life.segment_size(),
         .latest_timeline = timeline,
         .system_identifier = life.system_identifier()},
        [&](std::uint64_t number, std::uint64_t /*bytes*/) -> std::optional<std::string_view> {
            if (!fs::exists(life.file(timeline, number))) {
                return {};
            }
            segment = life.bytes(timeline, number);
            return segment;
        },
        Lsn{numbers.front() * life.segment_size().bytes});
    std::map<std::string, int> kinds;
    std::size_t count = 0, wrong = 0;
    while (const auto* const record = reader.next()) {
        const auto told = told_by_us(*record);
        REQUIRE(count < expected.size());
        const auto& other = expected[count++];
        if (told.record != other.record || other.description.substr(0, told.description.size()) != told.description) {
            CHECK(told.record + " " + told.description == other.record + " " + other.description);
            REQUIRE(++wrong < 5);
        }
        ++kinds[told.description.substr(0, told.description.find(' '))];
    }
    CHECK(count == expected.size());
    CHECK(reader.end()->reason == WalEndReason::zeros);
    CHECK_FALSE(reader.end()->inside_record);
    CHECK_FALSE(reader.end()->more_behind);
    // `invalid record length at 0/1528B10: wanted 24, got 0`
    CHECK(dumped.errors.find(reader.end()->at.text() + ": ") != std::string::npos);
    return kinds;
}

/// The facts of each segment are together those of the timeline, though each segment is looked at by itself.
void compare_segments(const Life& life, Timeline timeline) {
    std::uint64_t records = 0;
    std::optional<Lsn> last;
    const auto numbers = life.segments(timeline);
    const auto in_all = told_by_pg_waldump(run(Life::binaries() / "pg_waldump",
                                               {"-p", life.wal().string(), "-t", timeline.text(), "-s",
                                                Lsn{numbers.front() * life.segment_size().bytes}.text()})
                                               .output)
                            .size();
    for (const auto number : numbers) {
        const auto bytes = life.bytes(timeline, number);
        std::string next;
        const auto facts =
            facts_of_segment(number, bytes, {.segment_size = life.segment_size(), .latest_timeline = timeline},
                             [&](std::uint64_t wanted, std::uint64_t /*bytes*/) -> std::optional<std::string_view> {
                                 next = life.bytes(timeline, wanted);
                                 return next;
                             });
        CHECK(facts.first_page->file->system_identifier == life.system_identifier());
        CHECK(facts.first_page->file->segment_size == life.segment_size());
        CHECK(facts.first_page->address == Lsn{number * life.segment_size().bytes});
        CHECK(facts.first_page->major == std::stoi(life.binaries().parent_path().filename().string()));
        CHECK_FALSE(facts.unknown_layout);
        if (last && facts.first_record) {
            CHECK(facts.before_first_record == last);
        }
        last = facts.last_record ? facts.last_record : last;
        records += facts.records;
        CHECK(facts.end.has_value() == (number == numbers.back()));
    }
    CHECK(records == in_all);
}

}  // namespace

TEST_CASE("every record of a server's life is told as pg_waldump tells it") {
    const auto megabytes = GENERATE(1, 16, 64);
    CAPTURE(megabytes);
    const Life life(megabytes, megabytes == 1 ? "600" : "100");

    auto kinds = compare_timeline(life, Timeline{1});
    for (const auto* const kind :
         {"COMMIT", "ABORT", "COMMIT_PREPARED", "ABORT_PREPARED", "CHECKPOINT_ONLINE", "CHECKPOINT_SHUTDOWN",
          "RESTORE_POINT", "PARAMETER_CHANGE", "CREATE", "DROP", "SWITCH"}) {
        CAPTURE(kind);
        CHECK(kinds[kind] > 0);
    }
    kinds = compare_timeline(life, Timeline{2});
    CHECK(kinds["CHECKPOINT_SHUTDOWN"] > 0);
    kinds = compare_timeline(life, Timeline{3});
    CHECK(kinds["END_OF_RECOVERY"] == 1);
    for (const auto timeline : {1U, 2U, 3U}) {
        compare_segments(life, Timeline{timeline});
    }
}

TEST_CASE("the facts of a segment are those of the server") {
    const Life life(16, "10");
    const auto facts_of = [&](Timeline timeline, std::uint64_t number) {
        return facts_of_segment(number, life.bytes(timeline, number),
                                {.segment_size = life.segment_size(), .latest_timeline = timeline});
    };
    const auto first = facts_of(Timeline{1}, 1);
    CHECK(first.switched);
    CHECK_FALSE(first.end);
    REQUIRE(first.restore_points.size() == 1);
    CHECK(first.restore_points[0].what.name == "half");
    REQUIRE(first.tablespaces_created.size() == 1);
    CHECK(first.tablespaces_created[0].what.path == life.space());
    REQUIRE(first.tablespaces_dropped.size() == 1);
    CHECK(first.tablespaces_dropped[0].what.oid == first.tablespaces_created[0].what.oid);
    REQUIRE(first.last_commit);
    CHECK(first.first_commit->start < first.last_commit->start);
    CHECK(first.latest_transaction_end >= first.last_commit->what.time);
    CHECK(std::chrono::abs(std::chrono::system_clock::now() - first.last_commit->what.time) < std::chrono::minutes(10));
    CHECK(std::chrono::abs(first.restore_points[0].what.time - first.last_commit->what.time) <
          std::chrono::minutes(10));
    CHECK(first.timeline_switches.empty());

    const auto second = facts_of(Timeline{1}, 2);
    REQUIRE(second.parameter_changes.size() >= 1);
    CHECK(second.parameter_changes.back().what.max_connections == 77);
    CHECK(second.parameter_changes.back().what.wal_log_hints);
    REQUIRE(second.last_checkpoint);
    CHECK(second.last_checkpoint->what.shutdown);
    CHECK(std::chrono::abs(second.last_checkpoint->what.time - second.last_commit->what.time) <
          std::chrono::minutes(10));

    // Each timeline took the segment over up to the fork, with the pages of its parent.
    const auto third = facts_of(Timeline{3}, life.segments(Timeline{3}).front());
    CHECK(third.first_page->timeline < Timeline{3});
    REQUIRE(third.timeline_switches.size() >= 1);
    const auto& birth = third.timeline_switches.back();
    CHECK(birth.what.from == Timeline{2});
    CHECK(birth.what.to == Timeline{3});
    CHECK(std::chrono::abs(birth.what.time - third.last_commit->what.time) < std::chrono::minutes(10));
    // Named as one of the parent it is a file of the wrong place.
    const auto named_wrongly = facts_of_segment(life.segments(Timeline{3}).front(),
                                                life.bytes(Timeline{3}, life.segments(Timeline{3}).front()),
                                                {.segment_size = life.segment_size(), .latest_timeline = Timeline{2}});
    CHECK(named_wrongly.end->reason == WalEndReason::other_timeline);
    CHECK(facts_of_segment(9, life.bytes(Timeline{1}, 1), {.segment_size = life.segment_size()}).end->reason ==
          WalEndReason::other_place);
}
