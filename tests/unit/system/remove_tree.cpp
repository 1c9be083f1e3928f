#include "system/remove_tree.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
namespace fs = std::filesystem;

namespace {

constexpr auto always = [] { return true; };

}  // namespace

TEST_CASE("a tree is removed, and nothing behind its links") {
    const Files files;
    files.write("tree/base/1/1259", "pages");
    files.write("elsewhere/kept", "rows");
    fs::create_directory_symlink("../elsewhere", files.path("tree/link"));
    std::error_code error;
    CHECK(system::remove_tree(files.path("tree"), always, error));
    CHECK_FALSE(fs::exists(files.path("tree")));
    CHECK(files.read("elsewhere/kept") == "rows");
    CHECK(system::remove_tree(files.path("tree"), always, error));
    CHECK_FALSE(error);
}

TEST_CASE("its removal stops between two entries, and goes on with the rest") {
    const Files files;
    for (const char* name : {"tree/a/1", "tree/a/2", "tree/b"}) {
        files.write(name, "");
    }
    int calls = 0;  // one for each of these, for a/ and for the tree
    for (bool is_gone = false; !is_gone; ++calls) {
        REQUIRE(calls < 5);
        std::error_code error;
        int left = 1;
        is_gone = system::remove_tree(
            files.path("tree"), [&] { return left-- > 0; }, error);
        CHECK_FALSE(error);
        CHECK(fs::exists(files.path("tree")) == !is_gone);
    }
    CHECK(calls == 5);
}

TEST_CASE("what cannot be removed is told") {
    std::error_code error;
    CHECK_FALSE(system::remove_tree("/proc/self/status", always, error));
    CHECK(error);
}
