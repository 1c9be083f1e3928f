#include "patroni/review_method.hpp"

#include "patroni/command_words.hpp"
#include "patroni/configuration_files.hpp"
#include "patroni/dynamic_modes.hpp"
#include "patroni/review.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace patroni_pgbackrest::patroni {

namespace {

using yaml::Entry;
using yaml::Node;

/// The parameters that Patroni knows in a recovery_conf: PostgreSQL's recovery parameters since 12, the trigger file
/// that 16 no longer has, and those of recovery.conf, of which it takes standby_mode and pause_at_recovery_target
/// (write_recovery_conf and _write_recovery_params in postgresql/config.py, 2.0 to 4.1). It drops everything else.
constexpr std::array recovery_parameters = {"restore_command",          "recovery_end_command",
                                            "archive_cleanup_command",  "recovery_target",
                                            "recovery_target_action",   "recovery_target_inclusive",
                                            "recovery_target_lsn",      "recovery_target_name",
                                            "recovery_target_time",     "recovery_target_timeline",
                                            "recovery_target_xid",      "recovery_min_apply_delay",
                                            "primary_conninfo",         "primary_slot_name",
                                            "promote_trigger_file",     "standby_mode",
                                            "pause_at_recovery_target", "trigger_file"};

std::string place_of(const Node& tree, const char* section) {
    const Entry* entry = tree.find(section);
    return entry == nullptr ? std::string() : entry->place;
}

void review_recovery_conf(const Node& block, std::vector<Finding>& findings) {
    const std::vector<std::string> known(recovery_parameters.begin(), recovery_parameters.end());
    for (const Entry& entry : block.map_at("recovery_conf").entries) {
        const auto name = system::lower(entry.key);
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            const auto near = system::nearest(name, known);
            findings.push_back({"recovery-parameter-unknown",
                                {fmt::format("recovery_conf has '{}', which is not a recovery parameter", entry.key),
                                 near ? fmt::format("did you mean '{}'?", *near) : "remove it", entry.place}});
        }
    }
}

/// The program of the line that makes an empty cluster, whatever its options; empty if there is none. Debian's template
/// for Patroni has pg_createcluster_patroni.
std::string initdb_in(const std::string& command) {
    for (const auto& word : command_words(command)) {
        const auto name = std::filesystem::path(word).filename().string();
        const bool is_setup = name.starts_with("postgresql") && name.ends_with("-setup");  // RHEL's
        if (name == "initdb" || name == "pg_createcluster" || name == "pg_createcluster_patroni" || is_setup) {
            return name;
        }
    }
    return {};
}

/// The first that is set (bootstrap.py call_post_bootstrap, 2.0 to 4.1); null if none is.
const Entry* post_bootstrap(const Node& bootstrap) {
    for (const char* key : {"post_bootstrap", "post_init"}) {
        if (const Entry* entry = bootstrap.find(key); entry != nullptr && !yaml::blank(*entry->value)) {
            return entry;
        }
    }
    return nullptr;
}

/// By itself, or in a script: of a whole path, or of a name that PATH leads to.
bool runs_verify(const std::string& command, const std::filesystem::path& root) {
    constexpr std::uintmax_t most_of_a_script = 256UL * 1024;
    const auto calls_it = [&](const std::string& word) {
        std::error_code error;
        const std::filesystem::path path(word);
        const auto file = path.is_absolute() ? root / path.relative_path() : file_of(word).value_or(path);
        if (!file.is_absolute() || !std::filesystem::is_regular_file(file, error) ||
            std::filesystem::file_size(file, error) > most_of_a_script || ::access(file.c_str(), R_OK) != 0) {
            return false;
        }
        const auto text = system::read_file(file);
        return text.find("patroni_pgbackrest") != std::string::npos && text.find("verify") != std::string::npos;
    };
    const auto words = command_words(command);
    return calls_us(command, "verify") || std::any_of(words.begin(), words.end(), calls_it);
}

