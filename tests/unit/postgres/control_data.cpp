#include "postgres/control_data.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"

#include <cstring>
#include <filesystem>
#include <string>
#include <sys/resource.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

/// As pg_controldata of that major version prints it, for a cluster in the middle of an archive recovery.
std::string printed_by(int major) {
    struct Version {
        int control, catalog;
    };
    const Version version = major == 13   ? Version{1300, 202007201}
                            : major == 14 ? Version{1300, 202107181}
                            : major == 15 ? Version{1300, 202209061}
                            : major == 16 ? Version{1300, 202307071}
                            : major == 17 ? Version{1700, 202406281}
                                          : Version{1800, 202506291};
    std::string text = "pg_control version number:            " + std::to_string(version.control) +
                       "\n"
                       "Catalog version number:               " +
                       std::to_string(version.catalog) +
                       "\n"
                       "Database system identifier:           7710953564560776674\n"
                       "Database cluster state:               in archive recovery\n"
                       "pg_control last modified:             Sun Nov 22 11:18:02 2026\n"
                       "Latest checkpoint location:           16/B374D848\n"
                       "Latest checkpoint's REDO location:    16/B374D810\n"
                       "Latest checkpoint's REDO WAL file:    0000000300000016000000B3\n"
                       "Latest checkpoint's TimeLineID:       3\n"
                       "Latest checkpoint's PrevTimeLineID:   3\n"
                       "Latest checkpoint's full_page_writes: on\n"
                       "Latest checkpoint's NextXID:          0:748\n"
                       "Latest checkpoint's NextOID:          16391\n"
                       "Latest checkpoint's NextMultiXactId:  1\n"
                       "Latest checkpoint's NextMultiOffset:  0\n"
                       "Latest checkpoint's oldestXID:        717\n"
                       "Latest checkpoint's oldestXID's DB:   1\n"
                       "Latest checkpoint's oldestActiveXID:  748\n"
                       "Latest checkpoint's oldestMultiXid:   1\n"
                       "Latest checkpoint's oldestMulti's DB: 1\n"
                       "Latest checkpoint's oldestCommitTsXid:0\n"
                       "Latest checkpoint's newestCommitTsXid:0\n"
                       "Time of latest checkpoint:            Sun Nov 22 11:18:01 2026\n"
                       "Fake LSN counter for unlogged rels:   0/3E8\n"
                       "Minimum recovery ending location:     16/B5000028\n"
                       "Min recovery ending loc's timeline:   4\n"
                       "Backup start location:                16/B3000028\n"
                       "Backup end location:                  0/0\n"
                       "End-of-backup record required:        yes\n"
                       "wal_level setting:                    logical\n"
                       "wal_log_hints setting:                off\n"
                       "max_connections setting:              250\n"
                       "max_worker_processes setting:         9\n"
                       "max_wal_senders setting:              11\n"
                       "max_prepared_xacts setting:           5\n"
                       "max_locks_per_xact setting:           65\n"
                       "track_commit_timestamp setting:       on\n"
                       "Maximum data alignment:               8\n"
                       "Database block size:                  8192\n"
                       "Blocks per segment of large relation: 131072\n"
                       "WAL block size:                       8192\n"
                       "Bytes per WAL segment:                67108864\n"
                       "Maximum length of identifiers:        64\n"
                       "Maximum columns in an index:          32\n"
                       "Maximum size of a TOAST chunk:        1996\n"
                       "Size of a large-object chunk:         2048\n"
                       "Date/time type storage:               64-bit integers\n"
                       "Float8 argument passing:              by value\n"
                       "Data page checksum version:           1\n";
    if (major >= 18) {
        text += "Default char data signedness:         signed\n";
    }
    return text + "Mock authentication nonce:            "
                  "5af3330af292c7b3718ab74c765512b73e3914f284063d3aca31dfaf791bf967\n";
}

std::string with(std::string text, const std::string& old, const std::string& replacement) {
    const auto at = text.find(old);
    REQUIRE(at != std::string::npos);
    return text.replace(at, old.size(), replacement);
}

std::string refusal_of(const std::string& output) {
    try {
        ControlData::parse(output);
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::verification_failed);
        return failure.what();
    }
    return "accepted";
}

template <typename Number>
void put(std::string& bytes, std::size_t offset, Number number) {
    std::memcpy(bytes.data() + offset, &number, sizeof number);
}

/// A pg_control file as the server of a 64-bit machine writes it; what lies behind the timeline is not read.
std::string control_file(std::uint32_t version) {
    std::string bytes(8192, '\0');
    put<std::uint64_t>(bytes, 0, 7710953564560776674U);
    put<std::uint32_t>(bytes, 8, version);
    put<std::uint32_t>(bytes, 12, 202209061);
    put<std::int32_t>(bytes, 16, 5);
    put<std::uint32_t>(bytes, 20, 0xFFFFFFFF);  // padding
    put<std::int64_t>(bytes, 24, 1795346282);
    put<std::uint64_t>(bytes, 32, 0x16'B374'D848);
    put<std::uint64_t>(bytes, 40, 0x16'B374'D810);
    put<std::uint32_t>(bytes, 48, 3);
    put<std::uint32_t>(bytes, 52, 2);  // PrevTimeLineID
    return bytes;
}

