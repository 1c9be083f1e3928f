#include "yaml/outline.hpp"

#include <algorithm>
#include <array>

namespace patroni_pgbackrest::yaml {

namespace {

constexpr std::string_view blanks = " \t";
constexpr std::string_view white_space = " \t\r\n";
constexpr std::string_view flow_signs = ",[]{}";

bool is_one_of(char letter, std::string_view set) {
    return set.find(letter) != std::string_view::npos;
}

/// Scans a text from left to right. Every function takes and returns a position.
class Scan {
  public:
    explicit Scan(std::string_view text) : text_(text) {}

    bool at_end(std::size_t at) const { return at >= text_.size(); }
    char letter(std::size_t at) const { return at < text_.size() ? text_[at] : '\n'; }

    std::size_t skip(std::size_t at, std::string_view set) const {
        while (!at_end(at) && is_one_of(text_[at], set)) {
            ++at;
        }
        return at;
    }

    std::size_t end_of_line(std::size_t at) const { return std::min(text_.find('\n', at), text_.size()); }

    /// Skips white space, comments and the characters in `set`.
    std::size_t skip_between(std::size_t at, std::string_view set) const {
        while (!at_end(at)) {
            const char next = text_[at];
            if (next == '#') {
                at = end_of_line(at);
            } else if (is_one_of(next, white_space) || is_one_of(next, set)) {
                ++at;
            } else {
                break;
            }
        }
        return at;
    }

    std::size_t quoted(std::size_t at) const {
        const char quote = letter(at);
        for (++at; !at_end(at); ++at) {
            if (quote == '"' && text_[at] == '\\') {
                ++at;
            } else if (text_[at] == quote && quote == '\'' && letter(at + 1) == '\'') {
                ++at;
            } else if (text_[at] == quote) {
                return at + 1;
            }
        }
        return text_.size();
    }

    /// The part of a plain scalar on one line, without trailing blanks.
    std::size_t plain_line(std::size_t at, bool flow) const {
        std::size_t end = at;
        for (; !at_end(at) && text_[at] != '\n'; ++at) {
            const char next = text_[at];
            const char after = letter(at + 1);
            const bool ends =
                (next == '#' && at > 0 && is_one_of(text_[at - 1], white_space)) ||
                (next == ':' && (is_one_of(after, white_space) || (flow && is_one_of(after, flow_signs)))) ||
                (flow && is_one_of(next, flow_signs));
            if (ends) {
                break;
            }
            if (!is_one_of(next, white_space)) {
                end = at + 1;
            }
        }
        return end;
    }

    /// Further lines belong to it as long as they are indented more than `indent`; a comment ends it.
    std::size_t plain(std::size_t at, std::ptrdiff_t indent, bool flow) const {
        std::size_t end = plain_line(at, flow);
        while (letter(skip(end, " \t\r")) == '\n' && !at_end(end)) {
            const std::size_t next = skip(end, white_space);
            const auto column = static_cast<std::ptrdiff_t>(next - (text_.rfind('\n', next - 1) + 1));
            const bool goes_on = !at_end(next) && text_[next] != '#' && (flow || column > indent) &&
                                 !(flow && is_one_of(text_[next], ",[]{}:"));
            const std::size_t longer = goes_on ? plain_line(next, flow) : next;
            if (longer == next) {
                break;
            }
            end = longer;
        }
        return end;
    }

    /// A block scalar from its `|` or `>` on: to the end of its last line. Empty lines after it are included only if
    /// they count.
    std::size_t block(std::size_t at, std::ptrdiff_t indent) const {
        std::size_t end = end_of_line(at);
        const std::string_view header = text_.substr(at, end - at);
        const std::string_view signs = header.substr(0, header.find_first_of(" \t\r#"));
        const bool keeps = signs.find('+') != std::string_view::npos;
        const auto digit = signs.find_first_of("123456789");
        std::ptrdiff_t content =
            digit == std::string_view::npos ? 0 : std::max<std::ptrdiff_t>(indent, 0) + (signs[digit] - '0');
        std::size_t last = end;
        while (end < text_.size()) {
            const std::size_t line = end + 1;
            const std::size_t first = skip(line, " ");
            const bool blank = is_one_of(letter(skip(first, " \t\r")), "\n");
            const auto column = static_cast<std::ptrdiff_t>(first - line);
            if (!blank && content == 0) {
                content = std::max(column, indent + 1);
            }
            if (!blank && column < content) {
                break;
            }
            if (at_end(line)) {
                break;
            }
            end = end_of_line(line);
            if (!blank || keeps) {
                last = end;
            }
        }
        return last > at && letter(last - 1) == '\r' ? last - 1 : last;
    }

