#include "plan/clusters.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

using namespace patroni_pgbackrest;

namespace {

Request asking_for(const RecoveryTarget& target) {
    Request request;
    request.target = target;
    return request;
}

Problems no_plan(const Request& request, const RepositoryState& state) {
    return problems_of(ExitCode::target_not_reachable, [&] { make_plan(request, state); });
}

const RecoveryTarget latest{Latest{}};

}  // namespace

TEST_CASE("a PostgreSQL that is too old is refused before anything else is looked at") {
    auto state = one_timeline();
    state.stanza.databases[0].version = "12";
    CHECK(problems_of(ExitCode::preflight_refused, [&] { make_plan(asking_for(latest), state); }) ==
          Problems{
              {"the backup is of PostgreSQL 12, which is not supported", "PostgreSQL 13 and later can be restored"}});
    state.stanza.databases[0].version = "9.6";
    CHECK(problems_of(ExitCode::preflight_refused, [&] { make_plan(asking_for(latest), state); }).size() == 1);
}

TEST_CASE("a backup of a database that the stanza does not know is refused") {
    auto state = one_timeline();
    state.stanza.databases[0].id = 2;
    CHECK(no_plan(asking_for(latest), state) ==
          Problems{{"pgbackrest info knows no database 1 for backup set 20261122-090000F",
                    "run pgbackrest check on the repository"}});
}

TEST_CASE("the archives of a cluster are those of its system identifier and version, in every repository") {
    auto state = one_timeline();
    state.stanza.databases.push_back({1, 2, "7710953412442782829", "15"});
    state.stanza.databases.push_back({2, 1, "7710953412442782829", "16"});
    state.stanza.databases.push_back({3, 1, "7710953412442782830", "15"});
    state.stanza.archives = {{"15-1", 1, 1}, {"15-1", 2, 1}, {"16-2", 1, 2}, {"15-3", 1, 3}};
    const auto archives = archives_of(state.stanza, state.stanza.databases[0]);
    REQUIRE(archives.size() == 2);
    CHECK((archives[0].id == "15-1" && archives[0].repository == 1));
    CHECK((archives[1].id == "15-1" && archives[1].repository == 2));
}
