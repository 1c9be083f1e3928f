#include "support/catch.hpp"
#include "support/reviewed_node.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

TEST_CASE("use_slots of this node alone is found where Patroni does something else") {
    const ReviewedNode node;
    const auto dynamic = [](const std::string& value) {
        return with(clean, "    postgresql:\n", "    postgresql:\n      use_slots: " + value + "\n");
    };
    CHECK(node.found(clean + "  use_slots: true\n") == Strings{});
    CHECK(node.found(clean + "  use_slots: false\n") == Strings{"key-misplaced patroni.yml:17"});
    CHECK(node.found(dynamic("false") + "  use_slots: false\n") == Strings{});
    CHECK(node.found(dynamic("false") + "  use_slots: true\n") == Strings{"key-misplaced patroni.yml:18"});
}