  private:
    std::string_view text_;
};

class Measure {
  public:
    explicit Measure(std::string_view text) : text_(text), scan_(text) {}

    /// `after`: the earliest position where the node may begin. `indent`: that of its parent; the node's further lines
    /// are indented more. `flow`: it is in brackets.
    void node(Written& node, std::size_t after, std::ptrdiff_t indent, bool flow) const {
        const std::size_t content = skip_properties(text_, node.begin);
        switch (node.kind) {
        case Written::Kind::null:
            null(node, after, flow);
            break;
        case Written::Kind::alias:
            node.end = std::min(text_.find_first_of(flow ? " \t\r\n,[]{}" : " \t\r\n", node.begin), text_.size());
            break;
        case Written::Kind::scalar:
            node.end = scalar(content, indent, flow);
            break;
        case Written::Kind::list:
            list(node, content, flow);
            break;
        case Written::Kind::map:
            map(node, content, flow);
            break;
        }
    }

  private:
    std::size_t scalar(std::size_t at, std::ptrdiff_t indent, bool flow) const {
        switch (scan_.letter(at)) {
        case '"':
        case '\'':
            return scan_.quoted(at);
        case '|':
        case '>':
            return flow ? scan_.plain(at, indent, flow) : scan_.block(at, indent);
        default:
            return scan_.plain(at, indent, flow);
        }
    }

    /// For an empty node, yaml-cpp gives the place of whatever comes next.
    void null(Written& node, std::size_t after, bool flow) const {
        const bool has_properties = node.begin >= after && is_one_of(scan_.letter(node.begin), "&!");
        const std::size_t word = has_properties ? skip_properties(text_, node.begin) : node.begin;
        static constexpr std::array<std::string_view, 4> words = {"~", "null", "Null", "NULL"};
        const std::size_t end = scan_.plain_line(word, flow);
        const bool is_word = node.begin >= after &&
                             std::find(words.begin(), words.end(), text_.substr(word, end - word)) != words.end() &&
                             scan_.letter(scan_.skip(end, blanks)) != ':';
        if (is_word) {
            node.end = end;
        } else if (has_properties) {
            node.end = scan_.plain_line(node.begin, flow);
        } else {
            node.begin = node.end = std::min(after, text_.size());
        }
    }

    void list(Written& list, std::size_t content, bool flow) const {
        std::size_t at = content;
        const bool brackets = list.flow && scan_.letter(content) == '[';
        if (brackets) {
            ++at;
        }
        for (Written& item : list.children) {
            if (brackets) {
                node(item, at, 0, true);
            } else {
                const std::size_t dash = scan_.skip_between(at, {});
                const std::size_t line = text_.rfind('\n', dash) + 1;
                node(item, dash + 1, static_cast<std::ptrdiff_t>(dash - line), flow);
            }
            at = std::max(at, item.end);
        }
        list.end = brackets ? closing(at) : at;
    }

    void map(Written& map, std::size_t content, bool flow) const {
        const bool brackets = map.flow && scan_.letter(content) == '{';
        const bool in_flow = flow || map.flow;
        std::size_t at = brackets ? content + 1 : content;
        std::ptrdiff_t indent = 0;
        if (!in_flow && !map.keys.empty()) {
            const std::size_t first = map.keys.front().begin;
            indent = first == 0 ? 0 : static_cast<std::ptrdiff_t>(first - (text_.rfind('\n', first - 1) + 1));
        }
        for (std::size_t i = 0; i < map.children.size(); ++i) {
            Written& key = map.keys[i];
            node(key, at, indent, in_flow);
            // `? key` has its colon on another line.
            const std::size_t colon = scan_.skip_between(key.end, {});
            at = scan_.letter(colon) == ':' ? colon + 1 : key.end;
            node(map.children[i], at, indent, in_flow);
            at = std::max(at, map.children[i].end);
        }
        map.end = brackets ? closing(at) : at;
    }

    std::size_t closing(std::size_t at) const { return std::min(scan_.skip_between(at, ",:") + 1, text_.size()); }

    std::string_view text_;
    Scan scan_;
};

}  // namespace

std::size_t skip_properties(std::string_view text, std::size_t position) {
    const Scan scan(text);
    while (!scan.at_end(position) && (text[position] == '&' || text[position] == '!')) {
        position = std::min(text.find_first_of(white_space, position), text.size());
        position = scan.skip_between(position, {});
    }
    return position;
}

void measure(std::string_view text, Written& root) {
    Measure(text).node(root, 0, -1, false);
}

}  // namespace patroni_pgbackrest::yaml
