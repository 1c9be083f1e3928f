#pragma once

#include "patroni/configuration.hpp"
#include "request/request.hpp"
#include "system/failure.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace patroni_pgbackrest {

/// The settings of one run with their places: what the command line gives hides what the method's block gives. Blank
/// values count as not set. Every problem found on the way is kept, none is thrown.
class Settings {
  public:
    Settings(const std::vector<GivenOption>& given, const std::optional<patroni::Configuration>& patroni);

    /// What pgBackRest's configuration gives is hidden by both. Whether it is not.
    bool add_configured(const pgbackrest::ConfiguredOption& option);

    std::optional<patroni::Value> value(const std::string& name) const;
    std::vector<patroni::Value> values(const std::string& name) const;
    /// y/n, yes/no, true/false, on/off, 1/0 in any case (Python prints True and False).
    bool flag(const std::string& name);
    std::optional<unsigned> number(const std::string& name, unsigned least, unsigned most);
    /// Where it was set, else `--name`.
    std::string place(const std::string& name) const;

    /// Those that are set, by name.
    const std::map<std::string, std::vector<patroni::Value>>& all() const { return values_; }

    void problem(const std::string& place, std::string message, std::string hint);
    std::vector<Problem> problems() const;

  private:
    void add(const std::string& name, const std::vector<patroni::Value>& values, const std::string& place,
             bool on_command_line);

    std::map<std::string, std::vector<patroni::Value>> values_;
    std::vector<Problem> problems_;
    /// Which of the problems are of options that there are not, and their names. To find the like of each takes its
    /// time, and most of those who read a setting want to know of no problem.
    std::map<std::size_t, std::string> unknown_;
};

}  // namespace patroni_pgbackrest
