#include "patroni/method_block.hpp"

#include "patroni/command_words.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>

namespace patroni_pgbackrest::patroni {

namespace {

using yaml::Entry;
using yaml::Node;

bool is_reserved(std::string_view key) {
    static constexpr std::array<std::string_view, 6> keys = {
        "command", "no_params", "keep_existing_recovery_conf", "recovery_conf", "scope", "datadir"};
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

void refuse_rewritten_number(const Node& node, const std::string& path, const std::string& place,
                             std::vector<Problem>& problems) {
    const std::string_view meaning = yaml::rewritten_number(node);
    if (!meaning.empty()) {
        problems.push_back({fmt::format("{}: YAML takes {} for {}, and Patroni passes it on in another form", path,
                                        node.text, meaning),
                            fmt::format("put it in quotes: '{}'", node.text), place});
    }
}

/// Reads the value of one key that is not reserved.
class EntryReader {
  public:
    EntryReader(const Entry& entry, std::string path, std::vector<Problem>& problems)
        : path_(std::move(path)), problems_(problems) {
        result_.key = entry.key;
        result_.place = entry.place;
        const Node& node = *entry.value;
        if (node.is_list()) {
            for (const yaml::NodePtr& item : node.items) {
                add_item(*item);
            }
        } else if (node.is_map()) {
            add_pairs(node);
        } else {
            add(node, "", entry.place);
        }
    }

    const BlockEntry& result() const { return result_; }

  private:
    void add_item(const Node& item) {
        // Lists in patroni.yml commonly mix `- encoding: UTF8` and `- data-checksums`.
        item.is_map() ? add_pairs(item) : add(item, "", item.place);
    }

    void add_pairs(const Node& map) {
        for (const Entry& pair : map.entries) {
            add(*pair.value, pair.key + "=", pair.place);
        }
    }

    void add(const Node& node, const std::string& prefix, const std::string& place) {
        if (node.is_list() || node.is_map()) {
            problems_.push_back({fmt::format("{} is nested too deeply", path_),
                                 "write a value, a list of values, or a map of names and values", place});
        } else if (!yaml::blank(node)) {
            refuse_rewritten_number(node, path_, place, problems_);
            result_.values.push_back({prefix + node.text, place});
        }
    }

    std::string path_;
    std::vector<Problem>& problems_;
    BlockEntry result_;
};

std::vector<std::string> read_command(const Entry& command, const std::string& path, std::vector<Problem>& problems) {
    const Node& node = *command.value;
    if (!node.is_scalar() || yaml::blank(node)) {
        problems.push_back({fmt::format("{} is {}", path, yaml::blank(node) ? "empty" : "no line of text"),
                            "write one line, `command: patroni_pgbackrest bootstrap`", command.place});
        return {};
    }
    std::optional<std::vector<std::string>> words = system::shell_words(node.text);
    if (!words) {
        problems.push_back({fmt::format("{} has a quote that is not closed", path),
                            "close it: Patroni splits the line as a shell would", command.place});
    }
    return words.value_or(std::vector<std::string>());
}

/// What stands behind `bootstrap` in the command line. It counts more than the block, as Patroni calls it.
void take_options_of_command(const std::string& place, MethodBlock& block) {
    const auto& words = block.command;
    auto word = std::find(words.begin(), words.end(), "bootstrap");
    std::map<std::string, BlockEntry> options;
    for (; word != words.end(); ++word) {
        const auto name = word->starts_with("--") ? word->substr(2, word->find('=') - 2) : std::string();
        if (name.empty() || is_reserved(name)) {
            continue;
        }
        const auto sign = word->find('=');
        const bool has_next = sign == std::string::npos && word + 1 != words.end() && !(word + 1)->starts_with("--");
        const auto value = sign != std::string::npos ? word->substr(sign + 1) : has_next ? *(word + 1) : "y";
        auto& option = options[name];
        option.key = name;
        option.place = place;
        option.values.push_back({value, place});
    }
    for (auto& named : options) {
        auto& option = named.second;
        std::erase_if(block.entries, [&](const BlockEntry& entry) { return entry.key == option.key; });
        block.entries.push_back(std::move(option));
    }
}

std::map<std::string, Value> read_recovery_conf(const Entry& entry, const std::string& path,
                                                std::vector<Problem>& problems) {
    std::map<std::string, Value> settings;
    if (!entry.value->is_map() && !yaml::blank(*entry.value)) {
        problems.push_back({fmt::format("{} is not a map", path),
                            "write recovery parameters below it, `restore_command: …`", entry.place});
    }
    for (const Entry& setting : entry.value->entries) {
        const std::string name = path + "." + setting.key;
        if (setting.value->is_list() || setting.value->is_map()) {
            problems.push_back({fmt::format("{} is not a single value", name), "write one value", setting.place});
        }
        refuse_rewritten_number(*setting.value, name, setting.place, problems);
        if (yaml::is_plain_time_with_offset(*setting.value)) {
            problems.push_back({fmt::format("{} is not in quotes: older PyYAML drops its offset, so that Patroni would "
                                            "recover to another moment",
                                            name),
                                fmt::format("put it in quotes: '{}'", setting.value->text), setting.place});
        }
        settings[system::lower(setting.key)] = {yaml::blank(*setting.value) ? "" : setting.value->text, setting.place};
    }
    return settings;
}

}  // namespace

std::optional<Value> scalar_at(const Node& map, const std::string& key, const std::string& path,
                               std::vector<Problem>& problems) {
    const Entry* entry = map.find(key);
    if (entry == nullptr || yaml::blank(*entry->value)) {
        return std::nullopt;
    }
    if (!entry->value->is_scalar()) {
        problems.push_back({fmt::format("{} is a {}", path, entry->value->is_list() ? "list" : "map"),
                            "write a single value", entry->place});
        return std::nullopt;
    }
    return Value{entry->value->text, entry->place};
}

std::optional<MethodBlock> read_method_block(const Node& bootstrap, const Value& method,
                                             std::vector<Problem>& problems) {
    const Entry* found = bootstrap.find(method.text);
    if (method.text == "initdb" || found == nullptr || found->value->is_null()) {
        return std::nullopt;
    }
    const std::string path = "bootstrap." + method.text;
    if (!found->value->is_map()) {
        problems.push_back({fmt::format("{}, which bootstrap.method names, is not a map", path),
                            "write keys below it, `command: patroni_pgbackrest bootstrap` first", found->place});
        return std::nullopt;
    }
    const Node& node = *found->value;
    const Entry* command = node.find("command");
    if (command == nullptr) {
        return std::nullopt;
    }
    MethodBlock block;
    block.name = method.text;
    block.place = found->place;
    block.command = read_command(*command, path + ".command", problems);
    for (const Entry& entry : node.entries) {
        if (!is_reserved(entry.key)) {
            block.entries.push_back(EntryReader(entry, path + "." + entry.key, problems).result());
        }
    }
    if (calls_us(command->value->text, "bootstrap")) {
        take_options_of_command(command->place, block);
    }
    if (const Entry* recovery_conf = node.find("recovery_conf")) {
        block.recovery_conf = read_recovery_conf(*recovery_conf, path + ".recovery_conf", problems);
    }
    if (const Entry* keep = node.find("keep_existing_recovery_conf")) {
        block.keep_existing_recovery_conf = yaml::truthy(*keep->value);
    }
    return block;
}

std::optional<CallOfUs> call_of_bootstrap(const Configuration& configuration) {
    return configuration.method ? call_of_us(configuration.method->command, "bootstrap") : std::nullopt;
}

}  // namespace patroni_pgbackrest::patroni
