#pragma once

#include "process/process_tree.hpp"

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <sys/types.h>

namespace patroni_pgbackrest::process {

/// Holds this process and its descendants to so many bytes a second that are read from disks and written to them
/// (proc_pid_io(5): read_bytes and write_bytes), on the average: descendants that are ahead of it are stopped until
/// they are not. Three kinds never are: PostgreSQL's servers, which must answer their postmaster; psql, which moves
/// nothing itself and has its time limit; and what has a session of its own, since nobody would let it go on after a
/// SIGKILL of ours. (A stopped process of our session is let go on by the kernel then, kill_orphaned_pgrp in Linux's
/// exit.c, unless it falls to a process of that session.) What they move counts all the same, and servers wait for
/// those that are stopped: a replay for its WAL, a dump's server for pg_dump.
class BandwidthLimit {
  public:
    using Clock = std::chrono::steady_clock;

    /// Throws Failure(preflight_refused) where the kernel does not count.
    explicit BandwidthLimit(std::uint64_t bytes_a_second);
    /// All go on.
    ~BandwidthLimit();
    BandwidthLimit(const BandwidthLimit&) = delete;
    BandwidthLimit& operator=(const BandwidthLimit&) = delete;

    /// Stops them or lets them go on; to be called a few times a second. Whoever waits for an event meanwhile is woken
    /// up as often. Throws as system::process_table().
    void keep();
    /// The same for descendants that have been seen, by what all have moved at that moment.
    void keep(std::uint64_t moved, Clock::time_point now);

  private:
    std::uint64_t moved_by_all() const;
    void stop();
    void go_on();

    double rate_;
    ProcessTree tree_;
    std::shared_ptr<boost::asio::steady_timer> timer_;
    std::uint64_t moved_ = 0;
    Clock::time_point at_;
    double credit_ = 0;  ///< bytes that may be moved at once; less than 0: that were moved too early
    std::set<pid_t> stopped_;
};

}  // namespace patroni_pgbackrest::process
