#include "system/open_for_writing.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

#include <fstream>

using namespace patroni_pgbackrest;
namespace fs = std::filesystem;

TEST_CASE("a file that somebody has open for writing is found, and no other") {
    const Files files;
    files.write("data/base/5/1259", "pages");
    files.write("data/PG_VERSION", "15\n");
    files.write("elsewhere/1", "pages");
    fs::create_directory_symlink(files.path("elsewhere"), files.path("data/pg_wal"));
    const auto find = [&] { return system::find_open_for_writing({files.path("absent"), files.path("data")}); };
    CHECK_FALSE(find());
    const std::ifstream reader(files.path("data/PG_VERSION"));
    const std::ofstream behind_a_link(files.path("elsewhere/1"), std::ios::app);
    CHECK_FALSE(find());
    {
        const std::ofstream writer(files.path("data/base/5/1259"), std::ios::app);
        CHECK(find().value_or("") == files.path("data/base/5/1259"));
    }
    CHECK_FALSE(find());
}
