#include "postgres/control_data.hpp"

#include "process/child.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <fmt/format.h>
#include <type_traits>
#include <utility>

namespace patroni_pgbackrest::postgres {

namespace {

constexpr auto hint = "the data directory is not complete or belongs to another major version of PostgreSQL; "
                      "look at it with pg_controldata";

/// The printed lines, looked up by their label. The labels are the same in 13 to 18 (pg_controldata.c).
class Lines {
  public:
    explicit Lines(std::string_view output) : lines_(system::lines(output)) {}

    std::string_view text(std::string_view label) const {
        for (const std::string_view line : lines_) {
            if (line.size() > label.size() && line.substr(0, label.size()) == label && line[label.size()] == ':') {
                return system::trim(line.substr(label.size() + 1));
            }
        }
        throw Failure(ExitCode::verification_failed, fmt::format("pg_controldata does not show \"{}\"", label), hint);
    }
    std::uint64_t number(std::string_view label) const { return parsed(label, system::number(text(label))); }
    Lsn lsn(std::string_view label) const { return parsed(label, Lsn::parse(text(label))); }
    Timeline timeline(std::string_view label) const { return Timeline{static_cast<std::uint32_t>(number(label))}; }
    int setting(std::string_view label) const { return static_cast<int>(number(label)); }

  private:
    template <typename Value>
    Value parsed(std::string_view label, const std::optional<Value>& value) const {
        if (!value) {
            throw Failure(ExitCode::verification_failed,
                          fmt::format("pg_controldata shows an unexpected \"{}\": \"{}\"", label, text(label)), hint);
        }
        return *value;
    }

