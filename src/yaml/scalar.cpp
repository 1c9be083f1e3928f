#include "system/text.hpp"
#include "yaml/tree.hpp"

#include <array>
#include <regex>
#include <string_view>

// The patterns are those of PyYAML's resolver.py (3.12 to 6.0).
namespace patroni_pgbackrest::yaml {

namespace {

bool matches(const std::string& text, const char* pattern) {
    return std::regex_match(text, std::regex(pattern, std::regex::ECMAScript | std::regex::optimize));
}

bool is_false(const std::string& text) {
    static constexpr std::array words = {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
    for (const std::string_view word : words) {
        if (text == word) {
            return true;
        }
    }
    return false;
}

bool is_true(const std::string& text) {
    static constexpr std::array words = {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
    for (const std::string_view word : words) {
        if (text == word) {
            return true;
        }
    }
    return false;
}

bool is_zero(const std::string& text) {
    return matches(text, "[-+]?(0|0b[0_]+|0[0_]+|0x[0_]+)") ||
           matches(text, R"([-+]?(0[0_]*\.[0_]*|\.0[0_]*)([eE][-+][0-9]+)?)");
}

}  // namespace

bool truthy(const Node& node) {
    switch (node.kind) {
    case Node::Kind::null:
        return false;
    case Node::Kind::list:
        return !node.items.empty();
    case Node::Kind::map:
        return !node.entries.empty();
    case Node::Kind::scalar:
        break;
    }
    return !node.text.empty() && !(node.plain && (is_false(node.text) || is_zero(node.text)));
}

bool is_text(const Node& node) {
    if (!node.is_scalar() || !node.plain) {
        return node.is_scalar();
    }
    return !is_false(node.text) && !is_true(node.text) && rewritten_number(node).empty() &&
           !matches(node.text, R"(-?(0|[1-9][0-9]*)(\.[0-9]+)?)") &&
           !matches(node.text, R"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?)");
}

bool blank(const Node& node) {
    return node.is_null() || (node.is_scalar() && system::trim(node.text).empty());
}

std::string_view rewritten_number(const Node& node) {
    // Everything that PyYAML takes for a number starts like this. The rest need not be matched against the patterns.
    if (!node.is_scalar() || !node.plain || node.text.find_first_of("0123456789.") > 1) {
        return {};
    }
    const std::string& text = node.text;
    if (matches(text, "-?(0|[1-9][0-9]*)") || matches(text, R"(-?(0|[1-9][0-9]{0,9})\.(0|[0-9]{0,4}[1-9]))")) {
        return {};
    }
    if (matches(text, "[-+]?0[0-7_]+")) {
        return "an octal number";
    }
    if (matches(text, "[-+]?0x[0-9a-fA-F_]+")) {
        return "a hexadecimal number";
    }
    if (matches(text, "[-+]?0b[01_]+")) {
        return "a binary number";
    }
    if (matches(text, R"([-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")) {
        return "a number in base 60";
    }
    if (matches(text, "[-+]?[1-9][0-9_]*|[-+]0") ||
        matches(text, R"([-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)([eE][-+][0-9]+)?)") ||
        matches(text, R"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))")) {
        return "a number";
    }
    return {};
}

bool is_plain_time_with_offset(const Node& node) {
    return node.is_scalar() && node.plain &&
           matches(node.text, R"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?)"
                              R"([ \t]*(Z|[-+][0-9]{1,2}(:[0-9]{2})?))");
}

}  // namespace patroni_pgbackrest::yaml
