#include "pgbackrest/working_places.hpp"

#include "support/catch.hpp"

#include <algorithm>

using namespace patroni_pgbackrest::pgbackrest;

namespace {

bool has_place(const std::vector<ConfigurationLine>& lines, const char* place) {
    const auto places = places_in(lines);
    return std::find(places.begin(), places.end(), place) != places.end();
}

}  // namespace

TEST_CASE("what pgBackRest has on this machine is known from its configuration") {
    for (const char* usual :
         {"/var/lib/pgbackrest", "/var/spool/pgbackrest", "/tmp/pgbackrest", "/var/log/pgbackrest"}) {
        CHECK(has_place({}, usual));
    }
    for (const char* key : {"repo1-path", "repo12-path", "spool-path", "lock-path", "log-path"}) {
        CAPTURE(key);
        CHECK(has_place({{"global", key, "/srv/place", ""}}, "/srv/place"));
        CHECK_FALSE(has_place({{"global", key, "/", ""}}, "/"));
    }
    for (const char* key : {"repo1-storage-ca-path", "repo1-host-config-path", "pg1-path", "repo1-type"}) {
        CAPTURE(key);
        CHECK_FALSE(has_place({{"global", key, "/srv/place", ""}}, "/srv/place"));
    }
    CHECK(has_place({{"global", "repo1-path", "/a", ""}, {"global", "repo1-type", "cifs", ""}}, "/a"));
    CHECK(has_place({{"global", "repo1-path", "/a", ""}, {"global", "repo2-type", "s3", ""}}, "/a"));
    CHECK_FALSE(has_place({{"global", "repo1-path", "/a", ""}, {"global", "repo1-type", "s3", ""}}, "/a"));
    CHECK_FALSE(has_place({{"global", "repo1-path", "/a", ""}, {"global", "repo1-host", "backup", ""}}, "/a"));
}
