#include "staging/reused_data.hpp"

#include "staging/staging.hpp"
#include "support/archives.hpp"
#include "support/catch.hpp"
#include "support/restore.hpp"

#include <fstream>
#include <functional>

using namespace patroni_pgbackrest;

namespace {

const Plan& plan_of_15() {
    static const auto plan = make_plan(request_for(), one_timeline());
    return plan;
}

/// One that can be reused; `day` of 1970 on which it was written to last.
DataBeside reusable(const fs::path& directory = "/pg/main.failed", std::int64_t day = 0) {
    DataBeside beside;
    beside.directory = directory;
    beside.has_patronis_name = true;
    beside.control = postgres::ControlFile{};
    beside.control->system_identifier = plan_of_15().database.system_identifier;
    beside.control->written_at = day * 86400;
    beside.major_version = 15;
    return beside;
}

std::string why_not(const std::function<void(DataBeside&)>& change) {
    auto beside = reusable();
    change(beside);
    return why_not_reused(beside, plan_of_15());
}

Strings lines_of(const std::vector<DataBeside>& found) {
    return choose_reused_data(found, plan_of_15(), "/pg/main").lines;
}

}  // namespace

TEST_CASE("a directory that is set aside is reused if it is of the cluster and nobody can need it") {
    CHECK(why_not([](DataBeside&) {}).empty());
    CHECK(why_not([](DataBeside& one) { one.has_patronis_name = false; }) ==
          "Patroni gives no such name, so somebody keeps it; name it with reuse-data if nobody needs it");
    CHECK(why_not([](DataBeside& one) { one.is_link = true; }) == "it is a symbolic link");
    CHECK(why_not([](DataBeside& one) { one.control.reset(); }) == "there is no pg_control in it");
    CHECK(why_not([](DataBeside& one) { one.control->system_identifier = "7"; }) ==
          "it belongs to another cluster (system identifier 7, not 7710953412442782829)");
    CHECK(why_not([](DataBeside& one) { one.major_version = 0; }) == "its PG_VERSION cannot be read");
    CHECK(why_not([](DataBeside& one) { one.major_version = 14; }) == "it is of PostgreSQL 14, and the backup of 15");
    CHECK(why_not([](DataBeside& one) { one.server = 4711; }) == "process 4711 of a PostgreSQL server works in it");
    CHECK(why_not([](DataBeside& one) { one.other_owner = "root"; }) == "it belongs to root");
    CHECK(why_not([](DataBeside& one) { one.has_journal = true; }) == "a restore into it has left its journal there");
    CHECK(why_not([](DataBeside& one) { one.why_it_stays = "it is elsewhere"; }) == "it is elsewhere");
    CHECK(why_not([](DataBeside& one) { one.obstacle = "pg_wal in it is a symbolic link"; }) ==
          "pg_wal in it is a symbolic link");
}

TEST_CASE("WAL that the archive does not have keeps a directory where it is, unless Patroni gave it up") {
    const auto with_wal = [](DataBeside& one) { one.only_copy = "the archive does not have its WAL segment 7"; };
    CHECK(why_not(with_wal) == "the archive does not have its WAL segment 7");
    CHECK(why_not([&](DataBeside& one) {
              with_wal(one);
              one.was_given_up = true;
          }).empty());
    SECTION("and that it was given up is reason enough for nothing else") {
        CHECK_FALSE(why_not([](DataBeside& one) {
                        one.was_given_up = true;
                        one.obstacle = "pg_wal in it is a symbolic link";
                    }).empty());
    }
}

TEST_CASE("of several directories the one that a server has written to last is taken") {
    const auto older = reusable("/pg/main_1970-01-02-00-00-00", 1);
    const auto newer = reusable("/pg/main_1970-01-03-00-00-00", 2);
    auto newest = reusable("/pg/main.failed", 3);
    const std::string takes_newer =
        "auto takes /pg/main_1970-01-03-00-00-00, which a server of this cluster wrote to last at 1970-01-03 00:00:00 "
        "UTC; the archive has all of its WAL";
    for (const auto& found : {std::vector{older, newer}, std::vector{newer, older}}) {
        const auto reused = choose_reused_data(found, plan_of_15(), "/pg/main");
        CHECK(reused.directory.value().string() == newer.directory.string());
        CHECK(reused.lines == Strings{"auto passes over /pg/main_1970-01-02-00-00-00: it is older", takes_newer});
    }
    SECTION("but for those that cannot be reused, each with the reason") {
        newest.server = 4711;
        CHECK(lines_of({older, newest, newer}) ==
              Strings{"auto passes over /pg/main.failed: process 4711 of a PostgreSQL server works in it",
                      "auto passes over /pg/main_1970-01-02-00-00-00: it is older", takes_newer});
    }
    SECTION("and in one second the one that is further in the WAL") {
        auto further = older;
        further.directory = "/pg/main.failed";
        further.control->redo = postgres::Lsn{7};
        CHECK(choose_reused_data({older, further}, plan_of_15(), "/pg/main").directory.value().string() ==
              "/pg/main.failed");
    }
    SECTION("and none where there is none") {
        newest.is_link = true;
        const std::string none = "auto finds nothing beside /pg/main that can be reused: everything is copied";
        CHECK(lines_of({}) == Strings{none});
        CHECK(lines_of({newest}) == Strings{"auto passes over /pg/main.failed: it is a symbolic link", none});
        CHECK_FALSE(choose_reused_data({newest}, plan_of_15(), "/pg/main").directory);
    }
}

