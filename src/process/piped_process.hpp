#pragma once

#include "process/subprocess.hpp"

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

namespace patroni_pgbackrest::process {

/// A running command whose pipes are read as they fill, in pieces as they come.
class PipedProcess : public std::enable_shared_from_this<PipedProcess> {
  public:
    using OnPiece = std::function<void(std::string_view)>;

    /// `on_end` is called once for each pipe that has been read to its end, after its last piece.
    struct Sink {
        OnPiece on_piece;
        std::function<void()> on_end;
    };

    static std::shared_ptr<PipedProcess> start(const Command& command, Sink output, Sink errors, int death_signal);

    pid_t pid() const { return pid_; }
    int death_signal() const { return death_signal_; }
    bool is_reaped() const { return reaped_; }
    /// Set once it was reaped and both pipes were read to their end.
    const std::optional<Outcome>& outcome() const { return outcome_; }
    /// Nothing that is still read reaches the sinks.
    void be_quiet() { quiet_ = true; }
    /// Runs events until the outcome is set or the time has passed; never throws by itself.
    void run_events(std::chrono::milliseconds at_most);
    /// As Child::wait.
    const std::optional<Outcome>& wait(std::chrono::milliseconds at_most);
    /// As Child::end.
    void end(int first, std::chrono::milliseconds grace);

  private:
    struct Stream {
        explicit Stream(Sink to);
        boost::asio::posix::stream_descriptor pipe;
        Sink sink;
        bool is_open = false;
        std::array<char, 16384> buffer;  // not filled: its pages would be touched for each WAL segment
    };

    PipedProcess(Sink output, Sink errors, int death_signal);
    void read(Stream& stream);
    void close(Stream& stream);
    void on_exit(int wait_status);
    void finish_if_done();

    pid_t pid_ = -1;
    int death_signal_;
    bool reaped_ = false;
    bool quiet_ = false;
    Stream output_, errors_;
    boost::asio::steady_timer end_of_pipes_;
    std::optional<Outcome> ending_;  ///< known as soon as it is reaped
    std::optional<Outcome> outcome_;
};

}  // namespace patroni_pgbackrest::process
