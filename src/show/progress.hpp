#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// What a phase of a restore counts.
enum class Unit {
    none,  ///< nobody knows how much there is
    bytes,
    segments,  ///< of the WAL
    time,      ///< seconds of the commits' own time, on the way to a target time
    files,
};

/// How far a phase is, at one moment.
struct PhaseView {
    std::string phase;
    Unit unit = Unit::none;
    std::uint64_t done = 0, planned = 0;
    std::uint64_t before = 0;                  ///< of what is done: by an earlier run
    std::optional<double> percent;             ///< never less than it was; empty without a plan
    std::optional<double> rate;                ///< units a second; empty while nothing has moved
    std::optional<std::chrono::seconds> left;  ///< by that rate
    std::chrono::seconds lasts{}, quiet{};     ///< since it began; since anything moved
};

/// The phases of a restore, one after the other, with planned and done units. Knows no clock: each call says when it
/// is.
///
/// The rate is that of the last minute, and reaches further back only where less than a few moves are in it: pgBackRest
/// tells of whole files, and a file may take a minute. It is measured from move to move, since what moves in steps
/// would look faster right behind a step than right before one.
class Progress {
  public:
    using Clock = std::chrono::steady_clock;

    void begin(std::string phase, Clock::time_point now);
    /// How much there is to do. `done` of it lies behind already, from an earlier run: it counts for no rate.
    void plan(Unit unit, std::uint64_t planned, std::uint64_t done, Clock::time_point now);
    /// What goes back counts as nothing: a second try begins at its beginning, and moves on when it is further.
    void advance(std::uint64_t done, Clock::time_point now);
    /// Something moves that is no unit.
    void stir(Clock::time_point now) { moved_ = now; }

    PhaseView look(Clock::time_point now) const;

  private:
    struct Sample {
        Clock::time_point at;
        std::uint64_t done;
    };
    /// Between moves; empty while there are too few.
    std::optional<std::chrono::duration<double>> interval() const;
    std::optional<double> rate(Clock::time_point now) const;

    std::string phase_;
    Unit unit_ = Unit::none;
    std::uint64_t before_ = 0, done_ = 0, told_ = 0, planned_ = 0;
    Clock::time_point begun_, moved_;
    std::deque<Sample> samples_;  ///< the first one is where the rate begins
};

/// When the log is told of it: a line when 30 seconds *and* 5 % have passed since the last one, so that neither a fast
/// nor a slow restore fills it; one in five minutes in any case.
class LogPace {
  public:
    enum class Line { none, progress, waiting };

    void begin(Progress::Clock::time_point now);
    /// Which line is due. It counts as written.
    Line take(const PhaseView& view, Progress::Clock::time_point now);
    /// Whether any was written of this phase.
    bool spoke() const { return spoke_; }

  private:
    Progress::Clock::time_point last_;
    double percent_ = 0;
    bool spoke_ = false;
};

}  // namespace patroni_pgbackrest
