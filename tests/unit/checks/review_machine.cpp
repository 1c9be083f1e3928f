#include "support/catch.hpp"

#include "checks/checks.hpp"
#include "checks/review_machine.hpp"

using namespace patroni_pgbackrest;

TEST_CASE("root is told to become the user that runs Patroni, and nobody else is told anything") {
    const auto root = review_user(0, "bootstrap");
    REQUIRE(root);
    CHECK(root->id == "runs-as-root");
    CHECK(is_error(*root));
    CHECK(root->problem.message ==
          "bootstrap runs as root: PostgreSQL does not start as root, pgBackRest from 2.59 on only restores, and "
          "Patroni's user cannot replace what root has written");
    CHECK(root->problem.hint ==
          "run it as the user that runs Patroni, for example: sudo -u postgres patroni_pgbackrest bootstrap");
    CHECK_FALSE(review_user(26, "bootstrap"));
}