void review_block(const Node& bootstrap, const Entry& method, std::vector<Finding>& findings) {
    const auto& name = method.value->text;
    const Entry* block = bootstrap.find(name);
    const Entry* command = block == nullptr ? nullptr : block->value->find("command");
    if (command == nullptr) {
        findings.push_back(
            {"method-block-missing",
             {fmt::format("bootstrap.method is {}, but bootstrap.{}{} is not there", name, name,
                          block == nullptr ? "" : ".command"),
              "without it Patroni silently runs initdb: add it below bootstrap, or correct the name", method.place}});
        return;
    }
    if (const auto program = initdb_in(command->value->text); !program.empty()) {
        findings.push_back(
            {"method-missing",
             {fmt::format("bootstrap.{}.command runs {}: Patroni would make an empty cluster", name, program),
              "run patroni_pgbackrest configure, or set bootstrap.method and its block", command->place}});
    } else if (!calls_us(command->value->text, "bootstrap")) {
        findings.push_back(
            {"method-other-program",
             {fmt::format("bootstrap.{}.command does not call patroni_pgbackrest bootstrap", name),
              "let it run patroni_pgbackrest bootstrap; ignore this if it is a script that does", command->place}});
    } else {
        review_recovery_conf(*block->value, findings);
    }
}

const Node& standby_section(const Node& bootstrap) {
    return bootstrap.map_at("dcs").map_at("standby_cluster");
}

bool is_set(const Node& map, std::string_view key) {
    const Entry* entry = map.find(key);
    return entry != nullptr && yaml::truthy(*entry->value);
}

/// utils.py is_standby_cluster() (config.py in older ones; 2.0 to 4.1).
bool is_standby_cluster(const Node& bootstrap) {
    const Node& standby = standby_section(bootstrap);
    return is_set(standby, "host") || is_set(standby, "port") || is_set(standby, "restore_command");
}

/// ha.py bootstrap_standby_leader(), and create_replica() of bootstrap.py: the methods of standby_cluster count there,
/// and never those of postgresql. Without an address only what needs no leader can work.
std::string way_of_standby_leader(const Node& bootstrap) {
    const Node& standby = standby_section(bootstrap);
    std::vector<std::string> names;
    if (const Entry* methods = standby.find("create_replica_methods")) {
        for (const auto& item : methods->value->items) {
            names.push_back(item->text);
        }
    }
    const auto listed = system::join(names, ", ");
    if (is_set(standby, "host") || is_set(standby, "port")) {
        return "as a replica of that cluster with " + (names.empty() ? "basebackup" : listed);
    }
    return names.empty() ? "with nothing, since basebackup needs a host" : "with " + listed + " if it has no_leader";
}

}  // namespace

bool runs_another_program(const Node& tree) {
    const Node& bootstrap = tree.map_at("bootstrap");
    const Entry* method = bootstrap.find("method");
    const Entry* command = method == nullptr || method->value->text == "initdb"
                               ? nullptr
                               : bootstrap.map_at(method->value->text).find("command");
    return command != nullptr && !calls_us(command->value->text, "bootstrap");
}

std::vector<Finding> review_values(const ConfigurationSource& source, const std::set<std::string>& flags) {
    static constexpr std::array<std::string_view, 6> words = {"yes", "no", "true", "false", "on", "off"};
    static constexpr std::array<std::string_view, 4> of_patroni = {"command", "recovery_conf", "no_params",
                                                                   "keep_existing_recovery_conf"};
    std::vector<Finding> findings;
    const auto tree = load_tree(source);
    const Entry* method = tree ? tree->map_at("bootstrap").find("method") : nullptr;
    if (method == nullptr || method->value->text == "initdb" || runs_another_program(*tree)) {
        return findings;
    }
    for (const Entry& entry : tree->map_at("bootstrap").map_at(method->value->text).entries) {
        if (std::find(of_patroni.begin(), of_patroni.end(), entry.key) != of_patroni.end()) {
            continue;
        }
        const auto path = fmt::format("bootstrap.{}.{}", method->value->text, entry.key);
        const auto& text = entry.value->text;
        const bool is_boolean =
            entry.value->plain && std::find(words.begin(), words.end(), system::lower(text)) != words.end();
        if (entry.value->is_null()) {
            findings.push_back(
                {"option-without-value",
                 {fmt::format("{} has no value: Patroni 3.2 and later pass it on as the word None", path),
                  "give it a value, or remove it", entry.place}});
        } else if (is_boolean && !flags.contains(entry.key)) {
            findings.push_back({"option-boolean",
                                {fmt::format("YAML takes {} for true or false in {}, and Patroni passes it on in "
                                             "another form",
                                             text, path),
                                 fmt::format("put it in quotes: '{}'", text), entry.place}});
        }
    }
    return findings;
}

