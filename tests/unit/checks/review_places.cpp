#include "checks/review_places.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

#include "checks/checks.hpp"

#include <cstdlib>
#include <unistd.h>

using namespace patroni_pgbackrest;

namespace {

constexpr unsigned ours = 26;
constexpr unsigned theirs = 1000;

Layout beside_it() {
    Layout layout;
    layout.data_directory = "/srv/data";
    layout.staging = "/srv/data.restoring";
    return layout;
}

Layout within() {
    auto layout = beside_it();
    layout.staging = "/srv/data/.restoring";
    layout.inside = true;
    return layout;
}

PlaceFacts absent() {
    PlaceFacts seen;
    seen.user = ours;
    seen.parent = "/srv";
    seen.parent_is_writable = true;
    return seen;
}

PlaceFacts there(unsigned owner) {
    auto seen = absent();
    seen.exists = true;
    seen.owner = owner;
    seen.is_writable = true;
    return seen;
}

/// What is wrong; empty if nothing is.
std::string message(const Layout& layout, const PlaceFacts& seen) {
    const auto findings = review_place(layout, seen);
    if (findings.empty()) {
        return {};
    }
    CHECK(findings.size() == 1);
    CHECK(is_error(findings.front()));
    CHECK_FALSE(findings.front().problem.hint.empty());
    return findings.front().problem.message;
}

const std::string not_owned =
    "data directory /srv/data belongs to another user, and PostgreSQL starts only as its owner";

}  // namespace

TEST_CASE("a directory that stays in its place must be ours") {
    CHECK(message(within(), there(ours)).empty());
    CHECK(message(within(), there(theirs)) == not_owned);
    auto with_dotfiles = there(theirs);
    with_dotfiles.has_entries = true;
    CHECK(message(beside_it(), with_dotfiles) == not_owned);
    auto read_only = there(ours);
    read_only.is_writable = false;
    CHECK(message(within(), read_only) == "data directory /srv/data cannot be written by this user, who owns it");
}

TEST_CASE("an empty directory of somebody else is replaced, unless it is in a sticky one") {
    CHECK(message(beside_it(), there(theirs)).empty());
    auto sticky = there(theirs);
    sticky.parent_is_sticky = true;
    sticky.parent_owner = 0;
    CHECK(message(beside_it(), sticky) == not_owned);
    sticky.parent_owner = ours;
    CHECK(message(beside_it(), sticky).empty());
    sticky = there(ours);
    sticky.parent_is_sticky = true;
    CHECK(message(beside_it(), sticky).empty());
}

TEST_CASE("a directory that is not there needs the right to make it") {
    CHECK(message(beside_it(), absent()).empty());
    auto closed = absent();
    closed.parent_is_writable = false;
    CHECK(message(beside_it(), closed) == "data directory /srv/data cannot be made: this user may not write to /srv");
    CHECK(review_place(beside_it(), closed).front().problem.hint.ends_with(" /srv/data"));
    // It is filled then.
    auto filled = there(ours);
    filled.parent_is_writable = false;
    CHECK(message(within(), filled).empty());
}

TEST_CASE("root sees what is not its own, and need not be told") {
    auto seen = there(theirs);
    seen.user = 0;
    CHECK(message(within(), seen).empty());
}

TEST_CASE("a place is looked at from its nearest parent") {
    const Files files;
    Layout layout;
    layout.data_directory = files.path("a/b/data");
    auto seen = look_at_place(layout);
    CHECK_FALSE(seen.exists);
    CHECK(seen.parent == files.path());
    CHECK(seen.parent_is_writable);
    CHECK(seen.parent_owner == ::geteuid());
    files.write("a/b/data/.snapshot", "");
    seen = look_at_place(layout);
    CHECK(seen.exists);
    CHECK(seen.has_entries);
    CHECK(seen.owner == ::geteuid());
}

TEST_CASE("a place for temporary directories is tried out, and left as it was") {
    const Files files;
    const std::string before = std::getenv("TMPDIR") != nullptr ? std::getenv("TMPDIR") : "/tmp";
    ::setenv("TMPDIR", files.path().c_str(), 1);
    CHECK(review_temporary_directory().empty());
    CHECK(std::filesystem::is_empty(files.path()));
    ::setenv("TMPDIR", "/nowhere", 1);
    const auto findings = review_temporary_directory();
    REQUIRE(findings.size() == 1);
    CHECK(findings.front().problem.message.starts_with("cannot make /nowhere/ppb."));
    CHECK(findings.front().problem.hint.find("TMPDIR") != std::string::npos);
    ::setenv("TMPDIR", ("/" + std::string(80, 'x')).c_str(), 1);
    CHECK(review_temporary_directory().empty());
    ::setenv("TMPDIR", before.c_str(), 1);
}

TEST_CASE("what is restored to a place in the data directory, or in what is beside it, is found before the copy") {
    using Kind = pgbackrest::BackupTarget::Kind;
    auto layout = beside_it();
    layout.workspace = "/srv/data.restoring.d";
    const auto found = [&](Kind kind, const std::string& place) {
        const auto findings = review_targets(layout, {{kind, "pg_tblspc/16385", place}});
        return findings.empty() ? std::string() : findings.front().problem.message;
    };
    CHECK(found(Kind::tablespace, "/srv/data/space") ==
          "a tablespace would be restored to /srv/data/space, which lies in /srv/data");
    CHECK(found(Kind::link, "/srv/data/wal/here") ==
          "what a link leads to would be restored to /srv/data/wal/here, which lies in /srv/data");
    for (const std::string inside : {"/srv/data", "/srv/data/", "/srv/data.restoring/x", "/srv/data.restoring.d/x"}) {
        INFO(inside);
        CHECK_FALSE(found(Kind::tablespace, inside).empty());
    }
    for (const std::string outside : {"/srv", "/srv/data2", "/srv/data.restoring2/x", "/srv/space/srv/data", "/"}) {
        INFO(outside);
        CHECK(found(Kind::tablespace, outside).empty());
    }
    const auto findings = review_targets(layout, {{Kind::tablespace, "pg_tblspc/1", "/srv/data/a"},
                                                  {Kind::tablespace, "pg_tblspc/2", "/srv/b"},
                                                  {Kind::link, "pg_data/pg_wal", "/srv/data/c"}});
    REQUIRE(findings.size() == 2);
    CHECK(has_error(findings));
    CHECK(findings[0].problem.hint == "give it a place outside of the data directory with tablespace-map");
    CHECK(findings[1].problem.hint == "give it a place outside of the data directory with link-map");
}

TEST_CASE("a place that comes into the data directory by a symbolic link is found, too") {
    const Files files;
    std::filesystem::create_directories(files.path("real/data"));
    std::filesystem::create_directory_symlink("real", files.path("linked"));
    auto layout = choose_layout(files.path("linked/data"));
    const auto place = files.path("linked/data/not/there");
    const auto findings =
        review_targets(layout, {{pgbackrest::BackupTarget::Kind::tablespace, "pg_tblspc/16385", place}});
    REQUIRE(findings.size() == 1);
    CHECK(findings.front().problem.message ==
          "a tablespace would be restored to " + place.string() + ", which lies in " + layout.data_directory.string());
}
