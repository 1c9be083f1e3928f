#pragma once

#include "pgbackrest/info.hpp"
#include "plan/repository_state.hpp"
#include "request/request.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace patroni_pgbackrest {

/// How much WAL is looked through for a transaction or a restore point before a person is asked: 4 GiB. With
/// `Request::search` all of it.
std::size_t most_segments_to_look_through(postgres::SegmentSize size);

/// Whether only the WAL tells which of these backup sets leads to the target: a transaction or a restore point, no set
/// is named, and there are several. Also for a restore point and one set: there may be several of that name.
bool needs_search(const Request& request, const std::vector<pgbackrest::Backup>& candidates);

/// The newest of the backup sets, oldest first, that ended before the target, which is looked for backwards from the
/// end of the timeline that would be followed. `repository` must reach back to the oldest. Says every five seconds how
/// far it is. Empty when the search gave up at its bound, for one backup set that has nothing of it behind its end, and
/// for one where it may be in a segment that is missing or cannot be read. Throws Failure(target_not_reachable) when
/// the target is nowhere: the copy is saved. And Failure(usage) when several restore points have the name: no replay
/// would tell that, since it ends at the first.
std::optional<pgbackrest::Backup> find_backup_before_target(const Request& request,
                                                            const std::vector<pgbackrest::Backup>& candidates,
                                                            const RepositoryState& repository);

}  // namespace patroni_pgbackrest
