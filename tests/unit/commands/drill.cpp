#include "commands/drill.hpp"

#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::commands;

namespace {

std::string hint_after(const std::string& hint) {
    return of_a_rehearsal(Failure(ExitCode::pgbackrest_failed, "what was wrong", hint)).problems().front().hint;
}

}  // namespace

TEST_CASE("no hint of a rehearsal promises that the next run goes on where this one stopped") {
    struct Hint {
        std::string of_a_restore, of_a_drill;
    };
    const std::vector<Hint> hints{
        {"bring the repository back; the next run continues where this one stopped", "bring the repository back"},
        {"run it again; the next run continues where this one stopped", "run it again"},
        {"run it again: it goes on from here", "run it again"},
        {"make room there, then run it again: it continues where it stopped", "make room there, then run it again"},
        {"see whether the repository answers, the next run continues", "see whether the repository answers"},
        {"name in postgresql.authentication.superuser the superuser that the source had: the next run goes on from "
         "here",
         "name in postgresql.authentication.superuser the superuser that the source had"},
        {"nothing was handed over; the next run copies what is wrong again",
         "rehearse again: all of it is copied anew"},
        {"the next run goes on", "rehearse again: all of it is copied anew"},
        {"make room, or name a scratch directory on another disk",
         "make room, or name a scratch directory on another disk"},
        {"", ""},
    };
    for (const auto& hint : hints) {
        CHECK(hint_after(hint.of_a_restore) == hint.of_a_drill);
    }
}

TEST_CASE("nothing else of a failure is changed for a rehearsal") {
    Failure failure(ExitCode::usage, {{"one", "set it", "--type"}, {"two", "do it", ""}});
    const auto told = of_a_rehearsal(failure);
    CHECK(told.code() == ExitCode::usage);
    CHECK_FALSE(told.is_lasting());
    CHECK(told.problems() == failure.problems());
    CHECK(of_a_rehearsal(failure.lasting()).is_lasting());
}
