#include "yaml/place.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace patroni_pgbackrest::yaml {

namespace {

/// If a key occurs twice, the last one counts, as in PyYAML.
std::optional<std::size_t> index_of(const Written& map, const std::string& key) {
    for (std::size_t i = map.keys.size(); i-- > 0;) {
        if (map.keys[i].is_scalar() && map.keys[i].text == key) {
            return i;
        }
    }
    return std::nullopt;
}

std::string first_keys(const Path& path, std::size_t count) {
    return text(Path(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(count)));
}

}  // namespace

Change::Change(const Document& document, const Path& path, std::string by_hand)
    : by_hand_(std::move(by_hand)), path_(path), outline_(document), tree_(document.tree) {}

void Change::refuse(std::size_t position, const std::string& message) const {
    throw Failure(ExitCode::usage, {Problem{message, by_hand_, outline_.place(position)}});
}

void Change::require_unused(const Written& node, std::size_t begin, std::size_t end) const {
    const auto aliases = outline_.aliases_of(node.is_alias() ? 0 : node.anchor);
    const auto outside =
        std::find_if(aliases.begin(), aliases.end(), [&](std::size_t alias) { return alias < begin || alias >= end; });
    if (outside != aliases.end()) {
        refuse(node.begin, fmt::format("an alias in {} uses the anchor here, and would change with {}",
                                       outline_.place(*outside), text(path_)));
    }
    for (const auto* below : {&node.keys, &node.children}) {
        for (const Written& child : *below) {
            require_unused(child, begin, end);
        }
    }
}

Place Change::locate(bool may_be_alias) const {
    Place place;
    const Written* written = &outline_.root();
    const Node* read = tree_.get();
    for (place.depth = 0;; ++place.depth) {
        if (!written->is_map() || !read->is_map()) {
            refuse(written->begin, place.depth == 0 ? std::string("the top level is not a map")
                                                    : first_keys(path_, place.depth) + " is not a map");
        }
        if (const auto aliases = outline_.aliases_of(written->anchor); !aliases.empty()) {
            refuse(written->begin,
                   fmt::format("{} has an anchor, and an alias in {} would change with it",
                               place.depth == 0 ? std::string("the top level") : first_keys(path_, place.depth),
                               outline_.place(aliases.front())));
        }
        place.map = written;
        place.flow = place.flow || written->flow;
        const std::string& key = path_[place.depth];
        const auto index = index_of(*written, key);
        const Entry* entry = read->find(key);
        if (!index) {
            if (entry != nullptr) {
                refuse(written->begin,
                       fmt::format("{} comes from a merge key (<<), so that a change of it would change other maps too",
                                   first_keys(path_, place.depth + 1)));
            }
            place.kind = Place::Kind::missing;
            return place;
        }
        place.index = *index;
        const Written& value = place.value();
        const std::size_t colon = outline_.text().find_first_not_of(" \t", place.key().end);
        if (colon == std::string::npos || outline_.text()[colon] != ':') {
            refuse(place.key().begin, first_keys(path_, place.depth + 1) + " is written with ? and :");
        }
        const bool is_end = place.depth + 1 == path_.size();
        if (value.is_alias() && !(is_end && may_be_alias)) {
            refuse(value.begin, fmt::format("{} is an alias, and its value is used elsewhere too",
                                            first_keys(path_, place.depth + 1)));
        }
        if (is_end) {
            place.kind = Place::Kind::found;
            return place;
        }
        if (value.is_null()) {
            place.kind = Place::Kind::empty;
            return place;
        }
        written = &value;
        read = entry->value.get();
    }
}

}  // namespace patroni_pgbackrest::yaml
