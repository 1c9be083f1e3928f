#include "patroni/command_words.hpp"
#include "patroni/effective.hpp"
#include "patroni/review.hpp"
#include "pgbackrest/restore_options.hpp"
#include "system/text.hpp"
#include "yaml/edit.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace patroni_pgbackrest::patroni {

namespace {

using yaml::Entry;
using yaml::Node;

/// The words of a command line that runs pgbackrest itself with that command; empty for any other.
std::vector<std::string> words_of(const Node& block, const std::string& verb) {
    const Entry* command = block.find("command");
    const auto words = command == nullptr ? std::vector<std::string>() : command_words(command->value->text);
    const bool runs_it = !words.empty() && std::filesystem::path(words.front()).filename() == "pgbackrest" &&
                         std::find(words.begin(), words.end(), verb) != words.end();
    return runs_it ? words : std::vector<std::string>();
}

bool is_true(const Node& block, const char* key) {
    const Entry* entry = block.find(key);
    return entry != nullptr && yaml::truthy(*entry->value);
}

/// The keys that Patroni appends as options (postgresql/bootstrap.py create_replica, 2.0 to 4.1). With no_params: all
/// except its own. Without it: all of them, and scope, role, datadir and connstring.
std::vector<std::string> appended_keys(const Node& block) {
    static constexpr std::array own = {"no_params", "no_leader", "keep_data"};
    std::vector<std::string> keys;
    const bool no_params = is_true(block, "no_params");
    if (!no_params) {
        keys = {"scope", "role", "datadir", "connstring"};
    }
    for (const Entry& entry : block.entries) {
        const bool taken =
            no_params && (std::find(own.begin(), own.end(), entry.key) != own.end() || entry.key == "no_master");
        if (entry.key != "command" && !taken) {
            keys.push_back(entry.key);
        }
    }
    return keys;
}

/// What Python makes of it.
std::string python_text(const Node& value) {
    static constexpr std::array<std::string_view, 3> yes = {"yes", "true", "on"};
    static constexpr std::array<std::string_view, 3> no = {"no", "false", "off"};
    const auto word = value.plain ? system::lower(value.text) : std::string();
    return value.is_null()                                        ? "None"
           : std::find(yes.begin(), yes.end(), word) != yes.end() ? "True"
           : std::find(no.begin(), no.end(), word) != no.end()    ? "False"
                                                                  : value.text;
}

/// What pgbackrest restore rejects of the appended options, and the flags among them as it takes them.
struct Rejected {
    std::vector<std::string> options, flags;
};

Rejected rejected_options(const Node& block) {
    Rejected rejected;
    for (const auto& key : appended_keys(block)) {
        const Entry* entry = block.find(key);
        const auto value = entry == nullptr ? std::string() : python_text(*entry->value);
        if (!pgbackrest::is_taken_by_restore(key)) {
            rejected.options.push_back("--" + key);
        } else if (pgbackrest::is_flag_of_restore(key) && value != "y" && value != "n") {
            rejected.options.push_back(fmt::format("--{}={}", key, value));
            rejected.flags.push_back((value == "False" ? "--no-" : "--") + key);
        }
    }
    return rejected;
}

std::string how_to_mend(const Rejected& rejected, bool no_params) {
    std::vector<std::string> steps;
    if (!no_params) {
        steps.emplace_back("set no_params: true in its block");
    }
    if (rejected.flags.size() < rejected.options.size()) {
        steps.emplace_back("remove keys that are not options of pgbackrest restore");
    }
    if (!rejected.flags.empty()) {
        steps.push_back(fmt::format("write {} into its command instead of the key", system::join(rejected.flags, " ")));
    }
    return system::join(steps, ", and ");
}

void review_restore(const std::string& name, const Entry& block, const std::vector<std::string>& words,
                    std::vector<Finding>& findings) {
    const auto rejected = rejected_options(*block.value);
    if (!rejected.options.empty()) {
        findings.push_back({"replica-method-rejected",
                            {fmt::format("replica method {}: Patroni appends {}, which pgbackrest restore rejects",
                                         name, system::join(rejected.options, ", ")),
                             how_to_mend(rejected, is_true(*block.value, "no_params")), block.place}});
    }
    const auto has_target = [](const std::string& word) {
        return word.starts_with("--target=") || word == "--target" ||
               (word.starts_with("--type=") && word != "--type=default" && word != "--type=standby" &&
                word != "--type=none" && word != "--type=preserve");
    };
    if (std::any_of(words.begin(), words.end(), has_target) || block.value->find("target") != nullptr) {
        findings.push_back(
            {"replica-method-target",
             {fmt::format("replica method {} restores to a recovery target: every new replica would stop in the past",
                          name),
              "remove type and target from it: a replica follows its leader", block.place}});
    }
}

}  // namespace

void review_replica_methods(const Node& tree, const Intent& intent, std::vector<Finding>& findings) {
    const Node& local = tree.map_at("postgresql");
    const Node& dynamic = tree.map_at("bootstrap").map_at("dcs").map_at("postgresql");
    const Node* list = yaml::find(tree, path_of_replica_methods(tree));
    if (list != nullptr && list->is_scalar() && yaml::truthy(*list)) {
        findings.push_back({"replica-method-list",
                            {fmt::format("{} is no list: Patroni takes each letter for a method",
                                         yaml::text(path_of_replica_methods(tree))),
                             fmt::format("write it in brackets: [{}]", list->text), list->place}});
    }
    for (const auto& [method, block] : replica_methods(local, dynamic)) {
        if (block == nullptr || method->text == "basebackup") {
            continue;
        }
        if (const auto words = words_of(*block->value, "restore"); !words.empty()) {
            review_restore(method->text, *block, words, findings);
        }
        if (!words_of(*block->value, "backup").empty()) {
            findings.push_back(
                {"replica-method-backup",
                 {fmt::format("replica method {} makes a backup instead of restoring one", method->text),
                  fmt::format("let its command be pgbackrest --stanza={} --delta restore, and set keep_data: true and "
                              "no_params: true beside it",
                              intent.stanza.empty() ? "NAME" : system::shell_word(intent.stanza)),
                  block->place}});
        }
        if (const Entry* old = block->value->find("no_master")) {
            findings.push_back(
                {"replica-method-no-master",
                 {fmt::format("replica method {} has no_master, which Patroni 4 does not know", method->text),
                  "write no_leader, which Patroni 3.0 and later know", old->place}});
        }
        if (intent.has_target && (is_true(*block->value, "no_leader") || is_true(*block->value, "no_master"))) {
            findings.push_back(
                {"replica-method-leaderless",
                 {fmt::format("replica method {} works without a leader, and there is a recovery target", method->text),
                  "remove no_leader until the cluster is up: another node could restore past the target "
                  "and become leader",
                  block->place}});
        }
    }
}

}  // namespace patroni_pgbackrest::patroni
