#include "packaging/debian.hpp"

#include <algorithm>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <optional>
#include <regex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace patroni_pgbackrest::packaging {

namespace {

constexpr std::size_t line_width = 75;  // beside the indent

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

/// `## [0.1.0] - 2026-11-22`, or `unreleased` in place of the day.
std::optional<Release> release_in(const std::string& line, std::string_view today) {
    static const std::regex heading(R"(## \[([0-9.]+)\] - ([0-9]{4}-[0-9]{2}-[0-9]{2}|unreleased))");
    std::smatch parts;
    if (!std::regex_match(line, parts, heading)) {
        return std::nullopt;
    }
    const bool unreleased = parts[2] == "unreleased";
    return Release{
        .version = parts[1], .day = unreleased ? std::string(today) : parts[2].str(), .unreleased = unreleased};
}

/// `Sun, 22 Nov 2026 00:00:00 +0000`
std::string in_mail_form(const std::string& day) {
    std::tm parts{};
    if (strptime(day.c_str(), "%Y-%m-%d", &parts) == nullptr) {
        throw std::runtime_error(fmt::format("'{}' is no day", day));
    }
    const auto seconds = timegm(&parts);
    return fmt::format("{:%a, %d %b %Y %H:%M:%S} +0000", fmt::gmtime(seconds));
}

std::string trimmed(std::string_view line) {
    const auto begin = line.find_first_not_of(' ');
    return begin == std::string_view::npos ? std::string() : std::string(line.substr(begin));
}

/// Takes the lines of one version, and gives its entry.
class Entry {
  public:
    Entry(Release release, const DebianPackage& package) : release_(std::move(release)), package_(package) {}

    void take(const std::string& line) {
        if (line.empty()) {
            finish_item();
        } else if (line.starts_with("### ")) {
            finish_item();
            text_ += fmt::format("{}  [ {} ]\n", text_.empty() ? "" : "\n", line.substr(4));
        } else if (line.starts_with("- ")) {
            finish_item();
            item_ = line.substr(2);
        } else if (line.starts_with("  ") && !item_.empty()) {
            item_ += " " + trimmed(line);
        } else {
            throw std::runtime_error(fmt::format("CHANGELOG.md: not understood: {}", line));
        }
    }

    std::string finished() {
        finish_item();
        return fmt::format("{} ({}) {}; urgency=medium\n\n{}\n -- {}  {}\n", package_.name, release_.version,
                           release_.unreleased ? "UNRELEASED" : "unstable", text_, package_.maintainer,
                           in_mail_form(release_.day));
    }

  private:
    void finish_item() {
        if (!item_.empty()) {
            text_ += fmt::format("  * {}\n", wrapped(item_, line_width, "\n    "));
            item_.clear();
        }
    }

    Release release_;
    DebianPackage package_;
    std::string text_;
    std::string item_;
};

}  // namespace

Release newest_release(std::string_view changelog, std::string_view today) {
    for (const auto& line : lines_of(changelog)) {
        if (auto release = release_in(line, today)) {
            return *release;
        }
    }
    throw std::runtime_error("CHANGELOG.md names no version");
}

std::string debian_changelog(std::string_view changelog, const DebianPackage& package, std::string_view today) {
    std::string text;
    std::optional<Entry> entry;
    for (const auto& line : lines_of(changelog)) {
        if (line.starts_with("## ")) {
            auto release = release_in(line, today);
            if (!release) {
                throw std::runtime_error(fmt::format("CHANGELOG.md: not understood: {}", line));
            }
            text += entry ? entry->finished() + "\n" : "";
            entry.emplace(std::move(*release), package);
        } else if (entry) {
            entry->take(line);
        }  // else the title and what the file is
    }
    if (!entry) {
        throw std::runtime_error("CHANGELOG.md names no version");
    }
    return text + entry->finished();
}

Values copyright_values(std::string_view license) {
    constexpr std::string_view mark = "Copyright (c) ";
    std::string copyright;
    std::string terms;
    for (const auto& line : lines_of(license)) {
        if (copyright.empty()) {
            if (line.starts_with(mark)) {
                copyright = line.substr(mark.size());
            }
        } else if (!line.empty()) {
            terms += " " + line + "\n";
        } else if (!terms.empty()) {
            terms += " .\n";
        }
    }
    if (terms.empty()) {
        throw std::runtime_error("LICENSE has no line with the copyright, or no terms");
    }
    terms.pop_back();
    return {{"copyright", copyright}, {"license", terms}};
}

}  // namespace patroni_pgbackrest::packaging