std::optional<ControlFile> read_from(const std::string& bytes) {
    const system::PrivateDirectory directory;
    std::filesystem::create_directory(directory.path() / "global");
    system::replace_file(directory.path() / "global" / "pg_control", bytes);
    return read_control_file(directory.path());
}

}  // namespace

TEST_CASE("pg_controldata of every supported version is understood") {
    const auto major = GENERATE(13, 14, 15, 16, 17, 18);
    CAPTURE(major);
    const auto data = ControlData::parse(printed_by(major));
    CHECK(data.system_identifier == "7710953564560776674");
    CHECK(data.state == ClusterState::in_archive_recovery);
    CHECK(data.state_text == "in archive recovery");
    CHECK(data.timeline == Timeline{3});
    CHECK(data.redo == Lsn{0x16'B374'D810});
    CHECK(data.wal_level == "logical");
    CHECK_FALSE(data.wal_log_hints);
    CHECK(data.track_commit_timestamp);
    CHECK(data.max_connections == 250);
    CHECK(data.max_worker_processes == 9);
    CHECK(data.max_wal_senders == 11);
    CHECK(data.max_prepared_transactions == 5);
    CHECK(data.max_locks_per_transaction == 65);
    CHECK(data.segment_size.bytes == 67108864);
    CHECK(data.checksum_version == 1);
}

TEST_CASE("every state of a cluster is known by PostgreSQL's words") {
    const auto [text, state] = GENERATE(table<std::string, ClusterState>({
        {"starting up", ClusterState::starting_up},
        {"shut down", ClusterState::shut_down},
        {"shut down in recovery", ClusterState::shut_down_in_recovery},
        {"shutting down", ClusterState::shutting_down},
        {"in crash recovery", ClusterState::in_crash_recovery},
        {"in archive recovery", ClusterState::in_archive_recovery},
        {"in production", ClusterState::in_production},
    }));
    CHECK(ControlData::parse(with(printed_by(15), "in archive recovery", text)).state == state);
}

TEST_CASE("a missing or odd line of pg_controldata is named") {
    CHECK(refusal_of("") == "pg_controldata does not show \"Database system identifier\"");
    CHECK(refusal_of(with(printed_by(15), "max_wal_senders setting", "max_wal_senders einstellung")) ==
          "pg_controldata does not show \"max_wal_senders setting\"");
    CHECK(refusal_of(with(printed_by(15), "16/B374D810", "elsewhere")) ==
          "pg_controldata shows an unexpected \"Latest checkpoint's REDO location\": \"elsewhere\"");
    CHECK(refusal_of(with(printed_by(15), "in archive recovery", "unrecognized status code")) ==
          "pg_control holds an unknown state: \"unrecognized status code\"");
    CHECK(refusal_of(with(printed_by(15), "67108864", "0")) == "pg_control holds an impossible WAL segment size: 0");
    CHECK(refusal_of(with(printed_by(15), "67108864", "16777215")) ==
          "pg_control holds an impossible WAL segment size: 16777215");
}

TEST_CASE("a control file with a wrong checksum is refused although pg_controldata goes on") {
    const std::string warning = "WARNING: Calculated CRC checksum does not match value stored in file.\n"
                                "Either the file is corrupt, or it has a different layout than this program\n"
                                "is expecting.  The results below are untrustworthy.\n\n";
    CHECK(refusal_of(warning + printed_by(13)) ==
          "pg_controldata: WARNING: Calculated CRC checksum does not match value stored in file.");
}

TEST_CASE("pg_control is read for every known version") {
    // 13 to 16, 17, 18, 19.
    const auto version = GENERATE(1300U, 1700U, 1800U, 1902U);
    CAPTURE(version);
    const auto read = read_from(control_file(version));
    REQUIRE(read.has_value());
    CHECK(read->system_identifier == "7710953564560776674");
    CHECK(read->state == ClusterState::in_archive_recovery);
    CHECK(read->written_at == 1795346282);
    CHECK(read->timeline == Timeline{3});
}

TEST_CASE("pg_control of a version that is not known is not read") {
    // 12, none, a beta of 19, one to come, 1300 with the other byte order.
    const auto version = GENERATE(1201U, 0U, 1901U, 2000U, 0x14050000U);
    CAPTURE(version);
    CHECK_FALSE(read_from(control_file(version)).has_value());
}

TEST_CASE("pg_control that is cut short or missing is not read") {
    const auto whole = control_file(1300);
    CHECK_FALSE(read_from("").has_value());
    CHECK_FALSE(read_from(whole.substr(0, 12)).has_value());
    CHECK_FALSE(read_from(whole.substr(0, 48)).has_value());
    CHECK_FALSE(read_from(whole.substr(0, 51)).has_value());
    const system::PrivateDirectory directory;
    CHECK_FALSE(read_control_file(directory.path()).has_value());
}

TEST_CASE("pg_control that cannot be read for want of descriptors is not taken for a missing one") {
    const system::PrivateDirectory directory;
    system::Forked process([&] {
        const rlimit limit{3, 3};
        if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            return 99;
        }
        read_control_file(directory.path());
        return 0;
    });
    CHECK(process.wait() == 11);
    CHECK(process.errors() ==
          "cannot read " + (directory.path() / "global" / "pg_control").string() + ": Too many open files\n");
}
