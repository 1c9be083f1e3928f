#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::patroni {

/// The words of a command line, as a shell reads them; those of a quoted line in it (`bash -c "…"`) one by one. Empty
/// if a quote is not closed.
std::vector<std::string> command_words(const std::string& command);

/// The file that a word names, by its whole path or found through PATH, as Patroni and a shell find it; nothing if it
/// is an option, an assignment, or no such file.
std::optional<std::filesystem::path> file_of(const std::string& word);

/// From the program on, whatever wrapper stands before it (`env X=y`, `nice`); empty if it is not called. It is known
/// by its file name, or by that of the file to which a link of another name leads.
std::vector<std::string> words_from(const std::string& command, std::string_view program);

/// How a split command line calls patroni_pgbackrest.
struct CallOfUs {
    std::vector<std::string> variables;  ///< NAME=VALUE before the program (`env X=y`), which it gets as variables
    std::vector<std::string> words;      ///< from the verb on

    bool sets(std::string_view variable) const;
};
/// Nothing if that verb does not stand right behind the program, or if a line for a shell stands before it
/// (`sh -c '…' patroni_pgbackrest bootstrap`), whose own words are not the program's.
std::optional<CallOfUs> call_of_us(const std::vector<std::string>& words, std::string_view verb);

/// Whether it calls patroni_pgbackrest with that command.
bool calls_us(const std::string& command, std::string_view verb);
/// Whether it calls pgbackrest with that command, before or behind its options.
bool calls_pgbackrest(const std::string& command, std::string_view verb);

/// Each value of an option, `--name=value` or `--name value`; empty for a flag. Several commands in a line (`a && b`)
/// are not told apart.
std::vector<std::string> values_in(const std::vector<std::string>& words, std::string_view name);
/// The last value of an option, `--name=value` or `--name value`; empty for a flag, nothing if it is not there.
std::optional<std::string> option_in(const std::vector<std::string>& words, std::string_view name);

/// The command line without these options, each other byte kept; nothing if one of them is in a quoted line in it.
std::optional<std::string> without_options(const std::string& command, const std::vector<std::string>& names);
/// With another value for an option that it has.
std::optional<std::string> with_option(const std::string& command, const std::string& name, const std::string& value);

}  // namespace patroni_pgbackrest::patroni