namespace {

/// A lost node with old data directories beside an absent one.
struct LostNode : Restore {
    std::string identifier = plan.database.system_identifier;
    char timeline = 1;  ///< of a directory's latest checkpoint

    fs::path make(const std::string& name, const std::string& of) const {
        auto control = control_file(of);
        control.at(48) = timeline;
        files.write(name + "/global/pg_control", control);
        files.write(name + "/PG_VERSION", "15\n");
        fs::create_directories(files.path(name) / "pg_wal" / "archive_status");
        fs::create_directories(files.path(name) / "pg_tblspc");
        return files.path(name);
    }
    fs::path make(const std::string& name) const { return make(name, identifier); }
    ReusedData find(const Request& of) const {
        return find_reused_data(of, plan, one_timeline().archive.segments, choose_layout(data()));
    }
    ReusedData find() const { return find(request); }
    std::string none() const {
        return "auto finds nothing beside " + data().string() + " that can be reused: everything is copied";
    }
    /// What is said of the only one there is, which is passed over.
    std::string why_passed_over(const fs::path& directory) const {
        const auto reused = find();
        CHECK_FALSE(reused.directory);
        REQUIRE(reused.lines.size() == 2);
        CHECK(reused.lines.back() == none());
        const auto words = "auto passes over " + directory.string() + ": ";
        REQUIRE(reused.lines.front().starts_with(words));
        return reused.lines.front().substr(words.size());
    }
};

}  // namespace

TEST_CASE("what is set aside is found by its name beside the data directory") {
    const LostNode node;
    CHECK(node.find().lines == Strings{node.none()});
    node.files.write("data.conf/postgresql.conf", "");
    node.make("data.lost", "7");
    node.make("data2");
    node.make("other.failed");
    node.files.write("data_old", "a file");
    CHECK(node.find().lines == Strings{node.none()});

    SECTION("under either name that Patroni gives") {
        for (const char* name : {"data.failed", "data_2026-11-22-10-00-00"}) {
            const auto directory = node.make(name);
            const auto reused = node.find();
            CHECK(reused.directory.value().string() == directory.string());
            CHECK(reused.lines == Strings{"auto takes " + directory.string() +
                                          ", which a server of this cluster wrote to last at 1970-01-01 00:00:00 UTC; "
                                          "the archive has all of its WAL"});
            fs::remove_all(directory);
        }
    }
    SECTION("one of this cluster that a person moved away is told") {
        CHECK(node.why_passed_over(node.make("data.old")).starts_with("Patroni gives no such name"));
    }
    SECTION("another cluster's is passed over") {
        CHECK(node.why_passed_over(node.make("data.failed", "7")).starts_with("it belongs to another cluster"));
    }
    SECTION("and so is one that pgBackRest had not finished") {
        node.files.write("data.failed/PG_VERSION", "15\n");
        CHECK(node.why_passed_over(node.files.path("data.failed")) == "there is no pg_control in it");
    }
    SECTION("and a link, whatever lies behind it") {
        node.make("elsewhere");
        fs::create_directory_symlink("elsewhere", node.files.path("data.failed"));
        CHECK(node.why_passed_over(node.files.path("data.failed")) == "it is a symbolic link");
    }
}

