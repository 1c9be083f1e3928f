#include "plan/other_repositories.hpp"

#include "support/catch.hpp"

#include "support/forked.hpp"
#include "support/requests.hpp"
#include "unit/pgbackrest/fake.hpp"

#include <fmt/format.h>

using namespace patroni_pgbackrest;
using postgres::Timeline;

namespace {

constexpr const char* second_repository =
    R"json([{"archive":[{"database":{"id":2,"repo-key":2},"id":"15-2","max":"000000020000000000000005","min":"000000010000000000000002"}],"backup":[],
"cipher":"none","db":[{"id":1,"repo-key":2,"system-id":1111111111111111111,"version":"15"},
{"id":2,"repo-key":2,"system-id":7710953412442782829,"version":"15"}],
"name":"demo","repo":[{"cipher":"none","key":2,"status":{"code":2,"message":"no valid backups"}}],"status":{"code":2,"message":"no valid backups"}}]
)json";
constexpr const char* listing =
    R"json({".":{"type":"path"},"0000000100000000":{"type":"path"},"0000000300000000":{"type":"path"},
"00000002.history":{"type":"file","size":1,"time":1}})json";

std::vector<ArchiveElsewhere> asked(const Fake& fake, const Given& given,
                                    const std::string& configuration = "repo1-path=/x\nrepo2-path=/y\n") {
    fake.write("pgbackrest.conf", "[global]\n" + configuration);
    auto request = request_for(given);
    request.pgbackrest = fake.pgbackrest();
    request.pgbackrest.configuration = fake.directory.path() / "pgbackrest.conf";
    OtherRepositories others(request);
    return others.answer({"7710953412442782829", "15", true, {}, {}, {}});
}

}  // namespace

TEST_CASE("a repository that repo leaves out is asked for the cluster's timelines") {
    Fake fake;
    fake.write("info", second_repository);
    fake.write("archive_demo_15-2", listing);
    const auto found = asked(fake, {{"repo", "1"}});
    REQUIRE(found.size() == 1);
    CHECK(found[0].repository == 2);
    CHECK(found[0].path == "archive/demo/15-2");
    CHECK(found[0].last == "000000020000000000000005");
    CHECK(found[0].timelines == std::set<Timeline>{Timeline{1}, Timeline{2}, Timeline{3}});
    CHECK(found[0].histories == std::set<Timeline>{Timeline{2}});
}

TEST_CASE("another branch of the followed timeline's number is told") {
    using Texts = std::vector<std::string>;
    Fake fake;
    const postgres::TimelineHistory followed{Timeline{2}, {{Timeline{1}, postgres::Lsn{0x5000158}, "x"}}};
    const std::vector<ArchiveElsewhere> elsewhere = {{2, "archive/demo/15-2", "", {Timeline{2}}, {Timeline{2}}},
                                                     {3, "archive/demo/15-1", "", {Timeline{2}}, {}}};
    const auto told = [&](const std::string& text) {
        fake.write("archive_demo_15-2_00000002.history", text);
        return other_pasts(followed, elsewhere, fake.pgbackrest());
    };
    CHECK(told("1\t0/8000060\tno recovery target specified\n") ==
          Texts{"repo2 holds another branch as timeline 2: its 00000002.history says that timeline 1 was left at "
                "0/8000060, the one that is followed says that timeline 1 was left at 0/5000158"});
    CHECK(fake.calls().size() == 1);
    CHECK(told("1\t0/5000158\tno recovery target specified\n").empty());
    CHECK(told("not a history").empty());
    const Variable fail("FAKE_FAIL", "49");
    CHECK(told("") == Texts{"repo2 did not answer: whether its 00000002.history tells the same is not looked at"});
}

TEST_CASE("without repo no repository is left out") {
    Fake fake;
    CHECK(asked(fake, {}).empty());
    CHECK(fake.calls().empty());
}

TEST_CASE("other repositories that cannot be asked are none") {
    Fake fake;
    const Variable fail("FAKE_FAIL", "49");
    CHECK(asked(fake, {{"repo", "1"}}).empty());
}

TEST_CASE("a repository without the stanza, as one that is not mounted, is told") {
    const std::string warning =
        " WARNING: repo2 does not have stanza demo: whether timelines are known there that repo1 "
        "does not have is not looked at\n";
    const auto logged_for = [](const std::string& info) {
        Fake fake;
        fake.write("info", info);
        fake.write("archive_demo_15-2", listing);
        system::Forked process([&] {
            asked(fake, {{"repo", "1"}});
            return 0;
        });
        CHECK(process.wait() == 0);
        return process.errors();
    };
    for (const auto* const status : {R"json({"code":1,"message":"missing stanza path"})json",
                                     R"json({"code":3,"message":"missing stanza data"})json"}) {
        const auto info =
            fmt::format(R"json([{{"backup":[],"db":[],"name":"demo","repo":[{{"cipher":"none","key":2,)json"
                        R"json("status":{0}}}],"status":{0}}}])json",
                        status);
        CHECK(logged_for(info).find(warning) != std::string::npos);
    }
    CHECK(logged_for("[]").find(warning) != std::string::npos);
    CHECK(logged_for(second_repository).empty());
}

TEST_CASE("a repository that hangs takes no other's answer away") {
    Fake fake;
    fake.write("info", second_repository);
    fake.write("archive_demo_15-2", listing);
    const Variable hang("FAKE_HANG", "1");
    const Variable only("FAKE_ONLY", "*--repo=3*");
    const auto found = asked(fake, {{"repo", "1"}}, "repo1-path=/x\nrepo2-path=/y\nrepo3-host=away\n");
    REQUIRE(found.size() == 1);
    CHECK(found[0].repository == 2);
}

TEST_CASE("a number that only options of other commands have is no repository") {
    Fake fake;
    const Variable fail("FAKE_FAIL", "32");
    CHECK(asked(fake, {{"repo", "1"}}, "repo1-path=/x\nrepo2-retention-full=2\n").empty());
    CHECK(fake.calls().size() == 1);
}
