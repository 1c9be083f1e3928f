#include "pgbackrest/working_places.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/programs.hpp"

#include <algorithm>
#include <array>
#include <sys/xattr.h>

using namespace patroni_pgbackrest::pgbackrest;

namespace {

bool has_place(const std::vector<ConfigurationLine>& lines, const char* place) {
    const auto places = places_in(lines, "demo");
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

TEST_CASE("a repository that another stanza or command has elsewhere is on this machine all the same") {
    const ConfigurationLine path{"global", "repo1-path", "/a", ""};
    CHECK(has_place({path, {"other", "repo1-host", "backup", ""}}, "/a"));
    CHECK(has_place({path, {"global:backup", "repo1-type", "s3", ""}}, "/a"));
    CHECK(has_place({path, {"global", "repo1-type", "s3", ""}, {"demo", "repo1-type", "posix", ""}}, "/a"));
    CHECK(has_place({path, {"demo", "repo1-host", "backup", ""}, {"other", "", "", ""}}, "/a"));
    CHECK_FALSE(has_place({path, {"demo", "repo1-host", "backup", ""}}, "/a"));
    CHECK_FALSE(has_place({path, {"", "repo1-host", "backup", ""}, {"other", "", "", ""}}, "/a"));
    CHECK(has_place({{"other", "repo1-path", "/a", ""}, {"demo", "repo1-type", "s3", ""}}, "/a"));
    CHECK_FALSE(has_place({path, {"", "repo1-path", "/b", ""}}, "/a"));
}

TEST_CASE("whether a repository is read over a network is known from the options in force") {
    const patroni_pgbackrest::Files files;
    Pgbackrest pgbackrest;
    pgbackrest.stanza = "demo";
    const auto reads = [&](const std::string& lines, std::optional<unsigned> repository = {}) {
        pgbackrest.configuration = files.write("pgbackrest.conf", lines);
        return reads_over_network(pgbackrest, "restore", repository);
    };
    CHECK_FALSE(reads("[global]\nrepo1-path=/r\nrepo1-type=posix\n[demo]\npg1-path=/d\npg1-host=other\n"));
    CHECK(reads("[global]\nrepo1-host=backup\n"));
    CHECK(reads("[demo]\nrepo1-type=s3\n"));
    CHECK(reads("[demo:restore]\nrepo1-type=sftp\n"));
    CHECK_FALSE(reads("[other]\nrepo1-host=backup\n"));
    CHECK_FALSE(reads("[global]\nrepo1-path=/r\n[global:archive-push]\nrepo1-type=s3\n"));
    CHECK_FALSE(reads("[global]\nrepo1-type=s3\n[demo]\nrepo1-type=cifs\n"));
    CHECK(reads("[global]\nrepo1-type=s3\n[demo]\nrepo1-type=posix\n[demo:restore]\nrepo1-type=gcs\n"));
    CHECK_FALSE(reads(""));
    const auto* two = "[global]\nrepo1-path=/r\nrepo2-type=azure\n";
    CHECK(reads(two));
    CHECK_FALSE(reads(two, 1));
    CHECK(reads(two, 2));
    {
        const patroni_pgbackrest::Variable variable("PGBACKREST_REPO2_TYPE", "posix");
        CHECK_FALSE(reads(two));
    }
    pgbackrest.common = {{"repo1-host", "backup"}};
    CHECK(reads("[global]\nrepo1-path=/r\n"));
}

TEST_CASE("a setuid program may be started by ssh, and by a script that is called as pgbackrest") {
    const patroni_pgbackrest::Files files;
    Pgbackrest pgbackrest;
    pgbackrest.program = "/bin/true";
    pgbackrest.stanza = "demo";
    const auto may = [&](const std::string& lines, std::optional<unsigned> repository = {}) {
        pgbackrest.configuration = files.write("pgbackrest.conf", lines);
        return may_need_privileges(pgbackrest, "restore", repository);
    };
    CHECK_FALSE(may("[global]\nrepo1-path=/r\n"));
    CHECK_FALSE(may("[global]\nrepo1-type=s3\n"));
    CHECK_FALSE(may("[global]\nrepo1-host=backup\nrepo1-host-type=tls\n"));
    CHECK(may("[global]\nrepo1-host=backup\n"));
    const auto* two = "[global]\nrepo1-path=/r\nrepo2-host=backup\nrepo2-host-type=ssh\n";
    CHECK(may(two));
    CHECK_FALSE(may(two, 1));
    CHECK(may(two, 2));
    const auto wrapper = files.write("wrapper", "#!/bin/sh\nexec sudo pgbackrest \"$@\"\n");
    std::filesystem::permissions(wrapper, std::filesystem::perms::owner_all);
    pgbackrest.program = wrapper.string();
    CHECK(may("[global]\nrepo1-path=/r\n"));
    pgbackrest.program = "/nonexistent";
    CHECK(may("[global]\nrepo1-path=/r\n"));
    using std::filesystem::perms;
    const auto program = files.path("pgbackrest");
    std::filesystem::copy_file("/bin/true", program);
    pgbackrest.program = program.string();
    CHECK_FALSE(may("[global]\nrepo1-path=/r\n"));
    for (const auto bit : {perms::set_uid, perms::set_gid}) {
        std::filesystem::permissions(program, perms::owner_all | bit);
        CHECK(may("[global]\nrepo1-path=/r\n"));
    }
    std::filesystem::permissions(program, perms::owner_all);
    CHECK_FALSE(may("[global]\nrepo1-path=/r\n"));
    // CAP_DAC_READ_SEARCH in a vfs_cap_data of linux/capability.h.
    constexpr std::array<unsigned char, 20> reads_all_files{0x01, 0, 0, 0x02, 0x04};
    const bool is_given =
        ::setxattr(program.c_str(), "security.capability", reads_all_files.data(), reads_all_files.size(), 0) == 0;
    CHECK(may("[global]\nrepo1-path=/r\n") == is_given);  // only root may
}
