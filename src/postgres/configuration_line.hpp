#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

/// One line of a configuration file, read as guc-file.l reads it (13 to 18).
struct ConfigurationLine {
    std::string name;  ///< in lower case; empty for comments, blank lines and lines that PostgreSQL refuses
    std::optional<std::string> value;  ///< unquoted; empty if PostgreSQL refuses the line

    static ConfigurationLine read(std::string_view line);
};

/// The text cut after every line feed. Nothing is lost: joined, the lines are the text again.
std::vector<std::string_view> whole_lines(std::string_view text);
/// The line without its end, LF or CRLF.
std::string_view without_line_end(std::string_view line);

}  // namespace patroni_pgbackrest::postgres
