#include "system/text.hpp"
#include "yaml/change.hpp"

#include <fmt/format.h>
#include <optional>

namespace patroni_pgbackrest::yaml {

namespace {

bool is_block_map(const Written& node) {
    return node.is_map() && !node.flow && !node.keys.empty();
}

/// How much more a map's values are indented, from the first one that shows it.
std::optional<std::size_t> offset_below(const Outline& outline, const Written& map, Written::Kind kind) {
    for (std::size_t i = 0; is_block_map(map) && i < map.children.size(); ++i) {
        const Written& child = map.children[i];
        if (child.kind != kind || child.flow || child.children.empty()) {
            continue;
        }
        const std::size_t first =
            child.is_map() ? child.keys.front().begin : skip_properties(outline.text(), child.begin);
        const std::size_t key = outline.column(map.keys[i].begin);
        if (outline.column(first) >= key) {
            return outline.column(first) - key;
        }
    }
    return std::nullopt;
}

std::optional<std::size_t> offset_anywhere(const Outline& outline, const Written& node, Written::Kind kind) {
    if (const auto offset = offset_below(outline, node, kind)) {
        return offset;
    }
    for (const Written& child : node.children) {
        if (const auto offset = offset_anywhere(outline, child, kind)) {
            return offset;
        }
    }
    return std::nullopt;
}

std::size_t offset_near(const Outline& outline, const Written& map, Written::Kind kind) {
    const auto near = offset_below(outline, map, kind);
    return near ? *near : offset_anywhere(outline, outline.root(), kind).value_or(2);
}

NewNode nested(const Path& path, std::size_t depth, NewNode wanted) {
    for (std::size_t i = path.size(); i-- > depth + 1;) {
        wanted = NewNode::of_map({{path[i], std::move(wanted)}});
    }
    return wanted;
}

/// The lines, each after a line end: the line before them keeps its own.
std::string behind_line(const std::vector<std::string>& lines, std::string_view line_break) {
    std::string text;
    for (const std::string& line : lines) {
        text += line_break;
        text += line;
    }
    return text;
}

std::string pair_in_flow(const std::string& key, const NewNode& node, const Style& style) {
    const std::string map = written_flow(NewNode::of_map({{key, node}}), style);
    return map.substr(1, map.size() - 2);
}

bool only_white_space(const std::string& text, std::size_t begin, std::size_t end) {
    return text.find_first_not_of(" \t\r\n", begin) >= end;
}

std::string into_flow_map(const Change& change, const Written& map, const std::string& pair) {
    const Outline& outline = change.outline();
    std::string text = outline.text();
    const std::size_t content = skip_properties(text, map.begin);
    if (text[content] != '{' || text[map.end - 1] != '}') {
        change.refuse(map.begin, "a pair in a list without braces cannot take another key");
    }
    if (map.keys.empty()) {
        return text.insert(content + 1, pair);
    }
    const std::size_t last = map.children.back().end;
    const std::size_t key = map.keys.back().begin;
    const std::size_t next = text.find_first_not_of(" \t\r\n", last);
    if (next == std::string::npos) {  // `{a: !}`, which yaml-cpp reads and PyYAML does not
        change.refuse(map.children.back().begin, "there is only an anchor or a tag where the value should be");
    }
    const bool has_comma = text[next] == ',';
    const std::size_t behind = has_comma ? next + 1 : last;
    const std::string comma = has_comma ? "" : ",";
    const bool own_line = only_white_space(text, outline.line_begin(key), key) && outline.line_begin(key) > map.begin &&
                          outline.line_end(last) < map.end;
    if (!own_line) {
        return text.insert(behind, comma + " " + pair);
    }
    const std::string line = std::string(outline.line_break(last)) + std::string(outline.column(key), ' ') + pair;
    const std::size_t end_of_line = outline.line_end(behind);
    text.insert(end_of_line, line + (has_comma ? "," : ""));
    return text.insert(last, comma);
}

/// The end of a map's last line, including the comments after it that are indented more than its keys: they belong to
/// its last value.
std::size_t end_of_map(const Outline& outline, const Written& map) {
    const std::size_t indent = outline.column(map.keys.front().begin);
    std::size_t end = outline.line_end(map.end);
    for (std::size_t line = outline.next_line(map.end); line < outline.text().size(); line = outline.next_line(line)) {
        const std::size_t first = outline.text().find_first_not_of(' ', line);
        if (first == std::string::npos) {
            break;
        }
        const bool is_blank = first == outline.line_end(line);
        const bool is_theirs = outline.text()[first] == '#' && outline.column(first) > indent;
        if (!is_blank && !is_theirs) {
            break;
        }
        if (is_theirs) {
            end = outline.line_end(line);
        }
    }
    return end;
}

std::string into_map(const Change& change, const Place& place, const NewNode& node) {
    const Outline& outline = change.outline();
    const Written& map = *place.map;
    const std::string& key = change.path()[place.depth];
    const Style style = style_near(outline, map);
    if (place.flow) {
        return into_flow_map(change, map, pair_in_flow(key, node, style));
    }
    const auto lines = written_block(key, node, outline.column(map.keys.front().begin), style);
    std::string text = outline.text();
    const std::size_t end = end_of_map(outline, map);
    return text.insert(end, behind_line(lines, outline.line_break(end)));
}

/// A key without a value gets a map or a list.
std::string below_key(const Change& change, const Place& place, const NewNode& node) {
    const Outline& outline = change.outline();
    const Written& key = place.key();
    const Written& value = place.value();
    const Style style = style_near(outline, *place.map);
    std::string text = outline.text();
    const bool is_word = value.end > value.begin;
    if (is_word && (text[value.begin] == '&' || text[value.begin] == '!')) {
        change.refuse(value.begin, "there is only an anchor or a tag where the value should be");
    }
    if (place.flow) {
        const std::string written = written_flow(node, style);
        return is_word ? text.replace(value.begin, value.end - value.begin, written)
                       : text.insert(value.begin, " " + written);
    }
    auto lines = written_block(key.text, node, outline.column(key.begin), style);
    lines.erase(lines.begin());
    text.insert(outline.line_end(key.end), behind_line(lines, outline.line_break(key.end)));
    if (is_word) {
        const std::size_t begin = text.find_last_not_of(" \t", value.begin - 1) + 1;
        text.erase(begin, value.end - begin);
    }
    return text;
}

/// The comment behind the `|` or `>` of a block scalar, with the space before it.
std::string comment_in_header(const Outline& outline, const Written& value, bool flow) {
    const std::string& text = outline.text();
    const std::size_t begin = skip_properties(text, value.begin);
    if (flow || !value.is_scalar() || (text[begin] != '|' && text[begin] != '>')) {
        return {};
    }
    const std::string header = text.substr(begin, outline.line_end(begin) - begin);
    const std::size_t comment = header.find('#');
    return comment == std::string::npos ? std::string()
                                        : header.substr(header.find_last_not_of(" \t", comment - 1) + 1);
}

std::string in_place_of(const Change& change, const Place& place, const NewNode& wanted) {
    const Outline& outline = change.outline();
    const Written& value = place.value();
    change.require_unused(value, value.end, value.end);
    const std::string scalar = written_scalar(wanted, style_near(outline, *place.map), place.flow);
    std::string text = outline.text();
    return value.end == value.begin ? text.insert(value.begin, " " + scalar)
                                    : text.replace(value.begin, value.end - value.begin,
                                                   scalar + comment_in_header(outline, value, place.flow));
}

}  // namespace

Style style_near(const Outline& outline, const Written& map) {
    Style style;
    style.step = offset_near(outline, map, Written::Kind::map);
    style.list_offset = offset_near(outline, map, Written::Kind::list);
    const Written& with_keys = map.keys.empty() ? outline.root() : map;
    style.double_quotes =
        with_keys.flow && !with_keys.keys.empty() && outline.text()[with_keys.keys.front().begin] == '"';
    return style;
}

std::string with_new_value(const Change& change, const NewNode& wanted) {
    const Place place = change.locate();
    if (place.kind == Place::Kind::missing) {
        return into_map(change, place, nested(change.path(), place.depth, wanted));
    }
    if (place.kind == Place::Kind::empty) {
        return below_key(change, place, nested(change.path(), place.depth, wanted));
    }
    const Written& value = place.value();
    if (value.is_null() && !wanted.is_scalar()) {
        return below_key(change, place, wanted);
    }
    if (!wanted.is_scalar()) {
        change.refuse(value.begin, fmt::format("{} is no {}", text(change.path()),
                                               wanted.kind == NewNode::Kind::list ? "list" : "map"));
    }
    if (!value.is_null() && !value.is_scalar()) {
        change.refuse(value.begin, text(change.path()) + " is not a single value");
    }
    return in_place_of(change, place, wanted);
}

std::string with_first_item(const Change& change, const NewNode& item) {
    const Place place = change.locate();
    const Outline& outline = change.outline();
    const Written& list = place.value();
    if (!list.is_list()) {
        change.refuse(list.begin, text(change.path()) + " is no list");
    }
    if (!outline.aliases_of(list.anchor).empty()) {
        change.require_unused(list, list.end, list.end);
    }
    std::string text = outline.text();
    const std::size_t content = skip_properties(text, list.begin);
    const std::string written = written_flow(item, style_near(outline, *place.map));
    if (list.flow) {
        const bool line_ends = text[content + 1] == '\n' || text[content + 1] == '\r';
        return text.insert(content + 1, written + (list.children.empty() ? "" : line_ends ? "," : ", "));
    }
    const std::size_t line = outline.line_begin(content);
    return text.insert(
        line, fmt::format("{}- {}{}", text.substr(line, content - line), written, outline.line_break(content)));
}

}  // namespace patroni_pgbackrest::yaml
