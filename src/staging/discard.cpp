#include "staging/discard.hpp"

#include "staging/journal.hpp"
#include "system/lock.hpp"

#include <filesystem>
#include <system_error>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

void discard_plan(const Layout& layout) {
    const system::Lock lock(layout.lock());
    const auto journal = Journal::read(layout.journal());
    if (journal && journal->only_planned() && !fs::exists(layout.failure())) {
        discard_journal(layout);
    }
}

void discard_journal(const Layout& layout) {
    std::error_code ignored;
    for (const auto& path : {layout.spool(), layout.pgbackrest_lock(), layout.failure(), layout.lock(),
                             layout.resume_lock(), layout.workspace / "postgresql.auto.conf", layout.journal()}) {
        fs::remove_all(path, ignored);
    }
    fs::remove(layout.workspace, ignored);
}

void discard_unfinished_restore(const Layout& layout) {
    const system::Lock lock(layout.lock());
    const auto journal = Journal::read(layout.journal());
    if (!journal || (journal->phase == Phase::handed_over && !journal->planning)) {
        return;
    }
    std::error_code ignored;
    for (const auto& path : {layout.staging, layout.workspace}) {
        fs::remove_all(path, ignored);
    }
}

}  // namespace patroni_pgbackrest
