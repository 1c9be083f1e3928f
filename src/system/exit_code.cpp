#include "system/exit_code.hpp"

namespace patroni_pgbackrest {

const ExitCodeMeaning& meaning_of(ExitCode code) {
    for (const ExitCodeMeaning& entry : exit_code_table) {
        if (entry.code == code) {
            return entry;
        }
    }
    return exit_code_table[static_cast<std::size_t>(ExitCode::internal_error)];
}

static_assert(exit_code_table[1].code == ExitCode::internal_error);

}  // namespace patroni_pgbackrest
