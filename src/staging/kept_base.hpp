#pragma once

#include "plan/plan.hpp"
#include "request/request.hpp"
#include "staging/journal.hpp"
#include "staging/layout.hpp"
#include "staging/staging.hpp"
#include "system/exit_code.hpp"
#include "system/failure.hpp"

#include <filesystem>
#include <optional>
#include <string>

/// The base: a clone of the copied backup that lies beside the staging directory until the hand-over, where the file
/// system has clones. It is made when the copy is complete and no server was started in it yet, and nothing is ever
/// written to it. Another target, or a replay after one that failed, begins with a clone of it, in seconds and without
/// `pgbackrest restore`. What fails in all this costs no more than another copy.
namespace patroni_pgbackrest {

/// What decides whether a copy is kept.
struct CopyFacts {
    bool is_rehearsal = false;
    bool is_replayed_here = true;  ///< in standalone mode; in patroni mode the hand-over comes before the replay
    bool has_places = false;       ///< a tablespace or a link leads out of the staging directory
    bool can_clone = false;        ///< system::can_clone()
    std::filesystem::space_info disk{};
};
/// Empty when it is kept.
std::string why_not_kept(const CopyFacts& facts);

/// Whether a disk has so little room that the blocks which the base alone still holds are needed for the replay.
bool is_short_of_room(const std::filesystem::space_info& disk);

/// What `pgbackrest restore` brings for this plan, in words that two runs can compare: of one backup set with the same
/// options it is the same, whatever the target.
std::string identity_of_copy(const Request& request, const Plan& plan);

/// Whether a base is whole and what is wanted. `seen` is what would be noted of that directory now for the copy that is
/// wanted.
bool is_still(const KeptBase& kept, const KeptBase& seen);

/// Whether the copy of this plan is kept.
bool has_base(const Request& request, const Plan& plan, const StagingDirectory& staging);

/// Keeps the copy that the staging directory holds, and notes it in the journal, or tells the log why not.
void keep_base(const Request& request, const Plan& plan, StagingDirectory& staging);

/// Makes a clone of the base the staging directory, in place of whatever that holds. The journal must say that a copy
/// has begun. False when it cannot be: the base is gone then, and the staging directory is to be copied to.
bool take_base(StagingDirectory& staging);

/// Removes a base that is not the copy of this plan, or was not finished.
void leave_unfit_base(const Request& request, const Plan& plan, StagingDirectory& staging);

/// Removes it while a replay lasts, when is_short_of_room(): for a tenth of a second at each look, since signals, the
/// progress and the WAL that is served wait for that. What is left of it at the end goes with remove_base().
class BaseRemoval {
  public:
    explicit BaseRemoval(StagingDirectory& staging) : staging_(staging) {}
    void look();
    void look(const std::filesystem::space_info& disk);

  private:
    StagingDirectory& staging_;
    bool is_under_way_ = false;
};

/// Whether it may be to blame for a failure that has this exit code: a disk may have damaged it, and --delta finds
/// that.
bool is_doubtful(const KeptBase& base, ExitCode code);
/// Removes what is of no use to the next run after a failure: one that is_doubtful(), or is_short_of_room(), and what
/// is left of one that was.
void leave_base_after(ExitCode code, StagingDirectory& staging);

/// Removes it, whatever the journal says: it counts for nothing from the first step on. Stops when
/// interrupted: the next run, or resume, goes on with what is left, which is told as what cannot be removed is.
void remove_base(const Layout& layout);

/// What is left of it beside a restore that was handed over, where there is no next run and nobody calls resume.
std::optional<Problem> forgotten_base(const Layout& layout, const Journal& journal);

}  // namespace patroni_pgbackrest
