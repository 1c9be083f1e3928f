#include "yaml/outline.hpp"

#include "yaml/events.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>
#include <yaml-cpp/yaml.h>

namespace patroni_pgbackrest::yaml {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

class Writer : public YAML::EventHandler {
  public:
    /// `offset`: bytes that yaml-cpp leaves out of its positions, which otherwise count bytes (0.6 to 0.8).
    Writer(std::size_t offset, std::multimap<std::size_t, std::size_t>& aliases) : offset_(offset), aliases_(aliases) {}

    Written take_root() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(node(Written::Kind::null, mark, anchor));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Written alias = node(Written::Kind::alias, mark, anchor);
        aliases_.emplace(anchor, alias.begin);
        add(std::move(alias));
    }
    void OnScalar(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  const std::string& value) override {
        Written scalar = node(Written::Kind::scalar, mark, anchor);
        scalar.text = value;
        add(std::move(scalar));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override {
        open(Written::Kind::list, mark, anchor, style);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override {
        open(Written::Kind::map, mark, anchor, style);
    }
    void OnMapEnd() override { close(); }

  private:
    Written node(Written::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) const {
        Written result;
        result.kind = kind;
        result.begin = static_cast<std::size_t>(mark.pos) + offset_;
        result.anchor = anchor;
        return result;
    }

    void open(Written::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
        open_.push_back(node(kind, mark, anchor));
        open_.back().flow = style == YAML::EmitterStyle::Flow;
    }

    void close() {
        Written closed = std::move(open_.back());
        open_.pop_back();
        add(std::move(closed));
    }

    void add(Written node) {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Written& parent = open_.back();
        const bool is_key = parent.is_map() && parent.keys.size() == parent.children.size();
        (is_key ? parent.keys : parent.children).push_back(std::move(node));
    }

    std::size_t offset_;
    std::multimap<std::size_t, std::size_t>& aliases_;
    std::vector<Written> open_;
    Written root_;
};

}  // namespace

Outline::Outline(const Document& document) : text_(document.text), name_(document.name) {
    const std::size_t offset = text_.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
    Writer writer(offset, aliases_);
    document.events->replay(writer);
    root_ = writer.take_root();
    measure(text_, root_);
}

std::vector<std::size_t> Outline::aliases_of(std::size_t anchor) const {
    std::vector<std::size_t> places;
    const auto [first, last] = aliases_.equal_range(anchor);
    for (auto alias = first; anchor != 0 && alias != last; ++alias) {
        places.push_back(alias->second);
    }
    return places;
}

std::string Outline::place(std::size_t position) const {
    const auto begin = text_.begin();
    const auto until = begin + static_cast<std::ptrdiff_t>(std::min(position, text_.size()));
    return fmt::format("{}:{}", name_, std::count(begin, until, '\n') + 1);
}

std::size_t Outline::line_begin(std::size_t position) const {
    const std::size_t before = position == 0 ? std::string::npos : text_.rfind('\n', position - 1);
    return before == std::string::npos ? 0 : before + 1;
}

std::size_t Outline::line_end(std::size_t position) const {
    const std::size_t found = text_.find('\n', position);
    if (found == std::string::npos) {
        return text_.size();
    }
    return found > position && text_[found - 1] == '\r' ? found - 1 : found;
}

std::size_t Outline::next_line(std::size_t position) const {
    const std::size_t found = text_.find('\n', position);
    return found == std::string::npos ? text_.size() : found + 1;
}

std::string_view Outline::line_break(std::size_t position) const {
    std::size_t end = text_.find('\n', position);
    if (end == std::string::npos) {
        end = text_.find('\n');
    }
    return end != std::string::npos && end > 0 && text_[end - 1] == '\r' ? "\r\n" : "\n";
}

}  // namespace patroni_pgbackrest::yaml
