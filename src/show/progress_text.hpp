#pragma once

#include "show/progress.hpp"
#include "system/log.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace patroni_pgbackrest {

/// `bytes`, `segments`, …; empty without a unit.
std::string_view text(Unit unit);
/// To hundredths, for a program.
double rounded(double number);
/// The same, and what is less than 1 to three digits: what moves has no rate of 0.
double rounded_rate(double rate);
/// `1,900`
std::string count_text(std::uint64_t count);
/// `2.7 GiB`
std::string bytes_text(double bytes);
/// `42 s`, `3 min 5 s`, `2 h 10 min`
std::string duration_text(std::chrono::seconds duration);
/// The same of a measured one, to whole seconds.
std::string duration_text(double seconds);

/// `1.2 GiB of 2.7 GiB`, `90 of 200 WAL segments`; empty without a plan.
std::string amount_text(const PhaseView& view);
/// `35.0 MiB/s`, `3.2 segments/s`; empty while it is not known.
std::string rate_text(const PhaseView& view);

/// For the log: `copy: 45 %, 1.2 GiB of 2.7 GiB, 35.0 MiB/s, 43 s left`. `position`: how far the phase is in words of
/// its own; may be empty.
std::string progress_line(const PhaseView& view, const std::string& position);
/// `replay: nothing moved for 5 min at 45 %: it waits for pgbackrest archive-get of …`
std::string waiting_line(const PhaseView& view, const std::string& waits_for);
/// Behind a phase: `copy: 2.7 GiB in 1 min 17 s (35.0 MiB/s)`, without what an earlier run had done.
std::string summary_line(const PhaseView& view);
/// What these lines tell a program.
log::Fields progress_fields(const PhaseView& view, const std::string& position, const std::string& waits_for);
/// For a terminal, in so many columns: `copy [#####-----]  45 %  1.2 GiB of 2.7 GiB  35.0 MiB/s  43 s left`. `commit`
/// is the commit time that a replay has reached; may be empty. Where there is no room the bar gets shorter, then the
/// rate is left out, then the amount; the time that is left is the last to go. Nothing is cut short: half a number is
/// another.
std::string bar(const PhaseView& view, const std::string& commit, std::size_t columns);

}  // namespace patroni_pgbackrest
