#include "system/failure.hpp"

#include "support/catch.hpp"

#include <set>

namespace patroni_pgbackrest {

TEST_CASE("a failure shows its first problem and keeps them all") {
    const Failure one(ExitCode::usage, "unknown option `--stnaza`", "did you mean `--stanza`?");
    CHECK(std::string(one.what()) == "unknown option `--stnaza`");
    CHECK(one.code() == ExitCode::usage);
    CHECK(one.problems().front().hint == "did you mean `--stanza`?");

    const Failure two(ExitCode::preflight_refused, {{"a", "b", "patroni.yml:17"}, {"c", "d"}});
    CHECK(std::string(two.what()) == "a");
    CHECK(two.problems().size() == 2);
    CHECK(two.problems()[0].place == "patroni.yml:17");
}

TEST_CASE("every exit code has one entry in the table") {
    std::set<int> codes;
    for (const ExitCodeMeaning& entry : exit_code_table) {
        CHECK(codes.insert(static_cast<int>(entry.code)).second);
        CHECK(&meaning_of(entry.code) == &entry);
        CHECK_FALSE(entry.meaning.empty());
        CHECK_FALSE(entry.what_next.empty());
    }
    CHECK(meaning_of(static_cast<ExitCode>(77)).code == ExitCode::internal_error);
}

}  // namespace patroni_pgbackrest
