#pragma once

#include <string>
#include <vector>

namespace patroni_pgbackrest::system {

/// A text on one side of a comparison.
struct DiffSide {
    std::string label;               ///< after `---` or `+++`
    std::vector<std::string> lines;  ///< compared; each with its line feed, except perhaps the last
    std::vector<std::string> shown;  ///< printed in their place, without line feeds; the same number
};

/// The lines of a text, with their line feeds.
std::vector<std::string> lines_with_ends(const std::string& text);

/// What `diff -u` prints: three lines of context, `\ No newline at end of file`; empty when no line differs.
std::string unified_diff(const DiffSide& before, const DiffSide& after);

}  // namespace patroni_pgbackrest::system