void review_method(const Node& tree, std::vector<Finding>& findings) {
    const Node& bootstrap = tree.map_at("bootstrap");
    const Entry* method = bootstrap.find("method");
    if (method == nullptr || yaml::blank(*method->value) || method->value->text == "initdb") {
        // ha.py bootstrap(), 2.0 to 4.1: `'bootstrap' in self.patroni.config`
        const std::string later = is_standby_cluster(bootstrap) ? "without standby_cluster " : "";
        findings.push_back({"method-missing",
                            {tree.find("bootstrap") == nullptr
                                 ? "there is no bootstrap section: Patroni would wait for a leader for ever"
                             : method == nullptr || yaml::blank(*method->value)
                                 ? "bootstrap.method is not set: " + later + "Patroni would run initdb"
                                 : "bootstrap.method is initdb: " + later + "Patroni would make an empty cluster",
                             "run patroni_pgbackrest configure, or set bootstrap.method and its block",
                             method == nullptr ? place_of(tree, "bootstrap") : method->place}});
    } else {
        review_block(bootstrap, *method, findings);
    }
    for (const char* key : {"command", "recovery_conf", "keep_existing_recovery_conf", "no_params"}) {
        if (const Entry* entry = bootstrap.find(key)) {
            const bool decides = entry->key == "command" || entry->key == "recovery_conf";
            findings.push_back({decides ? "method-key-misplaced" : "method-key-ignored",
                                {fmt::format("{} is in bootstrap itself, where Patroni ignores it", key),
                                 "move it into the block that bootstrap.method names", entry->place}});
        }
    }
    if (is_standby_cluster(bootstrap)) {
        findings.push_back({"standby-cluster",
                            {fmt::format("standby_cluster is configured: Patroni makes the first node {}, and never "
                                         "calls a bootstrap method",
                                         way_of_standby_leader(bootstrap)),
                             "remove it until the restore is done; if a standby cluster is meant, let "
                             "standby_cluster.create_replica_methods name a method that runs pgbackrest restore",
                             bootstrap.map_at("dcs").find("standby_cluster")->place}});
    }
    if (modes_of(bootstrap.map_at("dcs")).pause) {
        findings.push_back({"dcs-paused",
                            {"bootstrap.dcs.pause is set: Patroni calls no bootstrap method in pause", "remove it",
                             bootstrap.map_at("dcs").find("pause")->place}});
    }
}

void review_proof(const Node& tree, const Intent& intent, std::vector<Finding>& findings) {
    const Node& bootstrap = tree.map_at("bootstrap");
    const Entry* method = bootstrap.find("method");
    const Node& block = bootstrap.map_at(method == nullptr ? std::string() : method->value->text);
    const Entry* recovery_conf = block.find("recovery_conf");
    if (recovery_conf == nullptr || block.find("command") == nullptr) {
        return;
    }
    const Entry* called = post_bootstrap(bootstrap);
    if (called != nullptr && runs_verify(called->value->text, intent.root)) {
        return;
    }
    const bool is_by_name = called != nullptr && called->value->text.find('/') == std::string::npos;
    findings.push_back(
        {"target-not-proven",
         {fmt::format("Patroni replays (recovery_conf), and {} patroni_pgbackrest verify: nothing proves that the "
                      "target was reached",
                      called == nullptr ? "no post_bootstrap runs" : called->key + " does not run"),
          called == nullptr ? "set bootstrap.post_bootstrap: patroni_pgbackrest verify"
                            : fmt::format("let it run patroni_pgbackrest verify \"$1\" as well, and end with its exit "
                                          "code{}",
                                          is_by_name ? "; give its path, since it was looked for in the PATH of who "
                                                       "runs this, which may not be Patroni's"
                                                     : ""),
          called == nullptr ? recovery_conf->place : called->place}});
}

void review_repeated_keys(const Node& tree, const std::vector<yaml::RepeatedKey>& repeated,
                          std::vector<Finding>& findings) {
    const Entry* method = tree.map_at("bootstrap").find("method");
    const auto block = "bootstrap." + (method == nullptr ? std::string("method") : method->value->text);
    for (const auto& key : repeated) {
        const bool decides = key.path == "bootstrap" || key.path == "bootstrap.method" || key.path == block ||
                             key.path.starts_with(block + ".");
        findings.push_back({decides ? "method-key-twice" : "key-twice",
                            {fmt::format("{} occurs twice, at {} and here: only this one counts", key.path, key.first),
                             "remove one of them", key.second}});
    }
}

}  // namespace patroni_pgbackrest::patroni
