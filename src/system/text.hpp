#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::system {

std::string_view trim(std::string_view text);
std::vector<std::string> split(std::string_view text, char separator);
std::vector<std::string> lines(std::string_view text);
std::string join(const std::vector<std::string>& words, std::string_view separator);
std::string lower(std::string_view text);
/// The words that a POSIX shell would see, as Python's shlex.split does it (Patroni splits `command` with that). Empty
/// if a quote is not closed.
std::optional<std::vector<std::string>> shell_words(std::string_view text);
/// An unsigned number in `base`, with nothing before or after it.
std::optional<std::uint64_t> number(std::string_view text, int base = 10);
/// The candidate with the fewest edits, if there are few enough for a typo.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

/// The same with U+FFFD for what is not UTF-8.
std::string valid_utf8(const std::string& text);

/// The bytes of the control character there, 0 where there is none: also of those behind ASCII (U+0080 to U+009F), with
/// one of which a terminal's commands begin as well.
std::size_t control_length(std::string_view text, std::size_t position);
/// A space for each control character.
std::string on_one_line(std::string_view text);

/// A short text that is the same for the same text. Whoever has it can try texts against it: none of secrets.
std::string fingerprint(std::string_view text);

/// `12 MB`, `3.4 GB`.
std::string size_text(std::uint64_t bytes);

/// What is said of a file of ours that a newer program wrote; `word` is what it calls its number there.
std::string newer_file(std::string_view file, std::string_view word, std::uint64_t written, std::uint64_t known);

/// A word as a shell needs it: quoted where it has to be.
std::string shell_word(std::string_view word);

}  // namespace patroni_pgbackrest::system
