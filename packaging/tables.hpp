#pragma once

#include <map>
#include <string>
#include <string_view>

namespace patroni_pgbackrest::packaging {

/// What the templates are filled with: pieces made from the option table, the exit code table and the table of checks,
/// so that the documents cannot say anything else than --help and the code do. No value ends with a newline.
using Values = std::map<std::string, std::string>;

/// For patroni_pgbackrest.1.in; `date` is `2026-11-22`.
Values manual_page_values(std::string_view date);
/// For patroni_pgbackrest.bash.in.
Values completion_values();
/// For exit-codes.md.in.
Values exit_code_values();
/// For checks.md.in.
Values check_values();

/// The text in lines of at most `width` bytes, where it has a space to break at.
std::string wrapped(std::string_view text, std::size_t width, std::string_view line_break = "\n");
/// Text for roff: in short lines, with hyphens that stay hyphens, and no line that would be taken for a request.
std::string roff(std::string_view text);

}  // namespace patroni_pgbackrest::packaging
