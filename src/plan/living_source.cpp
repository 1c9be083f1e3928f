#include "plan/living_source.hpp"

#include "system/log.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest {

bool would_archive_into(const Request& request) {
    if (!request.patroni) {
        return true;
    }
    const auto& archiving = request.patroni->archiving;
    if (archiving.mode && !archiving.is_on) {
        return false;
    }
    if (!archiving.command) {
        return true;
    }
    if (system::trim(archiving.command->text).empty()) {
        return false;
    }
    // In another program, or without its own --stanza, pgBackRest may get the stanza from anywhere.
    const auto stanza = patroni::pgbackrest_option(archiving.command->text, "stanza");
    return !stanza || *stanza == request.pgbackrest.stanza;
}

void refuse_living_source(const Request& request, const std::string& arrived) {
    const auto what = fmt::format("{} has arrived in stanza {} since the restore began: the old cluster is alive",
                                  arrived, request.pgbackrest.stanza);
    if (request.source_is_fenced) {
        log::warning("{}, although source says that it is fenced", what);
        return;
    }
    if (!would_archive_into(request)) {
        log::warning("{}; the restored one archives elsewhere", what);
        return;
    }
    throw Failure(ExitCode::unsafe,
                  what + ", and the restored one would destroy its archive by archiving into the same stanza",
                  "stop the old cluster, or give the restored one an archive_command with a stanza of its own, and run "
                  "it again: the staging directory is kept; `source: fenced` says that it cannot come back");
}

}  // namespace patroni_pgbackrest
