#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

namespace patroni_pgbackrest::yaml {

/// What yaml-cpp tells of a text. Reading is slow, and one text is read for its values, for its layout and for what
/// PyYAML would refuse, so it is kept.
struct Events {
    struct Event {
        enum class Kind { document_start, null, alias, scalar, list_start, list_end, map_start, map_end, anchor };

        Kind kind = Kind::null;
        YAML::Mark mark;
        YAML::anchor_t anchor = 0;
        YAML::EmitterStyle::value style = YAML::EmitterStyle::Default;
        std::string tag;
        std::string text;  ///< a scalar's content, an anchor's name
    };

    std::string text;
    std::vector<Event> first_document;
    std::exception_ptr error;                   ///< that ended it
    std::optional<YAML::Mark> second_document;  ///< where it begins
    std::exception_ptr error_behind;            ///< in the second document

    /// Tells all of the first document again; throws YAML::Exception where reading it did.
    void replay(YAML::EventHandler& handler) const;
};

/// The events of a text without the white space at its end: yaml-cpp (0.7) does not notice an unclosed quote before it.
/// Texts that were read last are not read again. Throws nothing of yaml-cpp's.
std::shared_ptr<const Events> events_of(std::string_view text);

}  // namespace patroni_pgbackrest::yaml
