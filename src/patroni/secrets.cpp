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
constexpr std::array<std::string_view, 6> signs_of_secret = {"pass",  "pwd",        "secret",
                                                             "token", "credential", "authorization"};

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

/// The line from `begin` to `end`, with `****` in place of the ranges from `first` on, and of a comment behind them.
std::string without_ranges(const std::string& text, std::size_t begin, std::size_t end,
                           const std::vector<Range>& ranges, std::size_t first) {
    std::string shown;
    std::size_t at = begin;
    bool hides = false;
    for (; first < ranges.size() && ranges[first].begin < end; ++first) {
        const Range& range = ranges[first];
        if (range.end <= at) {
            continue;
        }
        const std::size_t value = std::min(text.find_first_not_of(" \t\r", std::max(range.begin, at)), end);
        shown.append(text, at, value - at);
        if (value < end) {
            shown += hidden;
            hides = true;
        }
        at = std::max(value, std::min(range.end, end));
    }
    std::string rest(text, at, end - at);
    const std::size_t comment = hides ? rest.find('#') : std::string::npos;
    if (comment != std::string::npos) {
        rest.replace(comment + 1, rest.size() - comment - 1 - (rest.back() == '\r' ? 1 : 0), " " + std::string(hidden));
    }
    return shown + rest;
}

bool is_name(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
}

/// Hides the line from `value` on.
void hide_rest(std::string& line, std::size_t value) {
    const std::size_t rest = line.back() == '\r' ? line.size() - 1 : line.size();
    line.replace(value, rest - value, hidden);
}

/// `password=…`, `# password: …`, `--password …`, `PASSWORD '…'`, where YAML sees no key.
void hide_assignment(std::string& line) {
    const std::string lower = system::lower(line);
    for (std::size_t at = 0; at < lower.size(); ++at) {
        if (!is_name(lower[at]) || (at > 0 && is_name(lower[at - 1]))) {
            continue;
        }
        std::size_t end = at;
        while (end < lower.size() && is_name(lower[end])) {
            ++end;
        }
        const std::string name = lower.substr(at, end - at);
        if (!names_secret(name)) {
            continue;
        }
        const std::size_t sign = lower.find_first_not_of("\"' \t", end);
        if (sign == std::string::npos) {
            continue;
        }
        const bool assigns = lower[sign] == ':' || lower[sign] == '=';
        const bool follows = lower[end] == ' ' && (name.starts_with("--") || lower[end + 1] == '\'');
        const std::size_t value = assigns ? lower.find_first_not_of(" \t\r", sign + 1) : follows ? end + 1 : sign;
        if ((assigns || follows) && value != std::string::npos && lower[value] != '#' &&
            lower.compare(value, hidden.size(), hidden) != 0) {
            return hide_rest(line, value);
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

/// `curl -u user:…`, `--user user:…`, `--proxy-user=user:…`
void hide_users(std::string& line) {
    for (const std::string_view option : {" -u", " -U", "user"}) {
        for (std::size_t at = line.find(option); at != std::string::npos; at = line.find(option, at + 1)) {
            if (option == "user" && line.find_first_of(" =", at) != at + option.size()) {
                continue;  // `user:`, `username`
            }
            const std::size_t begin = line.find_first_not_of(" =\"'", at + option.size());
            const std::size_t end = std::min(line.find_first_of(" \t\"'", begin), line.size());
            const std::size_t colon = begin == std::string::npos ? begin : line.find(':', begin);
            if (colon != std::string::npos && colon + 1 < end) {
                line.replace(colon + 1, end - colon - 1, hidden);
            }
        }
    }
}

}  // namespace

bool names_secret(const std::string& key) {
    const std::string lower = system::lower(key);
    return lower.ends_with("key") || lower == "auth" ||
           std::any_of(signs_of_secret.begin(), signs_of_secret.end(),
                       [&](auto sign) { return lower.find(sign) != std::string::npos; });
}

std::string text_to_show(const std::string& text) {
    auto lines = system::split(text, '\n');
    for (auto& line : lines) {
        hide_assignment(line);
        hide_in_urls(line);
        hide_users(line);
    }
    return system::join(lines, "\n");
}

std::vector<std::string> lines_to_show(const yaml::Document& document) {
    const std::string& yaml = document.text;
    const yaml::Outline outline(document);
    const Collector secrets(outline.root());
    const auto& ranges = secrets.found();
    std::vector<std::string> lines;
    std::size_t first = 0;
    bool is_key = false;
    for (std::size_t begin = 0; begin < yaml.size(); begin = outline.next_line(begin)) {
        const std::size_t end = std::min(yaml.find('\n', begin), yaml.size());
        while (first < ranges.size() && ranges[first].end <= begin) {
            ++first;
        }
        const std::string line(yaml, begin, end - begin);
        // A key of TLS, whatever it is called.
        const bool ends_key = line.find("END ") != std::string::npos && line.find("PRIVATE KEY") != std::string::npos;
        is_key = is_key || (line.find("BEGIN ") != std::string::npos && line.find("PRIVATE KEY") != std::string::npos);
        lines.push_back(is_key ? std::string(hidden) : text_to_show(without_ranges(yaml, begin, end, ranges, first)));
        is_key = is_key && !ends_key;
    }
    return lines;
}

}  // namespace patroni_pgbackrest::patroni
