#include "commands/check_overview.hpp"

#include "checks/checks.hpp"
#include "patroni/secrets.hpp"
#include "pgbackrest/printable.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest::commands {

void Overview::add(const std::string& name, const std::string& value) {
    facts.emplace_back(name, value);
}

void Overview::add_setting(const std::string& name, const std::string& value, const std::string& place) {
    settings.push_back({{"name", name}, {"value", patroni::text_to_show(value)}, {"place", place}});
}

std::string overview_text(const Overview& overview, const std::vector<Finding>& findings) {
    std::string text;
    for (const auto& setting : overview.settings) {
        text += fmt::format("{} = {} ({})\n", setting["name"].get<std::string>(), setting["value"].get<std::string>(),
                            setting["place"].get<std::string>());
    }
    for (const auto& [name, value] : overview.facts) {
        text += fmt::format("{}: {}\n", name, value);
    }
    return pgbackrest::printable(text + findings_text(findings));  // a NUL would end the output
}

std::string overview_json(const Overview& overview, const std::vector<Finding>& findings) {
    nlohmann::ordered_json facts = nlohmann::ordered_json::object();
    for (const auto& [name, value] : overview.facts) {
        facts[name] = value;
    }
    const nlohmann::ordered_json all{{"schema", 1},
                                     {"settings", overview.settings},
                                     {"facts", facts},
                                     {"findings", nlohmann::ordered_json::parse(findings_json(findings))}};
    return all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace patroni_pgbackrest::commands
