#include "yaml/write.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace patroni_pgbackrest::yaml {

namespace {

bool is_word_of_yaml(const std::string& text) {
    static constexpr std::array<std::string_view, 9> words = {"y",   "n",    "yes",   "no",  "on",
                                                              "off", "true", "false", "null"};
    const std::string lower = system::lower(text);
    return std::find(words.begin(), words.end(), lower) != words.end();
}

/// Certain to be the same text for every YAML reader: it begins with a letter or a slash and has no YAML indicator.
bool can_be_plain(const std::string& text, bool flow) {
    const auto is_letter = [](char sign) {
        return (sign >= 'a' && sign <= 'z') || (sign >= 'A' && sign <= 'Z') || sign == '/' || sign == '_';
    };
    const auto is_harmless = [&](char sign) {
        static constexpr std::string_view others = " .-+=%\"'@(){}[],*&!|<>$;~^?\\";
        static constexpr std::string_view brackets = "{}[],";
        return is_letter(sign) || (sign >= '0' && sign <= '9') ||
               (others.find(sign) != std::string_view::npos &&
                !(flow && brackets.find(sign) != std::string_view::npos));
    };
    return !text.empty() && is_letter(text.front()) && text.back() != ' ' &&
           std::all_of(text.begin(), text.end(), is_harmless) && !is_word_of_yaml(text);
}

std::string in_double_quotes(const std::string& text) {
    std::string quoted = "\"";
    for (const char sign : text) {
        if (sign == '"' || sign == '\\') {
            quoted += '\\';
            quoted += sign;
        } else if (static_cast<unsigned char>(sign) < 0x20 || sign == 0x7f) {
            quoted += fmt::format("\\x{:02x}", static_cast<unsigned>(sign));
        } else {
            quoted += sign;
        }
    }
    return quoted + '"';
}

std::string in_single_quotes(const std::string& text) {
    std::string quoted = "'";
    for (const char sign : text) {
        quoted += sign;
        if (sign == '\'') {
            quoted += sign;
        }
    }
    return quoted + '\'';
}

std::string written_key(const std::string& key, const Style& style) {
    return style.double_quotes ? in_double_quotes(key) : written_scalar(NewNode::of_text(key), style, true);
}

}  // namespace

std::string text(const Path& path) {
    return system::join(path, ".");
}

std::string written_scalar(const NewNode& scalar, const Style& style, bool flow) {
    const std::string& text = scalar.scalar;
    if (scalar.kind == NewNode::Kind::word) {
        return text;
    }
    const auto is_control = [](char sign) { return static_cast<unsigned char>(sign) < 0x20 || sign == 0x7f; };
    if (style.double_quotes || std::any_of(text.begin(), text.end(), is_control)) {
        return in_double_quotes(text);
    }
    return can_be_plain(text, flow) ? text : in_single_quotes(text);
}

std::string written_flow(const NewNode& node, const Style& style) {
    std::string inside;
    const auto add = [&](const std::string& part) { inside += (inside.empty() ? "" : ", ") + part; };
    switch (node.kind) {
    case NewNode::Kind::text:
    case NewNode::Kind::word:
        return written_scalar(node, style, true);
    case NewNode::Kind::list:
        for (const NewNode& item : node.items) {
            add(written_flow(item, style));
        }
        return "[" + inside + "]";
    case NewNode::Kind::map:
        break;
    }
    for (const auto& [key, value] : node.entries) {
        add(written_key(key, style) + ": " + written_flow(value, style));
    }
    return "{" + inside + "}";
}

std::vector<std::string> written_block(const std::string& key, const NewNode& node, std::size_t indent,
                                       const Style& style) {
    const std::string start = std::string(indent, ' ') + written_key(key, style) + ":";
    if (node.is_scalar()) {
        return {start + " " + written_scalar(node, style, false)};
    }
    std::vector<std::string> lines{start};
    for (const NewNode& item : node.items) {
        lines.push_back(std::string(indent + style.list_offset, ' ') + "- " + written_flow(item, style));
    }
    for (const auto& [name, value] : node.entries) {
        const auto below = written_block(name, value, indent + style.step, style);
        lines.insert(lines.end(), below.begin(), below.end());
    }
    return lines;
}

std::string written_path(const Path& path, const NewNode& node) {
    NewNode whole = node;
    for (std::size_t i = path.size(); i-- > 1;) {
        whole = NewNode::of_map({{path[i], std::move(whole)}});
    }
    return system::join(written_block(path.front(), whole, 0, {}), "\n");
}

bool says(const Node& read, const NewNode& wanted) {
    switch (wanted.kind) {
    case NewNode::Kind::text:
    case NewNode::Kind::word:
        return read.is_scalar() && read.text == wanted.scalar;
    case NewNode::Kind::list:
        return read.is_list() &&
               std::equal(read.items.begin(), read.items.end(), wanted.items.begin(), wanted.items.end(),
                          [](const NodePtr& item, const NewNode& other) { return says(*item, other); });
    case NewNode::Kind::map:
        break;
    }
    return read.is_map() && std::all_of(wanted.entries.begin(), wanted.entries.end(), [&](const auto& entry) {
               const Entry* found = read.find(entry.first);
               return found != nullptr && says(*found->value, entry.second);
           });
}

}  // namespace patroni_pgbackrest::yaml
