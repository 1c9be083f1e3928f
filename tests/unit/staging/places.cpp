#include "staging/places.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"
#include "support/restore.hpp"
#include "system/file.hpp"
#include "system/in_root.hpp"

#include <csignal>
#include <functional>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace patroni_pgbackrest;

namespace {

/// Another directory lies there now, as after a mount, with somebody's tablespace in it.
void exchange(const Restore& restore, const std::string& name, const std::string& version) {
    fs::rename(restore.files.path(name), restore.files.path("hidden by the mount"));
    restore.files.write(name + "/" + version + "/x", "somebody's");
}

/// Looks like a postmaster of that data directory, as long as this lives.
class Postmaster {
  public:
    explicit Postmaster(
        const std::string& data_directory, const std::function<bool()>& prepare = [] { return true; })
        : pid_(::fork()) {
        if (pid_ == 0) {
            if (prepare() && ::chdir(data_directory.c_str()) == 0) {
                ::execl("/bin/sleep", "postgres", "60", nullptr);
            }
            ::_exit(1);
        }
    }
    Postmaster(const Postmaster&) = delete;
    Postmaster& operator=(const Postmaster&) = delete;
    ~Postmaster() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    /// Until it has become sleep.
    static bool waits_for(const std::string& place) {
        for (int tries = 0; tries < 10'000 && !server_with_place(place); ++tries) {
            ::usleep(1000);
        }
        return server_with_place(place).has_value();
    }

  private:
    pid_t pid_;
};

/// A tablespace with something in it, known as the restore's own, and a data directory that has it.
struct Tablespace {
    Files files;
    std::string place = files.path("ts1");
    fs::path data = files.path("data");
    Places places;

    Tablespace() {
        files.write("ts1/PG_15_1/x", "restored");
        fs::create_directories(data / "pg_tblspc");
        fs::create_symlink(place, data / "pg_tblspc/16400");
        places = Places({place}, {{place, system::birth_of(place).value()}});
    }
};

}  // namespace

TEST_CASE("places are as they were left while each link leads to the same directory with something in it") {
    const Tablespace tablespace;
    const auto& data = tablespace.data;
    const auto& places = tablespace.places;
    CHECK(are_as_linked(places, data));
    SECTION("not emptied") {
        fs::remove_all(tablespace.files.path("ts1/PG_15_1"));
        CHECK_FALSE(are_as_linked(places, data));
    }
    SECTION("not gone") {
        fs::remove_all(tablespace.place);
        CHECK_FALSE(are_as_linked(places, data));
    }
    SECTION("not another one") {
        CHECK_FALSE(are_as_linked(Places({tablespace.place}, {{tablespace.place, "9 9.000000009"}}), data));
    }
}

TEST_CASE("tablespaces that nobody can look for are not taken for none") {
    const Tablespace tablespace;
    const auto links = tablespace.data / "pg_tblspc";
    fs::remove_all(links);
    fs::create_symlink(links, links);
    CHECK(problems_of(ExitCode::system_refused, [&] { are_as_linked(tablespace.places, tablespace.data); })
              .front()
              .message == "cannot look for links in " + links.string() + ": Too many levels of symbolic links");
    CHECK(visible_links_of(tablespace.data) == std::vector<fs::path>{links});
    CHECK(links_of(tablespace.files.path("absent")).empty());
}

TEST_CASE("a place of an earlier try is not ours while a server has it") {
    Tablespace tablespace;
    const auto& place = tablespace.place;
    auto& places = tablespace.places;
    {
        const Postmaster server(tablespace.data);
        REQUIRE(Postmaster::waits_for(place));
        const auto problems = problems_of(ExitCode::unsafe, [&] { places.claim({place}); });
        REQUIRE(problems.size() == 1);
        CHECK(problems.front().message.starts_with(place + " was filled by an earlier try, and process "));
    }
    CHECK_NOTHROW(places.claim({place}));
}

