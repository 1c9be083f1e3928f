#pragma once

#include "postgres/wal.hpp"
#include "process/child.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace patroni_pgbackrest {

/// Whether a file is there, and as long as a segment.
bool has_size_of_segment(const std::filesystem::path& file, postgres::SegmentSize size);

/// A segment that pgBackRest's asynchronous process has finished in its spool, and nothing beside it: it renames
/// SEGMENT.pgbackrest.tmp when the file is whole, a SEGMENT.error stands for what went wrong, and a SEGMENT.ok beside
/// the segment for warnings, which its archive-get passes on (archiveAsyncStatus in archive/common.c, 2.33 to 2.60).
bool is_whole_in_spool(const std::filesystem::path& incoming, const std::string& segment, postgres::SegmentSize size);

/// How many segments lie there.
std::size_t segments_in_spool(const std::filesystem::path& incoming);

/// Whether these are more than half of what the queue (archive-get-queue-max) has room for: up to then pgBackRest's
/// archive-get has more fetched. It does not count the one that is asked for.
bool is_half_full(std::size_t segments, postgres::SegmentSize size, std::uint64_t queue);

/// Which planned segment follows another.
using SegmentAfter = std::function<std::optional<std::string>(const std::string& segment)>;

/// Whether all that is planned from this segment on lies there. Its timeline alone counts: archive-get starts an
/// asynchronous process that fetches on one, from the segment that it is asked for.
bool has_rest_of_timeline(const std::filesystem::path& incoming, const std::string& first, const SegmentAfter& after);

/// Whether an asynchronous process has looked for it in vain (archiveGetAsync leaves an empty SEGMENT.ok, 2.33 to
/// 2.60).
bool is_missing_in_archive(const std::filesystem::path& incoming, const std::string& segment);

/// The spool tells of nothing: how often who waits for a segment looks there.
constexpr std::chrono::milliseconds between_looks_at_spool(4);

/// Whether a command line is that of an asynchronous process of this spool. It names the segments that it brings.
bool is_fetching_into(const std::vector<std::string>& arguments, const std::filesystem::path& spool);

/// Fetches the WAL of one replay. pgBackRest's archive-get starts an asynchronous process that fetches segments ahead
/// into a spool of ours; from there they are taken by rename, without pgBackRest. Whatever is not as it should be is
/// asked of archive-get: it knows best what an error, a warning or an absent segment means. An error and an absent
/// segment count when it has said so without the spool. Used between the events of the loop; never waits.
class WalFetch {
  public:
    struct Options {
        process::Command archive_get;      ///< asynchronous, without file and path
        std::filesystem::path spool;       ///< its spool-path
        std::filesystem::path incoming{};  ///< what the asynchronous process fetches into
        postgres::SegmentSize size{};
        std::uint64_t queue = 0;  ///< bytes that may lie there (archive-get-queue-max)
    };
    struct Result {
        process::Outcome outcome;
        std::string errors;
        std::filesystem::path file;  ///< where it is, when it is there: the destination, or on the spool's file system
    };

    explicit WalFetch(Options options);
    /// Ends what fetches ahead: while it holds the lock, the next server's archive-get waits for a segment in vain.
    ~WalFetch();
    WalFetch(const WalFetch&) = delete;
    WalFetch& operator=(const WalFetch&) = delete;

    /// Asks for a file, and is to be called again until there is a result. `past_spool`: by an archive-get that takes
    /// nothing that lay there before.
    std::optional<Result> fetch(const std::string& wanted, const std::filesystem::path& destination, bool past_spool);
    /// Before anybody asks: has the spool filled from this segment on, which is asked for first.
    void begin(const std::string& first);
    /// When nothing is asked for: has the spool filled from this segment on, which is asked for next, when it is half
    /// empty and lacks one of the same timeline that is planned.
    void fetch_ahead(const std::string& next, const SegmentAfter& after);
    /// What was asked for comes through the spool, which has no event for it: look again in a moment.
    bool is_to_be_looked_at() const { return watches_spool_; }

  private:
    using Clock = std::chrono::steady_clock;

    enum class Way {
        asynchronous,
        ahead,       ///< the same before anybody has asked
        past_spool,  ///< synchronous
        second_try,  ///< the same, after an asynchronous one has failed
    };
    /// An archive-get.
    struct Running {
        std::string wanted;
        std::filesystem::path file;
        Way way;
        bool is_asynchronous;
        bool finds_it;  ///< the segment lay in the spool when it was started
        std::unique_ptr<process::Capturing> process;
        bool is_given_up = false;
    };
    /// pgBackRest's asynchronous process.
    struct Asynchronous {
        pid_t pid;
        unsigned long long start_time;
        std::vector<std::string> arguments;
    };

    void start(const std::string& wanted, const std::filesystem::path& file, Way way);
    void ask_without_spool(const std::string& wanted, const std::filesystem::path& destination, const std::string& why);
    bool is_to_be_awaited(const std::string& wanted) const;
    void give_up();
    bool forget_what_is_not(const std::string& wanted, bool past_spool);
    std::optional<Result> result_of_running(const std::filesystem::path& destination);
    bool take_from_spool(const std::string& wanted);
    bool is_on_its_way(const std::string& wanted);
    bool is_asynchronous_alive();
    void end_asynchronous();
    /// Where an asynchronous archive-get puts its file, and where what is taken from the spool goes: one that is given
    /// up may still be at that very segment, and must not reach the file that PostgreSQL gets.
    std::filesystem::path delivered(const std::string& wanted) const;
    std::filesystem::path taken(const std::string& wanted) const;
    bool is_filled(const std::string& next, const SegmentAfter& after) const;
    bool has_spool() const { return !options_.incoming.empty(); }
    void do_without_spool(const std::string& why);

    Options options_;
    std::optional<Running> running_;
    std::optional<Asynchronous> asynchronous_;
    bool is_asynchronous_known_ = true;  ///< false after each start of archive-get, which may start one
    bool watches_spool_ = false;
    bool spool_works_ = false;  ///< a segment was taken from there
    unsigned in_vain_ = 0;      ///< how often in a row the archive had what did not come through the spool
    std::string awaited_{};     ///< from the asynchronous process, without an archive-get of its own
    std::uintmax_t awaited_bytes_ = 0;
    Clock::time_point awaited_since_{};  ///< since when no more than these has come
};

}  // namespace patroni_pgbackrest
