#include "yaml/events.hpp"

#include <algorithm>
#include <cstddef>
#include <list>
#include <mutex>
#include <sstream>
#include <utility>
#include <yaml-cpp/yaml.h>

namespace patroni_pgbackrest::yaml {

namespace {

using Kind = Events::Event::Kind;

class Recorder : public YAML::EventHandler {
  public:
    std::vector<Events::Event> take() { return std::move(events_); }

    void OnDocumentStart(const YAML::Mark& mark) override { add(Kind::document_start, mark); }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(Kind::null, mark, anchor); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { add(Kind::alias, mark, anchor); }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        auto& event = add(Kind::scalar, mark, anchor);
        event.tag = tag;
        event.text = value;
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override {
        open(Kind::list_start, mark, tag, anchor, style);
    }
    void OnSequenceEnd() override { add(Kind::list_end, {}); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override {
        open(Kind::map_start, mark, tag, anchor, style);
    }
    void OnMapEnd() override { add(Kind::map_end, {}); }
    void OnAnchor(const YAML::Mark& mark, const std::string& name) override { add(Kind::anchor, mark).text = name; }

  private:
    Events::Event& add(Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor = 0) {
        auto& event = events_.emplace_back();
        event.kind = kind;
        event.mark = mark;
        event.anchor = anchor;
        return event;
    }

    void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
              YAML::EmitterStyle::value style) {
        auto& event = add(kind, mark, anchor);
        event.tag = tag;
        event.style = style;
    }

    std::vector<Events::Event> events_;
};

std::optional<YAML::Mark> start_of(const std::vector<Events::Event>& events) {
    return events.empty() ? YAML::Mark() : events.front().mark;
}

Events read_events(std::string text) {
    Events events;
    events.text = std::move(text);
    std::istringstream stream(events.text);
    Recorder first, second;
    std::optional<YAML::Parser> parser;
    bool is_there = false;
    try {
        parser.emplace(stream);
        is_there = parser->HandleNextDocument(first);
    } catch (const YAML::Exception&) {
        events.error = std::current_exception();
    }
    events.first_document = first.take();
    try {
        if (is_there && parser->HandleNextDocument(second)) {
            events.second_document = start_of(second.take());
        }
    } catch (const YAML::Exception&) {
        events.error_behind = std::current_exception();
    }
    return events;
}

/// The texts that were read last, the newest first: a directory's files, what `configure` makes of one.
class Known {
  public:
    std::shared_ptr<const Events> of(std::string_view text) {
        const std::lock_guard lock(mutex_);
        const auto found =
            std::find_if(texts_.begin(), texts_.end(), [&](const auto& known) { return known->text == text; });
        if (found != texts_.end()) {
            texts_.splice(texts_.begin(), texts_, found);
        } else {
            texts_.push_front(std::make_shared<const Events>(read_events(std::string(text))));
            forget_old_ones();
        }
        return texts_.front();
    }

  private:
    /// The events of a text take some 30 times its room.
    void forget_old_ones() {
        constexpr std::size_t most = std::size_t{1} << 20;
        std::size_t size = 0;
        for (auto known = texts_.begin(); known != texts_.end();) {
            size += (*known)->text.size();
            known = size > most && known != texts_.begin() ? texts_.erase(known) : std::next(known);
        }
    }

    std::mutex mutex_;
    std::list<std::shared_ptr<const Events>> texts_;
};

void tell(const Events::Event& event, YAML::EventHandler& handler) {
    switch (event.kind) {
    case Kind::document_start:
        return handler.OnDocumentStart(event.mark);
    case Kind::null:
        return handler.OnNull(event.mark, event.anchor);
    case Kind::alias:
        return handler.OnAlias(event.mark, event.anchor);
    case Kind::scalar:
        return handler.OnScalar(event.mark, event.tag, event.anchor, event.text);
    case Kind::list_start:
        return handler.OnSequenceStart(event.mark, event.tag, event.anchor, event.style);
    case Kind::list_end:
        return handler.OnSequenceEnd();
    case Kind::map_start:
        return handler.OnMapStart(event.mark, event.tag, event.anchor, event.style);
    case Kind::map_end:
        return handler.OnMapEnd();
    case Kind::anchor:
        return handler.OnAnchor(event.mark, event.text);
    }
}

}  // namespace

void Events::replay(YAML::EventHandler& handler) const {
    for (const auto& event : first_document) {
        tell(event, handler);
    }
    if (error) {
        std::rethrow_exception(error);
    }
}

std::shared_ptr<const Events> events_of(std::string_view text) {
    static Known known;
    return known.of(text.substr(0, text.find_last_not_of(" \t\r\n") + 1));
}

}  // namespace patroni_pgbackrest::yaml