TEST_CASE("a server in a container is known by what its links lead to there") {
    Tablespace tablespace;
    const auto elsewhere = tablespace.files.path("elsewhere");
    fs::create_directory(elsewhere);
    fs::remove(tablespace.data / "pg_tblspc/16400");
    fs::create_symlink(elsewhere, tablespace.data / "pg_tblspc/16400");
    const auto is_mounted_there = [&] {
        return ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
               ::mount(tablespace.place.c_str(), elsewhere.c_str(), nullptr, MS_BIND, nullptr) == 0;
    };
    if (system::leads_there_in("/", "/", "/") == system::LeadsThere::unknown ||
        system::Forked([&] { return is_mounted_there() ? 0 : 1; }).wait() != 0) {
        WARN("no namespace can be made here, or the kernel is older than 5.6");
        return;
    }
    const Postmaster server(tablespace.data, is_mounted_there);
    CHECK(Postmaster::waits_for(tablespace.place));
    CHECK_FALSE(server_with_place(elsewhere));
}

TEST_CASE("a list of places has each path once, with the directory that lay there") {
    const Files files;
    fs::create_directory(files.path("ts1"));
    const std::string ts1 = files.path("ts1"), ts2 = files.path("ts2");
    const auto birth = system::birth_of(ts1).value();
    Places places({ts1, ts2, ts1}, {{ts2, "7 8.000000009"}, {"/elsewhere", "7 8.000000009"}});
    CHECK(places.paths() == std::vector<std::string>{ts1, ts2});
    CHECK(places.births() == std::map<std::string, std::string>{{ts2, "7 8.000000009"}});
    CHECK(places.owned().paths().empty());

    SECTION("which is noted when it is there, and stays") {
        places.note_births();
        CHECK(places.births() == std::map<std::string, std::string>{{ts1, birth}, {ts2, "7 8.000000009"}});
        CHECK(places.owned().paths() == std::vector<std::string>{ts1});
    }
    SECTION("and what others know of it counts") {
        places.add(Places({ts2, "/more"}, {{ts2, "9 9.000000009"}}));
        CHECK(places == Places({ts1, ts2, "/more"}, {{ts2, "9 9.000000009"}}));
    }
    SECTION("but only of those that are still there when they are to be owned") {
        places.add(Places({ts2, "/more", ts1}, {{ts2, "9 9.000000009"}, {ts1, birth}}).owned());
        CHECK(places == Places({ts1, ts2}, {{ts1, birth}, {ts2, "7 8.000000009"}}));
    }
    SECTION("and is forgotten when a restore claims another directory, or an absent one") {
        places.claim({ts2, files.path("ts3")});
        CHECK(places == Places({ts2, files.path("ts3")}));
    }
    SECTION("and one that was never there is not ours when something lies there later") {
        places = Places({ts1, ts2});
        CHECK_NOTHROW(places.claim({ts1, ts2}));
        files.write("ts1/x", "somebody's");
        files.write("ts2/x", "somebody's");
        for (const auto& place : {ts1, ts2}) {
            CHECK(problems_of(ExitCode::unsafe, [&] { places.claim({place}); }).front().message ==
                  place + " is not empty, and the backup has a tablespace or a link there");
        }
    }
    SECTION("nor is it noted when another place is claimed meanwhile") {
        places = Places({ts1, ts2});
        places.claim({ts2});
        places.note_births();
        files.write("ts1/x", "somebody's");
        CHECK(places == Places({ts2}));
        CHECK(problems_of(ExitCode::unsafe, [&] { places.claim({ts1}); }).size() == 1);
    }
    SECTION("nor is one kept whose directory is not seen any more, on a disk that has died") {
        places = Places({ts1, ts2}, {{ts1, birth}, {ts2, "7 8.000000009"}});
        places.claim({files.path("ts3")});
        CHECK(places == Places({ts1, files.path("ts3")}, {{ts1, birth}}));
    }
    SECTION("but a known file, which has no birth, is ours") {
        files.write("ts3", "of the backup");
        places = Places({files.path("ts3")});
        places.claim({ts1});
        places.claim({files.path("ts3")});
        CHECK(places == Places({files.path("ts3")}));
    }
    SECTION("and a refused claim changes nothing") {
        files.write("ts2/x", "somebody's");
        const auto before = places;
        CHECK(problems_of(ExitCode::unsafe, [&] { places.claim({files.path("ts3"), ts2}); }).size() == 1);
        CHECK(places == before);
    }
    SECTION("and a cleared list has none") {
        places.clear();
        CHECK(places == Places());
    }
}

