#include "yaml/document.hpp"

#include "system/failure.hpp"
#include "yaml/events.hpp"

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <yaml-cpp/yaml.h>

namespace patroni_pgbackrest::yaml {

namespace {

const auto null_node = std::make_shared<const Node>();

std::string place_of(const std::string& name, const YAML::Mark& mark) {
    return fmt::format("{}:{}", name, mark.line + 1);
}

/// A map's entries while it is read, in the order in which their keys came first.
class Entries {
  public:
    /// Replaces the entry with the same key; that one's place, or nothing.
    std::optional<std::string> put(Entry entry) {
        const auto [known, is_new] = positions_.emplace(entry.key, entries_.size());
        if (is_new) {
            entries_.push_back(std::move(entry));
            return std::nullopt;
        }
        return std::exchange(entries_[known->second], std::move(entry)).place;
    }

    std::vector<Entry> take() { return std::move(entries_); }

  private:
    std::vector<Entry> entries_;
    std::unordered_map<std::string, std::size_t> positions_;
};

Failure bad_merge_key(const std::string& place) {
    return Failure(ExitCode::usage, {Problem{"the merge key << names something that is not a map",
                                             "let it name the anchor of a map, or a list of such anchors", place}});
}

/// Builds the tree from yaml-cpp's events. yaml-cpp's own nodes neither keep duplicate keys apart nor resolve merge
/// keys.
class Builder : public YAML::EventHandler {
  public:
    explicit Builder(std::string name) : name_(std::move(name)) {}

    NodePtr root() const { return root_ ? root_ : null_node; }

    const std::vector<RepeatedKey>& repeated() const { return repeated_; }

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Node node;
        node.place = place(mark);
        complete(std::make_shared<const Node>(std::move(node)), anchor);
    }

    void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t anchor) override {
        const auto found = anchors_.find(anchor);
        // Not there yet: an alias inside the node it names. Nothing that concerns us can be such a node.
        complete(found == anchors_.end() ? null_node : found->second, 0);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        Node node;
        node.kind = Node::Kind::scalar;
        node.place = place(mark);
        node.text = value;
        node.plain = tag.empty() || tag == "?";
        complete(std::make_shared<const Node>(std::move(node)), anchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open(Node::Kind::list, mark, anchor);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open(Node::Kind::map, mark, anchor);
    }
    void OnMapEnd() override { close(); }

  private:
    struct Frame {
        Node node;
        YAML::anchor_t anchor = 0;
        NodePtr key;  ///< a map's key that waits for its value
        Entries own, merged;
    };

    std::string place(const YAML::Mark& mark) const { return place_of(name_, mark); }

    void open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
        Frame frame;
        frame.node.kind = kind;
        frame.node.place = place(mark);
        frame.anchor = anchor;
        frames_.push_back(std::move(frame));
    }

    void close() {
        Frame frame = std::move(frames_.back());
        frames_.pop_back();
        for (Entry& entry : frame.own.take()) {
            frame.merged.put(std::move(entry));
        }
        frame.node.entries = frame.merged.take();
        complete(std::make_shared<const Node>(std::move(frame.node)), frame.anchor);
    }

    void complete(const NodePtr& node, YAML::anchor_t anchor) {
        if (anchor != 0) {
            anchors_[anchor] = node;
        }
        if (frames_.empty()) {
            root_ = node;
            return;
        }
        Frame& frame = frames_.back();
        if (frame.node.is_list()) {
            frame.node.items.push_back(node);
        } else if (!frame.key) {
            frame.key = node;
        } else {
            add(frame, *std::exchange(frame.key, nullptr), node);
        }
    }

    void add(Frame& frame, const Node& key, const NodePtr& value) {
        if (key.is_scalar() && key.plain && key.text == "<<") {
            merge(frame.merged, *value, key.place);
        } else if (key.is_scalar()) {
            if (const auto earlier = frame.own.put({key.text, key.place, value})) {
                repeated_.push_back({path_of(key.text), *earlier, key.place});
            }
        }
    }

    /// The path of the keys of the open maps; a list adds nothing to it.
    std::string path_of(const std::string& key) const {
        std::string path;
        for (const Frame& frame : frames_) {
            path += frame.key ? frame.key->text + "." : "";
        }
        return path + key;
    }

