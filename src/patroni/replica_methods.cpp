#include "patroni/replica_methods.hpp"

#include "patroni/command_words.hpp"
#include "patroni/configuration_files.hpp"
#include "patroni/effective.hpp"

#include <algorithm>
#include <array>

namespace patroni_pgbackrest::patroni {

namespace {

using Words = std::vector<std::string>;

/// From `pgbackrest` on; empty unless the command runs its restore.
Words restore_in(const std::string& command) {
    return calls_pgbackrest(command, "restore") ? words_from(command, "pgbackrest") : Words();
}

void add_options(const Words& words, RestoringMethod& method) {
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (!words[i].starts_with("--")) {
            continue;
        }
        const auto sign = words[i].find('=');
        const auto name = words[i].substr(2, sign == std::string::npos ? sign : sign - 2);
        const bool has_next = i + 1 < words.size() && !words[i + 1].starts_with("--") && words[i + 1] != "restore";
        const auto value = sign != std::string::npos ? words[i].substr(sign + 1) : has_next ? words[i + 1] : "";
        method.options.emplace_back(name, value);
    }
}

/// Patroni appends every other key of the block as `--key=value` (postgresql/bootstrap.py create_replica, 2.0 to 4.1).
void add_appended(const yaml::Node& block, RestoringMethod& method) {
    static constexpr std::array own = {"command", "no_params", "no_leader", "no_master", "keep_data"};
    for (const auto& entry : block.entries) {
        if (std::find(own.begin(), own.end(), entry.key) == own.end() && entry.value->is_scalar()) {
            method.options.emplace_back(entry.key, entry.value->text);
        }
    }
}

}  // namespace

std::string RestoringMethod::option(const std::string& wanted) const {
    const auto found =
        std::find_if(options.rbegin(), options.rend(), [&](const auto& option) { return option.first == wanted; });
    return found == options.rend() ? std::string() : found->second;
}

std::vector<RestoringMethod> restoring_methods(const ConfigurationSource& source) {
    std::vector<RestoringMethod> methods;
    const auto tree = load_tree(source);
    if (!tree) {
        return methods;
    }
    const auto& dynamic = tree->map_at("bootstrap").map_at("dcs").map_at("postgresql");
    for (const auto& [name, block] : replica_methods(tree->map_at("postgresql"), dynamic)) {
        const auto* command = block == nullptr ? nullptr : block->value->find("command");
        const auto words = command == nullptr ? Words() : restore_in(command->value->text);
        if (!words.empty()) {
            RestoringMethod method{name->text, block->place, words.front(), {}};
            add_options(words, method);
            add_appended(*block->value, method);
            methods.push_back(std::move(method));
        }
    }
    return methods;
}

}  // namespace patroni_pgbackrest::patroni
