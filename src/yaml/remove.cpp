#include "yaml/change.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest::yaml {

namespace {

bool begins_line(const Outline& outline, std::size_t position) {
    const std::size_t line = outline.line_begin(position);
    return outline.text().find_first_not_of(' ', line) == position;
}

/// The comma after a value in braces; npos if there is none.
std::size_t comma_behind(const std::string& text, std::size_t end) {
    const std::size_t next = text.find_first_not_of(" \t\r\n", end);
    return next != std::string::npos && text[next] == ',' ? next : std::string::npos;
}

/// Whether only a comment follows on the line.
bool ends_line(const Outline& outline, std::size_t position) {
    const std::size_t next = outline.text().find_first_not_of(" \t", position);
    return next >= outline.line_end(position) || outline.text()[next] == '#';
}

std::string without_pair(const Outline& outline, const Written& map, std::size_t index) {
    std::string text = outline.text();
    const std::size_t begin = map.keys[index].begin;
    const std::size_t end = std::max(map.keys[index].end, map.children[index].end);
    const bool is_last = index + 1 == map.keys.size();
    const std::size_t comma = comma_behind(text, end);
    const std::size_t behind = comma == std::string::npos ? end : comma + 1;
    if (begins_line(outline, begin) && ends_line(outline, behind) && outline.line_end(behind) < map.end) {
        const std::size_t line = outline.line_begin(begin);
        text.erase(line, outline.next_line(behind) - line);
        if (is_last && index > 0 && comma == std::string::npos) {
            text.erase(comma_behind(text, map.children[index - 1].end), 1);
        }
    } else if (is_last && index > 0) {
        const std::size_t before = map.children[index - 1].end;
        text.erase(before, end - before);
    } else {
        const std::size_t next = text.find_first_not_of(" \t", behind);
        text.erase(begin, (is_last ? behind : next) - begin);
    }
    return text;
}

}  // namespace

std::string without_entry(const Change& change) {
    const Place place = change.locate(true);
    const Outline& outline = change.outline();
    if (place.kind != Place::Kind::found) {
        change.refuse(place.map->begin, text(change.path()) + " is not where it is read from");
    }
    const Written& key = place.key();
    const std::size_t end = std::max(key.end, place.value().end);
    change.require_unused(key, key.begin, end);
    change.require_unused(place.value(), key.begin, end);
    if (place.flow) {
        return without_pair(outline, *place.map, place.index);
    }
    if (!begins_line(outline, key.begin)) {
        change.refuse(key.begin, text(change.path()) + " shares its line with something else");
    }
    std::string text = outline.text();
    const std::size_t line = outline.line_begin(key.begin);
    text.erase(line, outline.next_line(end) - line);
    // A file whose last line has no end is left as such.
    if (line > 0 && line == text.size() && outline.text().back() != '\n') {
        text.erase(outline.line_end(outline.line_begin(line - 1)));
    }
    return text;
}

}  // namespace patroni_pgbackrest::yaml