TEST_CASE("of what is set aside nothing may lie elsewhere, nor anything be under way in it") {
    const LostNode node;
    const auto directory = node.make("data.failed");
    REQUIRE(node.find().directory);

    SECTION("a tablespace") {
        fs::create_directory_symlink(node.files.path(), directory / "pg_tblspc" / "16385");
        CHECK(node.why_passed_over(directory).starts_with("pg_tblspc/16385 in it is a symbolic link"));
    }
    SECTION("its WAL") {
        fs::rename(directory / "pg_wal", node.files.path("wal"));
        fs::create_directory_symlink(node.files.path("wal"), directory / "pg_wal");
        CHECK(node.why_passed_over(directory).starts_with("pg_wal in it is a symbolic link"));
    }
    SECTION("a file that somebody has under another name") {
        node.files.write("data.failed/base/5/1259", "rows");
        fs::create_hard_link(directory / "base" / "5" / "1259", node.files.path("kept"));
        CHECK(node.why_passed_over(directory).starts_with("base/5/1259 in it has another name elsewhere"));
    }
    SECTION("a file that this user cannot write to") {
        node.files.write("data.failed/server.key", "secret");
        fs::permissions(directory / "server.key", fs::perms::owner_read);
        CHECK(node.why_passed_over(directory) == "server.key in it is not to be written to");
    }
    SECTION("a file that a server has open which is not seen") {
        node.files.write("data.failed/base/5/1259", "rows");
        const std::ofstream writer(directory / "base" / "5" / "1259", std::ios::app);
        CHECK(node.why_passed_over(directory).starts_with("base/5/1259 in it is open for writing"));
    }
    SECTION("another version") {
        node.files.write("data.failed/PG_VERSION", "14\n");
        CHECK(node.why_passed_over(directory) == "it is of PostgreSQL 14, and the backup of 15");
    }
    SECTION("a restore of its own") {
        node.files.write("data.failed.restoring.d/journal.json", "{}");
        CHECK(node.why_passed_over(directory) == "a restore into it has left its journal there");
    }
    SECTION("a restore of its own that nobody can look for") {
        const auto workspace = node.files.path("data.failed.restoring.d");
        fs::create_symlink(workspace, workspace);
        CHECK(problems_of(ExitCode::system_refused, [&] { node.find(); }).front().message ==
              "cannot look at " + (workspace / "journal.json").string() + ": Too many levels of symbolic links");
    }
    SECTION("WAL that the archive does not have") {
        const auto write = [&](std::uint64_t number) {
            node.files.write("data.failed/pg_wal/" + segment(1, number), first_wal_page(node.identifier, 1, number));
            node.files.write("data.failed/pg_wal/archive_status/" + segment(1, number) + ".ready", "");
        };
        write(9);
        CHECK(node.find().directory);
        write(10);
        CHECK(node.why_passed_over(directory) == "the archive does not have its WAL segment " + segment(1, 10));
    }
    SECTION("WAL of a branch that the restore does not follow") {
        LostNode other;
        other.timeline = 2;
        CHECK(other.why_passed_over(other.make("data.failed")) ==
              "it was left on timeline 2 at 0/0, which the restore does not pass");
    }
    SECTION("WAL of which nobody can tell") {
        fs::remove_all(directory / "pg_wal");
        CHECK(node.why_passed_over(directory).starts_with("nobody knows whether the archive has its WAL: "));
    }
}

TEST_CASE("nothing is taken where the restore goes on with what is there") {
    const LostNode node;
    node.make("data.failed");
    node.interrupt(Phase::copying);
    const auto reused = node.find();
    CHECK_FALSE(reused.directory);
    CHECK(reused.lines ==
          Strings{"auto takes nothing: the restore goes on with " + node.files.path("data.restoring").string()});
}

TEST_CASE("what Patroni gave up is taken back with the same request, and reused with another one") {
    const Rejected restore;
    restore.set_aside();
    fs::remove(restore.directory / "pg_tblspc" / "16385");
    restore.files.write("data.failed/pg_wal/" + segment(1, 10),
                        first_wal_page(restore.plan.database.system_identifier, 1, 10));
    restore.files.write("data.failed/pg_wal/archive_status/" + segment(1, 10) + ".ready", "");
    const auto find = [&](const Request& request) {
        return find_reused_data(request, restore.plan, one_timeline().archive.segments, restore.layout);
    };
    CHECK(find(restore.request).lines ==
          Strings{"auto takes nothing: the restore goes on with " + restore.directory.string()});
    auto other = restore.request;
    other.target = {Immediate{}};
    const auto reused = find(other);
    CHECK(reused.directory.value().string() == restore.directory.string());
    REQUIRE(reused.lines.size() == 1);
    CHECK(reused.lines.front().ends_with("Patroni gave it up, so nobody needs what else is in it"));
    SECTION("but not once the journal that knows it is gone") {
        fs::remove_all(restore.files.path("data.restoring.d"));
        CHECK_FALSE(find(other).directory);
    }
}
