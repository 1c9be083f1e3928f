#pragma once

#include "yaml/document.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// YAML as written, with the byte range of every node, so that a text can be changed in one place and stays as it is
/// everywhere else.
namespace patroni_pgbackrest::yaml {

/// A node as written: aliases and merge keys are not resolved, and a key that occurs twice is there twice.
struct Written {
    enum class Kind { null, scalar, list, map, alias };

    Kind kind = Kind::null;
    bool flow = false;              ///< a list or a map in brackets
    std::size_t begin = 0;          ///< its first byte: that of its anchor or tag, if any
    std::size_t end = 0;            ///< after its last byte, without comment and line end; equal to begin if empty
    std::size_t anchor = 0;         ///< its own; for an alias, the one it names; 0 if none
    std::string text;               ///< a scalar's content
    std::vector<Written> keys;      ///< of a map
    std::vector<Written> children;  ///< a map's values, in the order of its keys, or a list's items

    bool is_null() const { return kind == Kind::null; }
    bool is_scalar() const { return kind == Kind::scalar; }
    bool is_list() const { return kind == Kind::list; }
    bool is_map() const { return kind == Kind::map; }
    bool is_alias() const { return kind == Kind::alias; }
};

/// One document and its text.
class Outline {
  public:
    explicit Outline(const Document& document);

    const std::string& text() const { return text_; }
    const std::string& name() const { return name_; }
    const Written& root() const { return root_; }
    /// The places of an anchor's aliases.
    std::vector<std::size_t> aliases_of(std::size_t anchor) const;

    /// `patroni.yml:17`
    std::string place(std::size_t position) const;
    std::size_t line_begin(std::size_t position) const;
    /// The position before the line's end (`\n`, `\r\n`), or the end of the text.
    std::size_t line_end(std::size_t position) const;
    /// The position after the line's end.
    std::size_t next_line(std::size_t position) const;
    std::size_t column(std::size_t position) const { return position - line_begin(position); }
    /// The line's end, `\n` or `\r\n`; for a last line without one, that of the first line.
    std::string_view line_break(std::size_t position) const;

  private:
    std::string text_;
    std::string name_;
    Written root_;
    std::multimap<std::size_t, std::size_t> aliases_;
};

/// Fills in where each node below `root` ends; yaml-cpp does not say.
void measure(std::string_view text, Written& root);

/// The first byte after the anchor and tag of a node that begins at `position`.
std::size_t skip_properties(std::string_view text, std::size_t position);

}  // namespace patroni_pgbackrest::yaml
