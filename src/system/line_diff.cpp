#include "system/line_diff.hpp"

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>

namespace patroni_pgbackrest::system {

namespace {

using Lines = std::vector<std::string>;
using Index = std::ptrdiff_t;

enum class Sign : char { kept = ' ', removed = '-', added = '+' };

/// One line of the comparison: how many lines come before it on either side.
struct Step {
    Sign sign;
    Index before, after;
};

/// The shortest sequence of removals and additions, after Myers ("An O(ND) Difference Algorithm", 1986): `reach` says
/// how far each diagonal gets with so many changes.
class Comparison {
  public:
    Comparison(const Lines& before, const Lines& after)
        : before_(before), after_(after), rows_(static_cast<Index>(before.size())),
          columns_(static_cast<Index>(after.size())) {}

    std::vector<Step> steps() {
        while (!search(static_cast<Index>(reached_.size()))) {
        }
        return back();
    }

  private:
    static Index at(const std::vector<Index>& reach, Index diagonal) {
        const Index middle = static_cast<Index>(reach.size() / 2);
        return diagonal < -middle || diagonal > middle ? -1 : reach[static_cast<std::size_t>(middle + diagonal)];
    }

    bool goes_down(Index diagonal, Index changes) const {
        const auto& last = reached_[static_cast<std::size_t>(changes - 1)];
        return diagonal == -changes || (diagonal != changes && at(last, diagonal - 1) < at(last, diagonal + 1));
    }

    Index start(Index diagonal, Index changes) const {
        if (changes == 0) {
            return 0;
        }
        const auto& last = reached_[static_cast<std::size_t>(changes - 1)];
        return goes_down(diagonal, changes) ? at(last, diagonal + 1) : at(last, diagonal - 1) + 1;
    }

    bool search(Index changes) {
        std::vector<Index> reach(static_cast<std::size_t>(2 * changes + 1), -1);
        bool done = false;
        for (Index diagonal = -changes; diagonal <= changes && !done; diagonal += 2) {
            Index row = start(diagonal, changes);
            while (row < rows_ && row - diagonal < columns_ &&
                   before_[static_cast<std::size_t>(row)] == after_[static_cast<std::size_t>(row - diagonal)]) {
                ++row;
            }
            reach[static_cast<std::size_t>(changes + diagonal)] = row;
            done = row >= rows_ && row - diagonal >= columns_;
        }
        reached_.push_back(std::move(reach));
        return done;
    }

    std::vector<Step> back() const {
        std::vector<Step> steps;
        Index row = rows_;
        Index diagonal = rows_ - columns_;
        for (Index changes = static_cast<Index>(reached_.size()) - 1; changes >= 0; --changes) {
            for (const Index first = start(diagonal, changes); row > first; --row) {
                steps.push_back({Sign::kept, row - 1, row - 1 - diagonal});
            }
            if (changes > 0 && goes_down(diagonal, changes)) {
                steps.push_back({Sign::added, row, row - diagonal - 1});
                ++diagonal;
            } else if (changes > 0) {
                steps.push_back({Sign::removed, row - 1, row - diagonal});
                --row;
                --diagonal;
            }
        }
        std::reverse(steps.begin(), steps.end());
        return steps;
    }

    const Lines& before_;
    const Lines& after_;
    Index rows_, columns_;
    std::vector<std::vector<Index>> reached_;
};

std::string line_of(const DiffSide& side, Index number, Sign sign) {
    const auto index = static_cast<std::size_t>(number);
    const bool ends = side.lines[index].ends_with('\n');
    return static_cast<char>(sign) + side.shown[index] + (ends ? "\n" : "\n\\ No newline at end of file\n");
}

std::string hunk(const DiffSide& before, const DiffSide& after, const Step* first, const Step* last) {
    Index removed = 0, added = 0;
    std::string lines;
    for (const Step* step = first; step != last; ++step) {
        removed += step->sign != Sign::added ? 1 : 0;
        added += step->sign != Sign::removed ? 1 : 0;
        lines += step->sign == Sign::added ? line_of(after, step->after, step->sign)
                                           : line_of(before, step->before, step->sign);
    }
    // The number of the first line, or of the line before it if there is none.
    return fmt::format("@@ -{},{} +{},{} @@\n{}", first->before + (removed > 0 ? 1 : 0), removed,
                       first->after + (added > 0 ? 1 : 0), added, lines);
}

}  // namespace

Lines lines_with_ends(const std::string& text) {
    Lines lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
        lines.push_back(text.substr(begin, end - begin));
        begin = end;
    }
    return lines;
}

std::string unified_diff(const DiffSide& before, const DiffSide& after) {
    constexpr Index context = 3;
    const auto steps = Comparison(before.lines, after.lines).steps();
    const auto count = static_cast<Index>(steps.size());
    const auto next_change = [&](Index from) {
        while (from < count && steps[static_cast<std::size_t>(from)].sign == Sign::kept) {
            ++from;
        }
        return from;
    };
    std::string hunks;
    for (Index change = next_change(0); change < count;) {
        const Index first = std::max<Index>(change - context, 0);
        Index last = change;
        // Changes with at most two contexts between them share a hunk.
        while (change < count && change - last <= 2 * context) {
            last = change + 1;
            change = next_change(last);
        }
        last = std::min(last + context, count);
        hunks += hunk(before, after, steps.data() + first, steps.data() + last);
    }
    return hunks.empty() ? hunks : fmt::format("--- {}\n+++ {}\n{}", before.label, after.label, hunks);
}

}  // namespace patroni_pgbackrest::system