    std::vector<std::string> lines_;
};

// dbState() in pg_controldata.c; "unrecognized status code" means a damaged file.
constexpr std::array cluster_states = {
    std::pair{std::string_view("starting up"), ClusterState::starting_up},
    std::pair{std::string_view("shut down"), ClusterState::shut_down},
    std::pair{std::string_view("shut down in recovery"), ClusterState::shut_down_in_recovery},
    std::pair{std::string_view("shutting down"), ClusterState::shutting_down},
    std::pair{std::string_view("in crash recovery"), ClusterState::in_crash_recovery},
    std::pair{std::string_view("in archive recovery"), ClusterState::in_archive_recovery},
    std::pair{std::string_view("in production"), ClusterState::in_production},
};

ClusterState cluster_state(std::string_view text) {
    const auto* const found = std::find_if(cluster_states.begin(), cluster_states.end(),
                                           [&](const auto& state) { return state.first == text; });
    if (found == cluster_states.end()) {
        throw Failure(ExitCode::verification_failed, fmt::format("pg_control holds an unknown state: \"{}\"", text),
                      hint);
    }
    return found->second;
}

SegmentSize checked_segment_size(std::uint64_t bytes) {
    if (!SegmentSize{bytes}.is_possible()) {
        throw Failure(ExitCode::verification_failed,
                      fmt::format("pg_control holds an impossible WAL segment size: {}", bytes), hint);
    }
    return SegmentSize{bytes};
}

/// If the checksum is wrong, pg_controldata continues with a warning on the same output (14 and later: on stderr).
void refuse_damaged(std::string_view output) {
    for (const auto& line : system::lines(output)) {
        if (line.find("Calculated CRC checksum does not match") != std::string::npos ||
            line.find("calculated CRC checksum does not match") != std::string::npos ||
            line.find("possible byte ordering mismatch") != std::string::npos) {
            throw Failure(ExitCode::verification_failed, fmt::format("pg_controldata: {}", system::trim(line)),
                          "global/pg_control is damaged; restore the backup again");
        }
    }
}

/// The beginning of ControlFileData (PostgreSQL's src/include/catalog/pg_control.h), up to the first field that differs
/// between versions. It is the same from 13 to 19: what these versions added lies behind it (17: wal_level and 19:
/// logicalDecodingEnabled in the checkpoint after fullPageWrites; 18: default_char_signedness; 19:
/// slru_pages_per_segment). pg_control.h promises that pg_control_version stays where it is.
/// The server writes the struct as it lies in memory. This program runs on the server's machine, so with the same types
/// the compiler gives the same byte order and alignment; with another byte order pg_control_version is not a known one.
struct ControlFileHead {
    std::uint64_t system_identifier = 0;
    std::uint32_t pg_control_version = 0;
    std::uint32_t catalog_version_no = 0;
    std::int32_t state = 0;  ///< the enum DBState; padding follows
    std::int64_t time = 0;   ///< pg_time_t
    std::uint64_t checkpoint = 0;
    std::uint64_t checkpoint_redo = 0;      ///< checkPointCopy.redo
    std::uint32_t checkpoint_timeline = 0;  ///< checkPointCopy.ThisTimeLineID
};
static_assert(std::is_trivially_copyable_v<ControlFileHead> && std::is_standard_layout_v<ControlFileHead>);
static_assert(offsetof(ControlFileHead, pg_control_version) == 8 && offsetof(ControlFileHead, state) == 16);
// Where 8-byte numbers are aligned to 4 bytes (32-bit x86), the server has no padding after state either.
static_assert(alignof(ControlFileHead) != 8 ||
              (offsetof(ControlFileHead, time) == 24 && offsetof(ControlFileHead, checkpoint_timeline) == 48));

/// PG_CONTROL_VERSION of PostgreSQL 13 to 16, 17, 18 and 19.
constexpr std::array<std::uint32_t, 4> known_control_versions = {1300, 1700, 1800, 1902};

bool is_known(std::uint32_t version) {
    return std::find(known_control_versions.begin(), known_control_versions.end(), version) !=
           known_control_versions.end();
}

/// Empty when there is no such file, when nobody may read it, and when it is cut short.
std::optional<ControlFileHead> read_control_file_head(const std::filesystem::path& file) {
    ControlFileHead head;
    try {
        const auto read = system::read_head_if_present(file, sizeof head);
        if (!read || read->bytes.size() != sizeof head) {
            return std::nullopt;
        }
        std::memcpy(&head, read->bytes.data(), sizeof head);
        return head;
    } catch (const Failure& failure) {
        if (failure.code() == ExitCode::system_refused) {
            throw;
        }
        return std::nullopt;
    }
}

constexpr std::array<std::pair<const char*, int ControlData::*>, 5> limit_members{{
    {"max_connections", &ControlData::max_connections},
    {"max_worker_processes", &ControlData::max_worker_processes},
    {"max_wal_senders", &ControlData::max_wal_senders},
    {"max_prepared_transactions", &ControlData::max_prepared_transactions},
    {"max_locks_per_transaction", &ControlData::max_locks_per_transaction},
}};

}  // namespace

ControlData ControlData::parse(std::string_view output) {
    refuse_damaged(output);
    const Lines lines(output);
    ControlData data;
    data.system_identifier = lines.text("Database system identifier");
    data.state_text = lines.text("Database cluster state");
    data.state = cluster_state(data.state_text);
    data.timeline = lines.timeline("Latest checkpoint's TimeLineID");
    data.redo = lines.lsn("Latest checkpoint's REDO location");
    data.wal_level = lines.text("wal_level setting");
    data.wal_log_hints = lines.text("wal_log_hints setting") == "on";
    data.track_commit_timestamp = lines.text("track_commit_timestamp setting") == "on";
    data.max_connections = lines.setting("max_connections setting");
    data.max_worker_processes = lines.setting("max_worker_processes setting");
    data.max_wal_senders = lines.setting("max_wal_senders setting");
    data.max_prepared_transactions = lines.setting("max_prepared_xacts setting");
    data.max_locks_per_transaction = lines.setting("max_locks_per_xact setting");
    data.segment_size = checked_segment_size(lines.number("Bytes per WAL segment"));
    data.checksum_version = static_cast<unsigned>(lines.number("Data page checksum version"));
    return data;
}

std::map<std::string, int> ControlData::limits() const {
    std::map<std::string, int> all;
    for (const auto& [name, limit] : limit_members) {
        all.emplace(name, this->*limit);
    }
    return all;
}

void ControlData::raise_limits(const std::map<std::string, int>& least) {
    for (const auto& [name, limit] : limit_members) {
        const auto found = least.find(name);
        if (found != least.end()) {
            this->*limit = std::max(this->*limit, found->second);
        }
    }
}

ControlData read_control_data(const std::filesystem::path& bin_directory, const std::filesystem::path& data_directory) {
    process::Command command{(bin_directory / "pg_controldata").string(), {"-D", data_directory.string()}};
    command.environment = {{"LC_ALL", "C"}, {"LANGUAGE", ""}};
    const auto captured = process::capture(command);
    process::require_resources(command.program, captured.outcome);
    if (!process::succeeded(captured.outcome)) {
        throw Failure(ExitCode::verification_failed,
                      fmt::format("{} of {} {}: {}", command.program, data_directory.string(),
                                  process::describe(captured.outcome), system::trim(captured.errors)),
                      hint);
    }
    refuse_damaged(captured.errors);
    return ControlData::parse(captured.output);
}

std::optional<ControlFile> read_control_file(const std::filesystem::path& data_directory) {
    const auto head = read_control_file_head(data_directory / "global" / "pg_control");
    if (!head || !is_known(head->pg_control_version)) {
        return std::nullopt;
    }
    return ControlFile{std::to_string(head->system_identifier), static_cast<ClusterState>(head->state), head->time,
                       Timeline{head->checkpoint_timeline}, Lsn{head->checkpoint_redo}};
}

}  // namespace patroni_pgbackrest::postgres
