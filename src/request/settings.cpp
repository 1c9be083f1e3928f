#include "request/settings.hpp"

#include "request/options.hpp"
#include "system/text.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

/// With Patroni's own keys, which it passes on as options where they are misspelt.
std::vector<std::string> known_names() {
    std::vector<std::string> known = {"no_params", "keep_existing_recovery_conf", "recovery_conf", "command"};
    for (const auto& option : bootstrap_options()) {
        known.emplace_back(option.name);
    }
    return known;
}

std::string hint_for_unknown(const std::string& name, const std::vector<std::string>& known) {
    if (const auto refusal = refusal_of(name); !refusal.empty()) {
        return std::string(refusal);
    }
    const auto near = system::nearest(name, known);
    return near ? fmt::format("did you mean '{}'?", *near)
                : "see patroni_pgbackrest bootstrap --help for the options there are";
}

}  // namespace

Settings::Settings(const std::vector<GivenOption>& given, const std::optional<patroni::Configuration>& patroni) {
    std::map<std::string, std::vector<patroni::Value>> on_command_line;
    std::vector<std::string> order;
    for (const auto& option : given) {
        auto& values = on_command_line[option.name];
        if (values.empty()) {
            order.push_back(option.name);
        }
        values.push_back({option.value, "--" + option.name});
    }
    for (const auto& name : order) {
        add(name, on_command_line[name], "--" + name, true);
    }
    if (patroni && patroni->method) {
        for (const auto& entry : patroni->method->entries) {
            if (!on_command_line.contains(entry.key)) {
                add(entry.key, entry.values, entry.place, false);
            }
        }
    }
}

void Settings::add(const std::string& name, const std::vector<patroni::Value>& values, const std::string& place,
                   bool on_command_line) {
    const auto* definition = find_option(name);
    if (definition == nullptr) {
        unknown_[problems_.size()] = name;
        problem(place, fmt::format("unknown option '{}'", name), "");
        return;
    }
    std::vector<patroni::Value> set;
    for (const auto& value : values) {
        if (!system::trim(value.text).empty()) {
            set.push_back(value);
        } else if (definition->kind == OptionKind::flag && on_command_line) {
            set.push_back({"y", value.place});
        }
    }
    if (set.empty()) {
        return;
    }
    if (definition->kind != OptionKind::list && set.size() > 1) {
        if (!on_command_line) {
            problem(place, fmt::format("option '{}' takes one value", name), "give one value instead of a list");
        }
        set.erase(set.begin(), set.end() - 1);
    }
    values_[name] = std::move(set);
}

bool Settings::add_configured(const pgbackrest::ConfiguredOption& option) {
    if (values_.contains(option.name)) {
        return false;
    }
    std::vector<patroni::Value> values;
    for (const auto& value : option.values) {
        values.push_back({value, option.place});
    }
    add(option.name, values, option.place, false);
    return true;
}

std::optional<patroni::Value> Settings::value(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::nullopt : std::optional(found->second.back());
}

std::vector<patroni::Value> Settings::values(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<patroni::Value>{} : found->second;
}

std::string Settings::place(const std::string& name) const {
    const auto found = value(name);
    return found ? found->place : "--" + name;
}

bool Settings::flag(const std::string& name) {
    const auto given = value(name);
    if (!given) {
        return false;
    }
    const auto word = system::lower(system::trim(given->text));
    if (word == "y" || word == "yes" || word == "true" || word == "on" || word == "1") {
        return true;
    }
    if (word != "n" && word != "no" && word != "false" && word != "off" && word != "0") {
        problem(given->place, fmt::format("'{}' is not a value for {}", given->text, name), "use y or n");
    }
    return false;
}

std::optional<unsigned> Settings::number(const std::string& name, unsigned least, unsigned most) {
    const auto given = value(name);
    if (!given) {
        return std::nullopt;
    }
    const auto number = system::number(system::trim(given->text));
    if (!number || *number < least || *number > most) {
        problem(given->place, fmt::format("'{}' is not a value for {}", given->text, name),
                fmt::format("use a whole number from {} to {}", least, most));
        return std::nullopt;
    }
    return static_cast<unsigned>(*number);
}

void Settings::problem(const std::string& place, std::string message, std::string hint) {
    problems_.push_back({std::move(message), std::move(hint), place});
}

std::vector<Problem> Settings::problems() const {
    auto problems = problems_;
    const auto known = known_names();
    for (const auto& [index, name] : unknown_) {
        problems[index].hint = hint_for_unknown(name, known);
    }
    return problems;
}

}  // namespace patroni_pgbackrest
