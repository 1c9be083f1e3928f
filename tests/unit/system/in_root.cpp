#include "system/in_root.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/forked.hpp"

#include <filesystem>
#include <string>
#include <utility>

using namespace patroni_pgbackrest;
using system::leads_there_in;
using system::LeadsThere;
namespace fs = std::filesystem;

TEST_CASE("an absolute link leads on from the root of the process that has it") {
    const Files files;
    if (leads_there_in("/", "/", "/") == LeadsThere::unknown) {
        WARN("no openat2 can be called here");
        return;
    }
    const auto root = files.path("root"), place = files.path("root/disk/space"), ours = files.path("ours");
    fs::create_directories(place);
    fs::create_directory(ours);
    fs::create_symlink("/disk", root / "srv");
    fs::create_symlink("/srv/space", root / "space");
    fs::create_symlink(ours, root / "out");
    fs::create_symlink("../../disk", root / "up");
    fs::create_symlink("/round", root / "round");

    CHECK(leads_there_in(root, "/disk/space", place) == LeadsThere::yes);
    CHECK(leads_there_in(root, "/srv/space", place) == LeadsThere::yes);
    CHECK(leads_there_in(root, "/space", place) == LeadsThere::yes);
    CHECK(leads_there_in(root, "/space/..", files.path("root/disk")) == LeadsThere::yes);
    CHECK(leads_there_in(root, "/up/space", place) == LeadsThere::yes);
    SECTION("and never to what has that path here") {
        CHECK(leads_there_in(root, "/out", ours) == LeadsThere::no);
        CHECK(leads_there_in(root, ours, ours) == LeadsThere::no);
        fs::create_directories(root / ours.relative_path());
        CHECK(leads_there_in(root, "/out", ours) == LeadsThere::no);
        CHECK(leads_there_in(root, "/out", root / ours.relative_path()) == LeadsThere::yes);
    }
    SECTION("and what leads nowhere is no place") {
        CHECK(leads_there_in(root, "/round", place) == LeadsThere::no);
        CHECK(leads_there_in(root, "/absent", place) == LeadsThere::no);
        CHECK(leads_there_in(files.path("gone"), "/disk/space", place) == LeadsThere::no);
        CHECK(leads_there_in(root, "/disk/space", files.path("gone")) == LeadsThere::no);
    }
}

TEST_CASE("what cannot be looked at for want of descriptors is not said to lead elsewhere") {
    const auto errors_with = [](unsigned more) {
        system::Forked process([more] {
            if (!system::leave_descriptors(more)) {
                return 99;
            }
            return leads_there_in("/", "/proc", "/proc") == LeadsThere::unknown ? 98 : 0;
        });
        const int code = process.wait();
        return std::pair(code, process.errors());
    };
    CHECK(errors_with(0) == std::pair(11, std::string("cannot look at /: Too many open files\n")));
    if (const auto [code, errors] = errors_with(1); code != 98) {  // no openat2 can be called here
        CHECK(code == 11);
        CHECK(errors == "cannot look at /proc: Too many open files\n");
    }
}
