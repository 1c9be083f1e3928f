#pragma once

#include "packaging/tables.hpp"

#include <string>
#include <string_view>

namespace patroni_pgbackrest::packaging {

/// What Debian wants to know beside each version.
struct DebianPackage {
    std::string_view name;
    std::string_view maintainer;  ///< `Name <address>`
};

/// One version in CHANGELOG.md.
struct Release {
    std::string version;
    std::string day;  ///< `2026-11-22`; the day of the build while the version is unreleased
    bool unreleased = false;
};
/// Throws std::runtime_error when there is none.
Release newest_release(std::string_view changelog, std::string_view today);

/// CHANGELOG.md (Keep a Changelog) in the form of deb-changelog(5). An unreleased version bears the day `today`. Throws
/// std::runtime_error for a line that it does not understand.
std::string debian_changelog(std::string_view changelog, const DebianPackage& package, std::string_view today);

/// For copyright.in: LICENSE, which is a title, the line with the copyright, and the terms, as a field of
/// debian/copyright. Throws std::runtime_error when it is not.
Values copyright_values(std::string_view license);

}  // namespace patroni_pgbackrest::packaging