TEST_CASE("what a directory's links lead to is listed as it is now") {
    const Files files;
    fs::create_directory(files.path("ts1"));
    fs::create_directories(files.path("data/pg_tblspc"));
    fs::create_directory_symlink("../../ts1", files.path("data/pg_tblspc/16385"));
    fs::create_symlink(files.path("absent"), files.path("data/pg_wal"));
    const auto places = linked_places(files.path("data"));
    CHECK(places.paths().size() == 2);
    CHECK(places.births() ==
          std::map<std::string, std::string>{{files.path("ts1"), system::birth_of(files.path("ts1")).value()}});
}

TEST_CASE("mounts are told apart where those of all places are") {
    const Files files;
    const std::string place = files.path("ts1").string();
    const bool is_told = !system::file_system_instance(files.path("data")).empty();
    CHECK(tells_mounts_apart(files.path("data")) == is_told);
    CHECK(tells_mounts_apart(files.path("data"), Places({place})) == is_told);
    CHECK_FALSE(tells_mounts_apart(files.path("data"), Places(std::vector<std::string>{place, "/proc"})));
    CHECK_FALSE(tells_mounts_apart("/proc"));
}

TEST_CASE("a tablespace's or a link's target that holds anything is refused before the first copy") {
    const Restore restore;
    restore.files.write("ts1/somebody's", "x");
    fs::create_directory(restore.files.path("ts2"));
    StagingDirectory staging(restore.request);
    const std::vector<fs::path> outside{restore.files.path("ts2"), restore.files.path("ts1")};
    CHECK(
        problems_of(ExitCode::unsafe, [&] { staging.begin_copy(restore.request, restore.plan, outside); }) ==
        Problems{{restore.files.path("ts1").string() + " is not empty, and the backup has a tablespace or a link there",
                  "move what is in it away, or give the restore another place with tablespace-map or link-map"}});
    CHECK_FALSE(is_there(staging.layout().journal()));
    CHECK_FALSE(is_there(staging.path()));
    CHECK(restore.files.read("ts1/somebody's") == "x");
}

TEST_CASE("a tablespace's target that an earlier run of ours filled is continued, a new one is not") {
    const Restore restore;
    fs::create_directory(restore.files.path("ts1"));
    restore.interrupt(Phase::copying, {restore.files.path("ts1")});
    restore.files.write("ts1/PG_15/x", "half");
    restore.files.write("ts2/x", "x");
    StagingDirectory next(restore.request);
    next.begin_copy(restore.request, restore.plan, {restore.files.path("ts1")});
    CHECK(restore.files.read("ts1/PG_15/x") == "half");
    CHECK(problems_of(ExitCode::unsafe, [&] {
              next.begin_copy(restore.request, restore.plan, {restore.files.path("ts1"), restore.files.path("ts2")});
          }).size() == 1);
}

TEST_CASE("a tablespace's target is not ours any more when something else is mounted there") {
    const Restore restore;
    const auto place = restore.files.path("ts1");
    fs::create_directory(place);
    restore.interrupt(Phase::copying, {place});
    exchange(restore, "ts1", "PG_15");
    StagingDirectory next(restore.request);
    CHECK(problems_of(ExitCode::unsafe, [&] { next.begin_copy(restore.request, restore.plan, {place}); })
              .front()
              .message == place.string() + " is not empty, and the backup has a tablespace or a link there");
    fs::remove_all(place / "PG_15");
    next.begin_copy(restore.request, restore.plan, {place});
    restore.files.write("ts1/PG_15/x", "half");
    next.begin_copy(restore.request, restore.plan, {place});
    CHECK(restore.files.read("ts1/PG_15/x") == "half");
}

