#include "pgbackrest/configured_spool.hpp"

#include "support/catch.hpp"
#include "system/failure.hpp"

#include "fake.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::pgbackrest;
namespace fs = std::filesystem;

namespace {

struct Configured {
    explicit Configured(const std::string& text) {
        fake.write("a.conf", text);
        pgbackrest.configuration = fake.directory.path() / "a.conf";
        pgbackrest.stanza = "demo";
    }

    Fake fake;
    Pgbackrest pgbackrest;
};

}  // namespace

TEST_CASE("the spool is the one of archive-get and that of archive-push") {
    const std::set<fs::path> standard{"/var/spool/pgbackrest/archive/demo/in",
                                      "/var/spool/pgbackrest/archive/demo/out"};
    CHECK(configured_spools(Configured("[global]\n").pgbackrest) == standard);
    CHECK(configured_spools(Configured("[other]\nspool-path=/a\n[global:restore]\nspool-path=/b\n").pgbackrest) ==
          standard);
    const Configured two("[global]\nspool-path=/a\n[demo:archive-push]\nspool-path=/b\n");
    CHECK(configured_spools(two.pgbackrest) ==
          std::set<fs::path>{"/a/archive/demo/in", "/a/archive/demo/out", "/b/archive/demo/in", "/b/archive/demo/out"});
    const Variable variable("PGBACKREST_SPOOL_PATH", "/c");
    CHECK(configured_spools(two.pgbackrest) == std::set<fs::path>{"/c/archive/demo/in", "/c/archive/demo/out"});
    ArchiveCommand command;
    command.variables = {{"PGBACKREST_SPOOL_PATH", ""}};
    CHECK(configured_spools(two.pgbackrest, command) ==
          std::set<fs::path>{"/a/archive/demo/in", "/a/archive/demo/out", "/b/archive/demo/in", "/b/archive/demo/out",
                             "/c/archive/demo/in", "/c/archive/demo/out"});
}

TEST_CASE("what archive-get has fetched ahead lies where spool-path is in force for it") {
    CHECK(configured_incoming(Configured("[global]\n").pgbackrest).string() == "/var/spool/pgbackrest/archive/demo/in");
    const Configured two("[global]\nspool-path=/a\n[demo:archive-push]\nspool-path=/b\n");
    CHECK(configured_incoming(two.pgbackrest).string() == "/a/archive/demo/in");
    const auto spool = two.fake.directory.path() / "spool";
    for (const char* directory : {"in", "out"}) {
        fs::create_directories(spool / directory);
        std::ofstream(spool / directory / "000000010000000000000002") << "ahead";
        empty_incoming(spool / directory);
    }
    CHECK(fs::is_empty(spool / "in"));
    CHECK_FALSE(fs::is_empty(spool / "out"));
    empty_incoming(spool / "absent" / "in");
    empty_incoming({});
}

TEST_CASE("what lies in the stanza's in and out is removed, and nothing else") {
    const Configured configured("");
    const auto spool = configured.fake.directory.path() / "spool";
    const Variable variable("PGBACKREST_SPOOL_PATH", spool);
    empty_configured_spools(configured.pgbackrest);  // it need not be there
    for (const char* stanza : {"demo", "other"}) {
        for (const char* directory : {"in", "out", "more"}) {
            fs::create_directories(spool / "archive" / stanza / directory);
            std::ofstream(spool / "archive" / stanza / directory / "00000002.history.ok") << "\n";
        }
    }
    empty_configured_spools(configured.pgbackrest);
    const auto left = [&](const std::string& directory) { return !fs::is_empty(spool / "archive" / directory); };
    CHECK_FALSE(left("demo/in"));
    CHECK_FALSE(left("demo/out"));
    CHECK(left("demo/more"));
    CHECK(left("other/in"));
    CHECK(left("other/out"));
}

