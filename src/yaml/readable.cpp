#include "yaml/readable.hpp"

#include "system/failure.hpp"
#include "yaml/events.hpp"
#include "yaml/outline.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>
#include <string_view>
#include <yaml-cpp/yaml.h>

namespace patroni_pgbackrest::yaml {

namespace {

[[noreturn]] void refuse(const std::string& place, const std::string& message, const std::string& hint) {
    throw Failure(ExitCode::usage, {Problem{"Patroni cannot read the file: " + message, hint, place}});
}

/// PyYAML's SafeConstructor.
bool is_known(const std::string& tag) {
    static constexpr std::string_view prefix = "tag:yaml.org,2002:";
    static constexpr std::array<std::string_view, 12> known = {"null", "bool",  "int", "float", "binary", "timestamp",
                                                               "omap", "pairs", "set", "str",   "seq",    "map"};
    return tag.empty() || tag == "?" || tag == "!" ||
           (tag.starts_with(prefix) && std::find(known.begin(), known.end(), tag.substr(prefix.size())) != known.end());
}

/// Looks at what the events tell.
class Listener : public YAML::EventHandler {
  public:
    explicit Listener(const std::string& name) : name_(name) {}

    void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
    void OnAlias(const YAML::Mark& /*mark*/, YAML::anchor_t /*anchor*/) override {}
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                  const std::string& value) override {
        look_at(mark, tag);
        if (tag.empty() || tag == "?") {
            if (value == "=" || (!value.empty() && std::string_view("@`%").find(value[0]) != std::string_view::npos)) {
                refuse(place(mark), fmt::format("a value begins with {}", value[0]), "put the value in quotes");
            }
        }
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                         YAML::EmitterStyle::value /*style*/) override {
        look_at(mark, tag);
    }
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                    YAML::EmitterStyle::value /*style*/) override {
        look_at(mark, tag);
    }
    void OnMapEnd() override {}
    void OnAnchor(const YAML::Mark& mark, const std::string& anchor) override {
        if (!anchors_.insert(anchor).second) {
            refuse(place(mark), "there is another anchor of that name",
                   "give each anchor its own name; if it is a value that begins with &, put it in quotes");
        }
    }

  private:
    std::string place(const YAML::Mark& mark) const { return fmt::format("{}:{}", name_, mark.line + 1); }

    void look_at(const YAML::Mark& mark, const std::string& tag) const {
        if (!is_known(tag)) {
            // Its name may be a password that begins with an exclamation mark.
            refuse(place(mark), "it does not know a tag there",
                   "write the value itself, without a tag; if it begins with !, put it in quotes");
        }
    }

    std::string name_;
    std::set<std::string> anchors_;
};

/// Marks what may hold tabs: quoted scalars, and block scalars behind their first line.
void mark_texts(const Outline& outline, const Written& node, std::vector<bool>& is_text) {
    if (node.is_scalar()) {
        const std::size_t begin = skip_properties(outline.text(), node.begin);
        const char first = begin < outline.text().size() ? outline.text()[begin] : ' ';
        const bool is_block = first == '|' || first == '>';
        if (is_block || first == '"' || first == '\'') {
            std::fill(is_text.begin() + static_cast<std::ptrdiff_t>(is_block ? outline.line_end(begin) : begin),
                      is_text.begin() + static_cast<std::ptrdiff_t>(std::max(node.end, begin)), true);
        }
    }
    for (const auto* below : {&node.keys, &node.children}) {
        for (const Written& child : *below) {
            mark_texts(outline, child, is_text);
        }
    }
}

void refuse_tabs(const std::string& text, const std::string& name) {
    const Outline outline(read(text, name));
    std::vector<bool> is_text(text.size());
    mark_texts(outline, outline.root(), is_text);
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool begins_comment =
            text[at] == '#' && !is_text[at] && (at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n');
        if (begins_comment) {
            at = outline.line_end(at);
        } else if (text[at] == '\t' && !is_text[at]) {
            refuse(outline.place(at), "there is a tab between values", "write spaces instead of it");
        }
    }
}

std::size_t line_of(const std::string& text, std::size_t at) {
    return static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n')) + 1;
}

void refuse_control_characters(const std::string& text, const std::string& name) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto sign = static_cast<unsigned char>(text[at]);
        if ((sign < 0x20 && sign != '\t' && sign != '\n' && sign != '\r') || sign == 0x7f) {
            refuse(fmt::format("{}:{}", name, line_of(text, at)),
                   fmt::format("there is a control character (#x{:02x})", sign),
                   "take it out, or write it as an escape in double quotes");
        }
    }
}

/// The bytes of the character that begins there, as UTF-8 has them; 0 if they are none.
std::size_t length_of_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
    const auto first = byte(0);
    const std::size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) {
            return 0;
        }
    }
    const bool is_overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
    const bool is_none = (first == 0xed && byte(1) >= 0xa0) || first > 0xf4 || (first == 0xf4 && byte(1) >= 0x90);
    return is_overlong || is_none ? 0 : length;
}

/// Patroni opens the file as UTF-8, and PyYAML (reader.py, NON_PRINTABLE) refuses U+0080 to U+009F but U+0085, and
/// U+FFFE and U+FFFF.
void refuse_other_encodings(const std::string& text, const std::string& name) {
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
        refuse(name, "it is in UTF-16", "save it in UTF-8");
    }
    for (std::size_t at = 0; at < text.size();) {
        const auto rest = std::string_view(text).substr(at);
        const auto length = length_of_character(rest);
        if (length == 0) {
            refuse(fmt::format("{}:{}", name, line_of(text, at)),
                   fmt::format("byte #x{:02x} is not of UTF-8", static_cast<unsigned char>(text[at])),
                   "save the file in UTF-8");
        }
        const bool is_control = length == 2 && rest[0] == '\xc2' && rest[1] < '\xa0' && rest[1] != '\x85';
        if (is_control || rest.starts_with("\xef\xbf\xbe") || rest.starts_with("\xef\xbf\xbf")) {
            refuse(fmt::format("{}:{}", name, line_of(text, at)), "there is a character that cannot be printed",
                   "take it out, or write it as an escape in double quotes");
        }
        at += length;
    }
}

}  // namespace

void require_readable_by_patroni(const std::string& text, const std::string& name) {
    refuse_other_encodings(text, name);
    refuse_control_characters(text, name);
    Listener listener(name);
    try {
        events_of(text)->replay(listener);
    } catch (const YAML::Exception&) {
        return;  // parse() says what is wrong
    }
    if (text.find('\t') != std::string::npos) {
        refuse_tabs(text, name);
    }
}

}  // namespace patroni_pgbackrest::yaml