TEST_CASE("a directory that the copy makes is known before the copy fills it") {
    const Restore restore;
    const auto place = restore.files.path("ts1");
    {
        StagingDirectory staging(restore.request);
        staging.begin_copy(restore.request, restore.plan, {place});
        CHECK(Journal::read(staging.layout().journal())->places == Places({place}));
        fs::create_directory(place);
        staging.note_places({place});
        CHECK(Journal::read(staging.layout().journal())->places.owned().paths() == std::vector<std::string>{place});
        CHECK(Journal::read(staging.layout().journal())->phase == Phase::copying);
    }
    SECTION("and is gone on with") {
        restore.files.write("ts1/PG_15/x", "half");
        StagingDirectory(restore.request).begin_copy(restore.request, restore.plan, {place});
        CHECK(restore.files.read("ts1/PG_15/x") == "half");
    }
    SECTION("and the disk that is mounted there later is somebody's") {
        exchange(restore, "ts1", "PG_15");
        StagingDirectory next(restore.request);
        CHECK(problems_of(ExitCode::unsafe, [&] { next.begin_copy(restore.request, restore.plan, {place}); }).size() ==
              1);
    }
}

TEST_CASE("a disk that is mounted while the copy begins is somebody's") {
    const Restore restore;
    StagingDirectory staging(restore.request);
    staging.begin_copy(restore.request, restore.plan, {restore.files.path("ts1")});
    restore.files.write("ts1/PG_15/x", "somebody's");
    CHECK(problems_of(ExitCode::unsafe, [&] { staging.note_places({restore.files.path("ts1")}); }).size() == 1);
    CHECK(Journal::read(staging.layout().journal())->places.owned().paths().empty());
}

TEST_CASE("what was handed over belongs to its cluster, the tablespaces too") {
    const Restore restore;
    restore.interrupt(Phase::handed_over, {restore.files.path("ts1")});
    fs::remove_all(restore.files.path("data.restoring"));
    restore.files.write("ts1/PG_15/x", "in use");
    StagingDirectory next(restore.request);
    CHECK_FALSE(next.earlier());
    CHECK(problems_of(ExitCode::unsafe, [&] {
              next.begin_copy(restore.request, restore.plan, {restore.files.path("ts1")});
          }).size() == 1);
}

TEST_CASE("the boot has an identifier that stays while the machine runs") {
    CHECK(boot_of("/proc").size() == 36);
    CHECK(boot_of("/tmp", Places({"/tmp"})) == boot_of("/tmp"));
}

TEST_CASE("what a replay made is the journal's own, and is emptied before another copy") {
    const Restore restore;
    const auto restored = restore.files.path("ts1"), made = restore.files.path("made");
    fs::create_directory(restored);
    restore.interrupt(Phase::replaying, {restored});
    restore.files.write("ts1/PG_15/x", "half");
    restore.files.write("made/PG_15_202209061/x", "of the WAL");
    restore.files.write("made/lost+found/x", "");
    note_made_place(restore.files.path("data.restoring"), made);
    StagingDirectory next(restore.request);
    next.begin_copy(restore.request, restore.plan, {restored});
    CHECK(restore.files.read("ts1/PG_15/x") == "half");
    CHECK_FALSE(is_there(made / "PG_15_202209061"));
    CHECK(is_there(made / "lost+found" / "x"));
    CHECK(made_places(next.path()).paths().empty());
    CHECK(next.journal().places.owned().paths() == std::vector<std::string>{restored.string(), made.string()});
}

TEST_CASE("a place that was exchanged since is not emptied") {
    const Restore restore;
    const auto made = restore.files.path("made");
    fs::create_directory(made);
    restore.interrupt(Phase::replaying, {made});
    exchange(restore, "made", "PG_15_202209061");
    StagingDirectory next(restore.request);
    next.begin_copy(restore.request, restore.plan, {});
    CHECK(restore.files.read("made/PG_15_202209061/x") == "somebody's");
    CHECK(next.journal().places.owned().paths().empty());
}

TEST_CASE("a noted place that is another directory now is somebody's") {
    const Restore restore;
    const auto made = restore.files.path("made");
    fs::create_directory(made);
    restore.interrupt(Phase::replaying);
    note_made_place(restore.files.path("data.restoring"), made);
    exchange(restore, "made", "PG_15_202209061");
    StagingDirectory next(restore.request);
    next.begin_copy(restore.request, restore.plan, {});
    CHECK(restore.files.read("made/PG_15_202209061/x") == "somebody's");
    CHECK(next.journal().places.paths().empty());
}
