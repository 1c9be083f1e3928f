#include "packaging/debian.hpp"

#include "support/catch.hpp"

#include <stdexcept>

using namespace patroni_pgbackrest::packaging;

namespace {

constexpr DebianPackage package = {.name = "name", .maintainer = "Some Team <team@name.invalid>"};

std::string refusal(std::string_view changelog) {
    try {
        return "accepted: " + debian_changelog(changelog, package, "2026-11-22");
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("CHANGELOG.md becomes a Debian changelog, with an entry for each version") {
    CHECK(debian_changelog("# Changes\n"
                           "\n"
                           "What a user can notice.\n"
                           "\n"
                           "## [0.2.0] - unreleased\n"
                           "\n"
                           "### Added\n"
                           "\n"
                           "- `check`: a line that is so long that it has to go on in another one of the Debian\n"
                           "  changelog.\n"
                           "- Short.\n"
                           "\n"
                           "### Fixed\n"
                           "\n"
                           "- Something.\n"
                           "\n"
                           "## [0.1.0] - 2026-02-28\n"
                           "\n"
                           "- First.\n",
                           package, "2026-11-22") ==
          "name (0.2.0) UNRELEASED; urgency=medium\n"
          "\n"
          "  [ Added ]\n"
          "  * `check`: a line that is so long that it has to go on in another one of the\n"
          "    Debian changelog.\n"
          "  * Short.\n"
          "\n"
          "  [ Fixed ]\n"
          "  * Something.\n"
          "\n"
          " -- Some Team <team@name.invalid>  Sun, 22 Nov 2026 00:00:00 +0000\n"
          "\n"
          "name (0.1.0) unstable; urgency=medium\n"
          "\n"
          "  * First.\n"
          "\n"
          " -- Some Team <team@name.invalid>  Sat, 28 Feb 2026 00:00:00 +0000\n");
}

TEST_CASE("the newest version is the first, and an unreleased one bears the day of the build") {
    const auto unreleased =
        newest_release("# Changes\n\n## [0.2.0] - unreleased\n## [0.1.0] - 2026-02-28\n", "2026-11-22");
    CHECK(unreleased.version == "0.2.0");
    CHECK(unreleased.day == "2026-11-22");
    CHECK(unreleased.unreleased);
    const auto released = newest_release("## [0.1.0] - 2026-02-28\n", "2026-11-22");
    CHECK(released.version == "0.1.0");
    CHECK(released.day == "2026-02-28");
    CHECK_FALSE(released.unreleased);
    CHECK_THROWS_AS(newest_release("# Changes\n", "2026-11-22"), std::runtime_error);
}

TEST_CASE("a changelog that is not understood is refused") {
    CHECK(refusal("# Changes\n") == "CHANGELOG.md names no version");
    CHECK(refusal("## Unreleased\n") == "CHANGELOG.md: not understood: ## Unreleased");
    CHECK(refusal("## [0.1.0] - 2026-02-28\n\ntext\n") == "CHANGELOG.md: not understood: text");
}

TEST_CASE("LICENSE becomes a field of debian/copyright") {
    const auto values =
        copyright_values("MIT License\n\nCopyright (c) 2026 the contributors\n\nPermission is\ngranted.\n"
                         "\nNo warranty.\n");
    CHECK(values.at("copyright") == "2026 the contributors");
    CHECK(values.at("license") == " Permission is\n granted.\n .\n No warranty.");
    CHECK_THROWS_AS(copyright_values("MIT License\n\nPermission is granted.\n"), std::runtime_error);
    CHECK_THROWS_AS(copyright_values("Copyright (c) 2026 the contributors\n"), std::runtime_error);
}