    /// As PyYAML's flatten_mapping: in a list, the first map that has a key wins; a map's own keys override all of
    /// them.
    static void merge(Entries& merged, const Node& value, const std::string& place) {
        if (value.is_list()) {
            for (auto item = value.items.rbegin(); item != value.items.rend(); ++item) {
                if (!(*item)->is_map()) {
                    throw bad_merge_key(place);
                }
                merge(merged, **item, place);
            }
        } else if (value.is_map()) {
            for (const Entry& entry : value.entries) {
                merged.put(entry);
            }
        } else {
            throw bad_merge_key(place);
        }
    }

    std::string name_;
    std::vector<Frame> frames_;
    std::map<YAML::anchor_t, NodePtr> anchors_;
    std::vector<RepeatedKey> repeated_;
    NodePtr root_;
};

}  // namespace

const Entry* Node::find(std::string_view key) const {
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.key == key; });
    return found == entries.end() ? nullptr : &*found;
}

const Node& Node::map_at(std::string_view key) const {
    static const Node empty{Kind::map, {}, {}, false, {}, {}};
    const Entry* entry = find(key);
    return entry != nullptr && entry->value->is_map() ? *entry->value : empty;
}

NodePtr make_scalar(std::string text, std::string place) {
    Node node;
    node.kind = Node::Kind::scalar;
    node.text = std::move(text);
    node.place = std::move(place);
    return std::make_shared<const Node>(std::move(node));
}

NodePtr make_map(std::vector<Entry> entries, std::string place) {
    Node node;
    node.kind = Node::Kind::map;
    node.entries = std::move(entries);
    node.place = std::move(place);
    return std::make_shared<const Node>(std::move(node));
}

namespace {

Builder build(const Events& events, const std::string& name) {
    try {
        Builder builder(name);
        events.replay(builder);
        if (events.error_behind) {
            std::rethrow_exception(events.error_behind);
        }
        if (events.second_document) {
            throw Failure(ExitCode::usage, {Problem{"more than one YAML document",
                                                    "remove the line --- between them: Patroni reads a single document",
                                                    place_of(name, *events.second_document)}});
        }
        return builder;
    } catch (const YAML::Exception& error) {
        // After a colon, yaml-cpp may quote what it found, which may be part of a password.
        const std::string reason = error.msg.substr(0, error.msg.find(':'));
        throw Failure(ExitCode::usage, {Problem{fmt::format("broken YAML: {}", reason),
                                                "correct the line, which is not shown because it may hold a password",
                                                place_of(name, error.mark)}});
    }
}

}  // namespace

NodePtr parse(std::string_view text, const std::string& name) {
    return build(*events_of(text), name).root();
}

Document read(std::string text, std::string name) {
    auto events = events_of(text);
    auto tree = build(*events, name).root();
    return {std::move(text), std::move(name), std::move(tree), std::move(events)};
}

std::vector<RepeatedKey> repeated_keys(std::string_view text, const std::string& name) {
    return build(*events_of(text), name).repeated();
}

NodePtr patch(const NodePtr& base, const NodePtr& changes) {
    Node result = *base;
    std::unordered_map<std::string, std::size_t> positions;  // a search for each key would take long in a wide map
    for (std::size_t i = 0; i < result.entries.size(); ++i) {
        positions.emplace(result.entries[i].key, i);
    }
    std::set<std::string> removed;
    for (const Entry& change : changes->entries) {
        const auto known = positions.find(change.key);
        if (change.value->is_null()) {
            removed.insert(change.key);
        } else if (known == positions.end()) {
            result.entries.push_back(change);
        } else {
            auto& old = result.entries[known->second];
            const bool are_maps = change.value->is_map() && old.value->is_map();
            old = are_maps ? Entry{old.key, old.place, patch(old.value, change.value)} : change;
        }
    }
    std::erase_if(result.entries, [&](const Entry& entry) { return removed.contains(entry.key); });
    return std::make_shared<const Node>(std::move(result));
}

std::size_t fingerprint(const Node& node, std::string_view left_out) {
    constexpr std::size_t factor = 1099511628211U;
    auto result = static_cast<std::size_t>(node.kind);
    const auto add = [&](std::size_t part) { result = (result ^ part) * factor; };
    add(std::hash<std::string>()(node.text));
    for (const NodePtr& item : node.items) {
        add(fingerprint(*item, left_out));
    }
    for (const Entry& entry : node.entries) {
        add(std::hash<std::string>()(entry.key));
        if (entry.key != left_out || !entry.value->is_scalar()) {
            add(fingerprint(*entry.value, left_out));
        }
    }
    return result;
}

}  // namespace patroni_pgbackrest::yaml
