#include "patroni/command_words.hpp"
#include "patroni/effective.hpp"
#include "patroni/review.hpp"
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

bool is_option_of_pgbackrest(const std::string& key) {
    static constexpr std::array some = {"stanza", "config",   "repo",        "process-max", "delta",
                                        "set",    "link-all", "buffer-size", "pg1-path",    "log-level-console"};
    return std::find(some.begin(), some.end(), key) != some.end();
}

void review_restore(const std::string& name, const Entry& block, const std::vector<std::string>& words,
                    std::vector<Finding>& findings) {
    std::vector<std::string> rejected;
    for (const auto& key : appended_keys(*block.value)) {
        if (!is_option_of_pgbackrest(key)) {
            rejected.push_back("--" + key);
        }
    }
    if (!rejected.empty()) {
        findings.push_back(
            {"replica-method-rejected",
             {fmt::format("replica method {}: Patroni appends {}, which pgbackrest restore rejects", name,
                          system::join(rejected, ", ")),
              "set no_params: true in its block, and remove keys that are not options of pgbackrest restore",
              block.place}});
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
                  "let its command run pgbackrest restore: pgbackrest --stanza=NAME --delta restore", block->place}});
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
