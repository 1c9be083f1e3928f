#pragma once

#include "postgres/private_server.hpp"
#include "postgres/wal.hpp"
#include "system/log.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::postgres {

/// The prefix of PostgreSQL's own lines (log_line_prefix), so that they cannot be confused with those of
/// restore_command, which arrive on the same pipe.
inline constexpr std::string_view server_log_prefix = "postgres: ";

/// Reads the log of a private server line by line: passes each line on to our log at a suitable level, and keeps what
/// it says about the recovery.
class ServerLog {
  public:
    explicit ServerLog(SegmentSize segment_size) : segment_size_(segment_size) {}
    ~ServerLog();
    ServerLog(const ServerLog&) = delete;
    ServerLog& operator=(const ServerLog&) = delete;

    void take(std::string_view line);
    const RecoveryLog& recovery() const { return recovery_; }

  private:
    void take_message(std::string_view severity, std::string_view text);
    void take_recovery_message(std::string_view text);
    bool is_damage(std::string_view text) const;
    void pass_on_foreign(std::string_view line);
    void write_own_error();
    void remember(std::string line, bool is_error);

    SegmentSize segment_size_;
    RecoveryLog recovery_;
    log::Level level_ = log::Level::info;  ///< of the last message, which DETAIL, HINT and further lines share
    bool in_message_ = false;              ///< the last line was PostgreSQL's own
    bool in_error_ = false;                ///< … and belonged to an ERROR, FATAL or PANIC
    bool had_error_ = false;
    std::optional<std::string> own_error_;  ///< of our restore_command, until its hint has come
};

}  // namespace patroni_pgbackrest::postgres
