#include "patroni/secrets.hpp"

#include "system/text.hpp"
#include "yaml/outline.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace patroni_pgbackrest::patroni {

namespace {

using yaml::Written;

constexpr std::string_view hidden = "****";
constexpr std::array<std::string_view, 4> signs_of_secret = {"pass", "secret", "token", "credential"};

struct Range {
    std::size_t begin, end;
};

/// The values of secret keys, in the order of the text.
class Collector {
  public:
    explicit Collector(const Written& root) {
        visit(root, false);
        if (!aliased_.empty()) {
            visit(root, false);
        }
        std::sort(found_.begin(), found_.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    }
    const std::vector<Range>& found() const { return found_; }

  private:
    void visit(const Written& node, bool secret) {
        if (secret && node.is_alias()) {
            aliased_.insert(node.anchor);
        }
        if ((secret || (!node.is_alias() && aliased_.count(node.anchor) > 0)) && node.end > node.begin) {
            found_.push_back({node.begin, node.end});
        }
        for (std::size_t i = 0; i < node.children.size(); ++i) {
            visit(node.children[i], secret || (node.is_map() && names_secret(node.keys[i].text)));
        }
    }

    std::set<std::size_t> aliased_;
    std::vector<Range> found_;
};

/// The line from `begin` to `end`, with `****` in place of the ranges.
std::string without_ranges(const std::string& text, std::size_t begin, std::size_t end,
                           const std::vector<Range>& ranges) {
    std::string shown;
    std::size_t at = begin;
    for (const Range& range : ranges) {
        if (range.end <= at || range.begin >= end) {
            continue;
        }
        const std::size_t first = std::min(text.find_first_not_of(" \t\r", std::max(range.begin, at)), end);
        shown.append(text, at, first - at);
        if (first < end) {
            shown += hidden;
        }
        at = std::max(first, std::min(range.end, end));
    }
    return shown.append(text, at, end - at);
}

bool is_name(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
}

/// `password=…`, `# password: …`, where YAML sees no key.
void hide_assignment(std::string& line) {
    const std::string lower = system::lower(line);
    for (const std::string_view sign : signs_of_secret) {
        for (std::size_t at = lower.find(sign); at != std::string::npos; at = lower.find(sign, at + 1)) {
            std::size_t end = at;
            while (end < lower.size() && is_name(lower[end])) {
                ++end;
            }
            end = lower.find_first_not_of("\"' \t", end);
            if (end == std::string::npos || (lower[end] != ':' && lower[end] != '=')) {
                continue;
            }
            const std::size_t value = lower.find_first_not_of(" \t\r", end + 1);
            if (value == std::string::npos || lower[value] == '#' || lower.compare(value, hidden.size(), hidden) == 0) {
                continue;
            }
            const std::size_t rest = line.back() == '\r' ? line.size() - 1 : line.size();
            line.replace(value, rest - value, hidden);
            return;
        }
    }
}

/// `postgres://user:…@host`
void hide_in_urls(std::string& line) {
    for (std::size_t at = line.find("://"); at != std::string::npos; at = line.find("://", at + 3)) {
        const std::size_t begin = at + 3;
        const std::size_t end = std::min(line.find_first_of(" \t\"'/,", begin), line.size());
        const std::size_t user_end = line.rfind('@', end);
        const std::size_t colon = line.find(':', begin);
        if (user_end != std::string::npos && user_end > begin && colon < user_end) {
            line.replace(colon + 1, user_end - colon - 1, hidden);
        }
    }
}

}  // namespace

bool names_secret(const std::string& key) {
    const std::string lower = system::lower(key);
    return lower.ends_with("key") || std::any_of(signs_of_secret.begin(), signs_of_secret.end(),
                                                 [&](auto sign) { return lower.find(sign) != std::string::npos; });
}

std::vector<std::string> lines_to_show(const std::string& yaml, const std::string& name) {
    const yaml::Outline outline(yaml, name);
    const Collector secrets(outline.root());
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < yaml.size(); begin = outline.next_line(begin)) {
        const std::size_t end = std::min(yaml.find('\n', begin), yaml.size());
        lines.push_back(without_ranges(yaml, begin, end, secrets.found()));
        hide_assignment(lines.back());
        hide_in_urls(lines.back());
    }
    return lines;
}

}  // namespace patroni_pgbackrest::patroni
