#pragma once

#include "postgres/control_data.hpp"
#include "request/request.hpp"
#include "staging/journal.hpp"
#include "system/failure.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// What became of a hand-over that Patroni set aside, as far as this node shows it.
struct InVain {
    std::filesystem::path directory;
    bool came_up = false;             ///< PostgreSQL was started in it
    std::optional<Failure> guard;     ///< what the guard ended Patroni's recovery with
    std::string last_words;           ///< of PostgreSQL or Patroni, with the file they stand in; empty when unknown
    bool same_circumstances = false;  ///< circumstances_of() the hand-over are those of this run
    unsigned hand_overs = 0;          ///< in these circumstances; 0 after begin_to_count_anew()
    std::int64_t at = 0;              ///< of the hand-over, in seconds since 1970
};

InVain look_at_set_aside(const Request& request, const Journal& journal, const std::filesystem::path& directory,
                         const std::string& circumstances);

/// Whether handing over once more would only be the same again. What may pass (a port that was taken, a script that
/// met with something) is worth a second hand-over; after that something has to be changed. What the guard has found to
/// last is said at once. Empty when it may be handed over.
/// `memory` is the file that keeps the refusal.
std::optional<Failure> refuse_to_repeat(const InVain& earlier, const std::filesystem::path& memory);

/// The last line of a log file that tells an error: PostgreSQL's FATAL and PANIC, Python's ERROR and CRITICAL. Only the
/// end of a long file is read.
std::string last_error_in(const std::filesystem::path& file);

}  // namespace patroni_pgbackrest