TEST_CASE("the spools of the stanzas that the archive_command names are the restored cluster's as well") {
    const Configured configured("[global]\nspool-path=/a\n[clone:archive-push]\nspool-path=/b\n");
    const std::set<fs::path> own{"/a/archive/demo/in", "/a/archive/demo/out"};
    const auto with_own = [&](std::set<fs::path> more) {
        more.insert(own.begin(), own.end());
        return more;
    };
    CHECK(configured_spools(configured.pgbackrest, {{"clone"}, {}}) ==
          with_own({"/a/archive/clone/in", "/a/archive/clone/out", "/b/archive/clone/in", "/b/archive/clone/out"}));
    CHECK(configured_spools(configured.pgbackrest, {{"other", "demo"}, {"/c"}}) ==
          with_own({"/a/archive/other/in", "/a/archive/other/out", "/c/archive/other/in", "/c/archive/other/out",
                    "/c/archive/demo/in", "/c/archive/demo/out"}));
    CHECK(configured_spools(configured.pgbackrest, {{"$STANZA", "", "../demo"}, {"$SPOOL"}}) == own);
}

TEST_CASE("the spool is the one of the configuration that the archive_command reads as well") {
    const Configured configured("[global]\nspool-path=/a\n");
    const auto file = [&](const std::string& name, const std::string& spool) {
        configured.fake.write(name, "[global]\nspool-path=" + spool + "\n");
        return (configured.fake.directory.path() / name).string();
    };
    const auto spools = [&](const ArchiveCommand& command) {
        std::set<std::string> found;
        for (const auto& directory : configured_spools(configured.pgbackrest, command)) {
            found.insert(directory.parent_path().string());
        }
        return found;
    };
    ArchiveCommand command;
    command.is_run = true;
    const Variable variable("PGBACKREST_CONFIG", file("own.conf", "/b"));
    CHECK(spools(command) == std::set<std::string>{"/a/archive/demo", "/b/archive/demo"});  // it names none
    command.variables["PGBACKREST_CONFIG"] = file("of-patroni.conf", "/c");
    CHECK(spools(command) == std::set<std::string>{"/a/archive/demo", "/b/archive/demo", "/c/archive/demo"});
    command.variables.clear();
    command.configuration = {{"config", file("named.conf", "/d")}};
    command.stanzas = {"clone"};
    CHECK(spools(command) == std::set<std::string>{"/a/archive/clone", "/a/archive/demo", "/d/archive/clone"});
    command.spool_paths = {"/e"};
    CHECK(spools(command) ==
          std::set<std::string>{"/a/archive/clone", "/a/archive/demo", "/d/archive/clone", "/e/archive/clone"});
}

TEST_CASE("a configuration of the archive_command that cannot be read leaves no other spool as it is") {
    const Configured configured("");
    const auto spool = configured.fake.directory.path() / "spool";
    configured.fake.write("a.conf", "[global]\nspool-path=" + spool.string() + "\n");
    fs::create_directories(spool / "archive" / "demo" / "out");
    std::ofstream(spool / "archive" / "demo" / "out" / "00000002.history.ok") << "\n";
    ArchiveCommand command;
    command.is_run = true;
    command.configuration = {{"config", (configured.fake.directory.path() / "absent.conf").string()}};
    CHECK_THROWS_AS(configured_spools(configured.pgbackrest, command), Failure);
    empty_configured_spools(configured.pgbackrest, command);
    CHECK(fs::is_empty(spool / "archive" / "demo" / "out"));
}

TEST_CASE("an acknowledgement that a clone before left is removed") {
    const Configured configured("");
    const auto spool = configured.fake.directory.path() / "spool";
    const Variable variable("PGBACKREST_SPOOL_PATH", spool);
    for (const char* stanza : {"clone", "other"}) {
        fs::create_directories(spool / "archive" / stanza / "out");
        std::ofstream(spool / "archive" / stanza / "out" / "00000002.history.ok") << "\n";
    }
    empty_configured_spools(configured.pgbackrest, {{"clone"}, {}});
    CHECK(fs::is_empty(spool / "archive" / "clone" / "out"));
    CHECK_FALSE(fs::is_empty(spool / "archive" / "other" / "out"));
}
