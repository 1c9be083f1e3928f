// Patroni itself is asked what it makes of a patroni.yml, and must say the same.
#include "support/as_patroni.hpp"
#include "patroni/configuration_files.hpp"
#include "patroni/effective.hpp"
#include "patroni/review.hpp"
#include "patroni/review_dynamic.hpp"
#include "patroni/review_levels.hpp"
#include "patroni/roles.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/text.hpp"
#include "yaml/readable.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;
using Json = nlohmann::json;

namespace {

namespace fs = std::filesystem;

/// What as_patroni.py says of each.
std::vector<Json> ask(const Files& files, const std::vector<ConfigurationSource>& sources) {
    std::vector<Json> asked;
    for (const auto& source : sources) {
        asked.push_back({{"path", source.path ? source.path->string() : ""}, {"environment", source.environment}});
    }
    return answers_of_patroni(files, asked);
}

std::string text_of(const yaml::Entry* entry) {
    return entry == nullptr || entry->value->is_null() ? std::string() : entry->value->text;
}

/// Nothing of bootstrap.dcs counts where check says so.
yaml::NodePtr tree_in_force(const ConfigurationSource& source) {
    const auto tree = load_tree(source);
    std::vector<Finding> findings;
    review_dynamic(tree->map_at("bootstrap").map_at("dcs"), findings);
    const bool is_ignored = std::any_of(findings.begin(), findings.end(),
                                        [](const Finding& finding) { return finding.id == "dcs-ignored"; });
    return is_ignored ? yaml::patch(tree, yaml::parse("bootstrap: {dcs: ~}", "")) : tree;
}

/// What the variables can change, without what is not set.
Json values_of(const ConfigurationSource& source, const yaml::Node& tree, const Configuration& configuration) {
    Json values = Json::object();
    const auto add = [&](const std::string& key, const std::optional<Value>& value) {
        if (value && !value->text.empty()) {
            values[key] = value->text;
        }
    };
    add("scope", configuration.scope);
    add("name", configuration.name);
    add("data_dir", configuration.data_directory);
    add("bin_dir", configuration.bin_directory);
    add("config_dir", configuration.config_directory);
    add("log.dir", configuration.log_directory);
    if (const auto* listen = tree.map_at("postgresql").find("listen")) {
        values["listen"] = listen->value->text;
    }
    static const std::map<Role::Kind, std::string> kinds = {
        {Role::Kind::superuser, "superuser"}, {Role::Kind::replication, "replication"}, {Role::Kind::rewind, "rewind"}};
    for (const auto& role : read_roles(source)) {
        values[kinds.at(role.kind) + ".username"] = role.name;
        if (role.password) {
            values[kinds.at(role.kind) + ".password"] = *role.password;
        }
    }
    return values;
}

/// The same from our reading.
Json seen(const ConfigurationSource& source) {
    const auto tree = tree_in_force(source);
    const auto& local = tree->map_at("postgresql");
    const auto& dynamic = tree->map_at("bootstrap").map_at("dcs").map_at("postgresql");
    Json result;
    result["recovery_conf"] = Json::object();
    for (const auto& setting : recovery_conf_of_standbys(*tree).settings) {
        result["recovery_conf"][system::lower(setting.entry->key)] = text_of(setting.entry);
    }
    for (const char* name : {"archive_mode", "archive_command", "archive_library", "password_encryption"}) {
        result["parameters"][name] = text_of(parameter(local, dynamic, name));
    }
    result["methods"] = Json::array();
    for (const auto& method : replica_methods(local, dynamic)) {
        result["methods"].push_back(method.name->text);
    }
    if (result["methods"].empty()) {
        result["methods"].push_back("basebackup");
    }
    const auto configuration = configuration_in(*tree, "patroni.yml");
    result["bootstrap"] = configuration.method ? configuration.method->name : "initdb";
    result["values"] = values_of(source, *tree, configuration);
    return result;
}

/// Random numbers that a printed seed gives again: PATRONI_PGBACKREST_SEED.
class Chance {
  public:
    Chance() {
        const char* given = std::getenv("PATRONI_PGBACKREST_SEED");
        seed_ = given != nullptr ? static_cast<unsigned>(std::atoi(given)) : std::random_device()();
        random_.seed(seed_);
        std::cout << "PATRONI_PGBACKREST_SEED=" << seed_ << "\n";
    }
    unsigned seed() const { return seed_; }
    std::size_t below(std::size_t limit) { return random_() % limit; }
    std::string of(const Strings& choices) { return choices[below(choices.size())]; }

  private:
    unsigned seed_;
    std::mt19937 random_;
};

/// `{key: value, …}` of some of the keys.
std::string some(Chance& chance, const Strings& keys, const Strings& values) {
    std::string map;
    for (const auto& key : keys) {
        if (chance.below(3) == 0) {
            map += (map.empty() ? "" : ", ") + key + ": " + chance.of(values);
        }
    }
    return "{" + map + "}";
}

std::string section(Chance& chance, const std::string& first) {
    static const Strings recovery = {"restore_command",          "Restore_Command",         "RESTORE_command",
                                     "recovery_min_apply_delay", "archive_cleanup_command", "recovery_target_time",
                                     "primary_conninfo"};
    static const Strings parameters = {"archive_mode",       "Archive_Mode",    "archive_command",
                                       "work_mem",           "restore_command", "RESTORE_COMMAND",
                                       "recovery_target",    "archive_library", "Password_Encryption",
                                       "password_encryption"};
    static const Strings values = {"a", "'b c'", "'pgbackrest --stanza=demo archive-get %f %p'", "''", "~"};
    static const Strings methods = {"[]", "~", "[a]", "[a, basebackup]", "[missing, a]", "''"};
    std::string map = first;
    const auto add = [&](const std::string& key, const std::string& value) {
        if (chance.below(2) == 0) {
            map += (map.empty() ? "" : ", ") + key + ": " + value;
        }
    };
    add("parameters", chance.below(4) == 0 ? "~" : some(chance, parameters, values));
    add("recovery_conf", chance.below(4) == 0 ? "~" : some(chance, recovery, values));
    add("create_replica_methods", chance.of(methods));
    add("create_replica_method", chance.of(methods));
    add("a", "{command: x, no_leader: true}");
    // A Patroni after 4.1 may know them.
    add("parameters_primary", some(chance, parameters, values));
    add("parameters_replica", some(chance, parameters, values));
    if (!first.empty()) {
        add("config_dir", "/etc/local");
        if (chance.below(2) == 0) {
            add("authentication", "{superuser: {username: u, password: p}, replication: {username: r}}");
        } else {
            add("superuser", "{username: old, password: p}");  // as Patroni 1 had them
            add("rewind", "{username: nobody}");
            add("pg_rewind", "{username: rewinder, sslmode: require}");
        }
    }
    return "{" + map + "}";
}

/// Numbers of bootstrap.dcs, and what is none.
std::string numbers(Chance& chance) {
    static const Strings values = {"30",         "'30'", "30s",  "'30s'",  "~",  "0x1e", "1_000",
                                   "30.5",       "1:30", "yes",  "yes",    "08", "1e1",  "[]",
                                   "2026-11-27", "''",   ".inf", "' 30 '", "30."};
    std::string text;
    for (const char* key : {"ttl", "loop_wait", "retry_timeout"}) {
        if (chance.below(6) == 0) {
            text += std::string(key) + ": " + chance.of(values) + ", ";
        }
    }
    return text;
}

std::map<std::string, std::string> environment(Chance& chance) {
    std::map<std::string, std::string> variables;
    for (const char* name : {"SCOPE", "NAME", "POSTGRESQL_DATA_DIR", "POSTGRESQL_BIN_DIR", "POSTGRESQL_CONFIG_DIR",
                             "POSTGRESQL_LISTEN", "LOG_DIR", "SUPERUSER_USERNAME", "SUPERUSER_PASSWORD",
                             "REPLICATION_USERNAME", "REPLICATION_PASSWORD", "REWIND_USERNAME", "REWIND_PASSWORD"}) {
        if (chance.below(4) == 0) {
            variables[std::string("PATRONI_") + name] = chance.of({"", "x", "a: b", "10.0.0.1:5433"});
        }
    }
    return variables;
}

/// A file, a directory of two, PATRONI_CONFIGURATION, or variables alone.
ConfigurationSource configuration(Chance& chance, const Files& files, const std::string& name) {
    const auto method =
        chance.of({"", "method: m, ", "method: ~, ", "method: initdb, ", "method: '', ", "method: other, "});
    const auto block = chance.of({"", "m: {command: x}, ", "m: {stanza: demo}, ", "M: {command: x}, "});
    const auto text =
        "scope: demo\n" + chance.of({"", "name: here\n"}) + "bootstrap: {" + method + block + "dcs: {" +
        numbers(chance) + "postgresql: " + section(chance, "") +
        "}}\nlog: {dir: /var/log}\npostgresql: " + section(chance, "listen: '127.0.0.1:5432', data_dir: /data") + "\n";
    ConfigurationSource source;
    if (chance.below(2) == 0) {
        source.environment = environment(chance);
    }
    switch (chance.below(6)) {
    case 0:
        source.environment["PATRONI_CONFIGURATION"] = chance.below(6) == 0 ? "{}" : text;
        source.environment["PATRONI_SCOPE"] = "demo";  // a configuration without any variable is none
        return source;
    case 1:
    case 2:
        files.write(name + "/1.yml", text);
        files.write(name + "/2.yaml", "postgresql: " + section(chance, "") + "\n");
        source.path = files.path(name);
        return source;
    default:
        source.path = files.write(name + ".yml", text);
        return source;
    }
}

/// For a person to look at.
std::string shown(const ConfigurationSource& source) {
    std::string text = Json(source.environment).dump(2) + "\n";
    for (const auto& file : source.path ? read_files(*source.path) : std::vector<ConfigurationFile>()) {
        text += file.text;
    }
    return text;
}

}  // namespace

TEST_CASE("what is in force is what Patroni takes", "[as_patroni]") {
    const char* given = std::getenv("PATRONI_PGBACKREST_SECONDS");  // a minute and more by hand
    const std::chrono::seconds limit(given != nullptr ? std::atoi(given) : 10);
    Chance chance;
    CAPTURE(chance.seed());
    const auto begin = std::chrono::steady_clock::now();
    do {
        const Files files;
        std::vector<ConfigurationSource> sources;
        for (int i = 0; i < 200; ++i) {
            sources.push_back(configuration(chance, files, std::to_string(i)));
        }
        const auto answers = ask(files, sources);
        for (std::size_t i = 0; i < sources.size(); ++i) {
            if (seen(sources[i]) != answers[i]) {
                CAPTURE(shown(sources[i]));
                REQUIRE(seen(sources[i]) == answers[i]);
            }
        }
    } while (std::chrono::steady_clock::now() - begin < limit);
}

TEST_CASE("the shapes in the tests are read as Patroni reads them", "[as_patroni]") {
    const Files files;
    const auto tests = fs::path(__FILE__).parent_path().parent_path();
    std::vector<ConfigurationSource> sources;
    for (const auto& directory : {tests / "commands" / "shapes", tests / "patroni" / "cases"}) {
        for (const auto& entry : fs::directory_iterator(directory)) {
            const auto name = entry.path().stem().string();
            if (entry.path().extension() != ".yml" || name.starts_with("M1") || name.starts_with("M2")) {
                continue;  // those that Patroni cannot read, or not as they are
            }
            auto text = system::read_file(entry.path());
            sources.push_back({files.write(name + "/1.yml", text).parent_path(), {}});
            files.write(name + "/2.yml", "postgresql: {listen: '127.0.0.1:5432'}\n");
        }
    }
    const auto answers = ask(files, sources);
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const auto name = sources[i].path->filename();
        CAPTURE(name);
        auto expected = answers[i];
        if (expected["methods"].size() == 10 && name == "U1-line-of-the-edited-text") {
            expected["methods"] = {"basebackup"};  // each letter is a method; check says so
        }
        CHECK(seen(sources[i]) == expected);
    }
}

TEST_CASE("what is called misplaced is what Patroni does not take", "[as_patroni]") {
    const Strings levels = {"", "bootstrap", "bootstrap.dcs", "bootstrap.dcs.postgresql", "postgresql"};
    const Files files;
    std::vector<ConfigurationSource> sources;
    Strings keys;
    for (const std::string key :
         {"pg_hba", "pg_ident", "parameters", "recovery_conf", "create_replica_methods", "create_replica_method",
          "use_pg_rewind", "use_slots", "maximum_lag_on_failover", "synchronous_mode", "slots"}) {
        for (const auto& level : levels) {
            const bool is_map = key == "recovery_conf" || key == "slots" || key == "parameters";
            const auto value = is_map                                                ? "{a: 4711}"
                               : key.starts_with("pg_") || key.starts_with("create") ? "[4711]"
                                                                                     : "4711";
            const auto line = [&](const std::string& here) {
                return here == level ? ", " + key + ": " + (key == "use_slots" ? "4711" : value) : std::string();
            };
            const auto text =
                "{scope: demo" + line("") + ", bootstrap: {method: initdb" + line("bootstrap") + ", dcs: {ttl: 30" +
                line("bootstrap.dcs") + ", postgresql: {use_pg_rewind: false" + line("bootstrap.dcs.postgresql") +
                "}}}, postgresql: {listen: a, data_dir: /data, authentication: {}" + line("postgresql") + "}}\n";
            sources.push_back({files.write(key + "." + level + ".level.yml", text), {}});
            keys.push_back(key);
        }
    }
    const auto answers = ask(files, sources);
    for (std::size_t i = 0; i < sources.size(); ++i) {
        CAPTURE(shown(sources[i]));
        const auto& taken = answers[i]["taken"];
        const bool is_taken = std::find(taken.begin(), taken.end(), keys[i]) != taken.end();
        std::vector<Finding> findings;
        review_levels(*load_tree(sources[i]), findings);
        // In bootstrap itself pg_hba is another key of Patroni's, and recovery_conf is found as the method's. A local
        // use_slots that asks for what is done all the same is not called misplaced.
        const auto name = sources[i].path->filename().string();
        const bool is_other =
            name.find("bootstrap.level") != std::string::npos && (keys[i] == "pg_hba" || keys[i] == "recovery_conf");
        const bool is_default = keys[i] == "use_slots" && name == "use_slots.postgresql.level.yml";
        CHECK(findings.empty() == (is_taken || is_other || is_default));
    }
}

TEST_CASE("the port and the tags are read as Patroni reads them", "[as_patroni]") {
    const Files files;
    std::vector<ConfigurationSource> sources;
    for (const auto* listen : {"localhost", "::1", "*:1", "[::1]:6", "::1:5433", "a,[::1]:5434", "fe80::5"}) {
        for (const auto* tag : {"true", "false", "'false'", "''", "~", "0", "1"}) {
            sources.push_back({files.write(std::to_string(sources.size()) + ".level.yml",
                                           std::string("{scope: demo, tags: {nofailover: ") + tag +
                                               "}, postgresql: {data_dir: /data, listen: '" + listen + "'}}\n"),
                               {}});
        }
    }
    const auto answers = ask(files, sources);
    for (std::size_t i = 0; i < sources.size(); ++i) {
        CAPTURE(shown(sources[i]));
        CHECK(read_configuration(sources[i])->port == answers[i]["port"].get<unsigned>());
        std::vector<Finding> findings;
        Intent intent;
        intent.root = files.path();
        review_node(*load_tree(sources[i]), sources[i], intent, findings);
        const auto is_tag = [](const Finding& finding) { return finding.id == "node-never-bootstraps"; };
        CHECK(std::any_of(findings.begin(), findings.end(), is_tag) == answers[i]["nofailover"].get<bool>());
    }
}

TEST_CASE("a method's command has the words that Patroni runs", "[as_patroni]") {
    Chance chance;
    CAPTURE(chance.seed());
    const auto parts =
        system::split("patroni_pgbackrest|bootstrap|--type=immediate|caf\xc3\xa9|a|$x|#|;|=| |  |\t|\n|\v"
                      "|'|\"|\\|''|\"\"|\\ |\\'|\\\"|\\\n",
                      '|');
    const Files files;
    std::vector<ConfigurationSource> sources;
    for (int i = 0; i < 1000; ++i) {
        std::string command = "env";
        for (auto left = chance.below(9); left > 0; --left) {
            command += chance.of(parts);
        }
        const auto text = "{scope: demo, bootstrap: {method: m, m: {no_params: true, command: " + Json(command).dump() +
                          "}}, postgresql: {listen: a, data_dir: /data, authentication: {}}}\n";
        sources.push_back({files.write(std::to_string(i) + ".command.yml", text), {}});
    }
    const auto answers = ask(files, sources);
    for (std::size_t i = 0; i < sources.size(); ++i) {
        CAPTURE(shown(sources[i]));
        Json words;  // null where it is refused
        if (problems_of([&] { read_configuration(sources[i]); }).empty()) {
            words = read_configuration(sources[i])->method->command;
        }
        CHECK(words == answers[i]["words"]);
    }
}

TEST_CASE("only what Patroni cannot read is refused", "[as_patroni]") {
    Chance chance;
    CAPTURE(chance.seed());
    const Strings spoilt = {"\t",  "\t# c",  " !vault ", " &a ", "\x01", "\x7f", "\n\t\n", " @x",
                            " %x", "!!str ", " # \t",    "'\t'", " `x",  "\n",   "  ",     "#"};
    const std::string whole =
        "scope: demo  # one\nname: 'n\t1'\nbootstrap:\n  dcs: {ttl: 30, a: [b, c]}\n  x: |\n    a\tb\n"
        "\n  y: >-\n    c\n    d\npostgresql:\n  - &b one\n  - *b\n  - \"two\n    three\"\n";
    const auto refused = [](const std::string& text) {
        return !problems_of([&] {
                    yaml::parse(text, "patroni.yml");
                    yaml::require_readable_by_patroni(text, "patroni.yml");
                }).empty();
    };
    const Files files;
    std::vector<fs::path> paths;
    for (int i = 0; i < 400; ++i) {
        auto text = whole;
        text.insert(chance.below(text.size()), chance.of(spoilt));
        if (problems_of([&] { yaml::parse(text, "patroni.yml"); }).empty() && refused(text)) {
            paths.push_back(files.write(std::to_string(i) + ".txt", text));
        }
    }
    CHECK_FALSE(paths.empty());
    for (const auto* text : {"a: b\t# c\n", "a: b\n\t\nc: d\n", "- \ta\n", "a: [b,\tc]\n", "a: |\t\n  b\n",
                             "a: !vault b\n", "a: !!python/none b\n", "a: &x b\nc: &x d\n", "a: b\x7f\n", "a: =\n"}) {
        CAPTURE(text);
        CHECK(refused(text));
        paths.push_back(files.write(std::to_string(paths.size()) + "-fixed.txt", text));
    }
    for (const auto* text : {"a: caf\xe9\n", "a: \xc3\n", "a: \xc0\x80\n", "a: \xed\xa0\x80\n", "a: \xc2\x84\n",
                             "a: \xef\xbf\xbf\n", "a: \xf4\x90\x80\x80\n",
                             "\xff\xfe"
                             "a:\n"}) {
        CAPTURE(text);
        CHECK(refused(text));
        paths.push_back(files.write(std::to_string(paths.size()) + "-encoding.txt", text));
    }
    for (const auto* text : {"\xef\xbb\xbf"
                             "a: b\n",
                             "a: caf\xc3\xa9\n", "a: \xe2\x82\xac \xf0\x9f\x90\x98\n", "a: \xc2\x85\n"}) {
        CAPTURE(text);
        CHECK_FALSE(refused(text));
    }
    for (const auto* text : {"a: 'b\tc'\n", "a: b # c\td\n", "a: |\n  b\tc\n", "a: \"b\n\tc\"\n", "a: !!str 1\n"}) {
        CAPTURE(text);
        CHECK_FALSE(refused(text));
    }
    std::vector<ConfigurationSource> sources;
    for (const auto& path : paths) {
        sources.push_back({path, {}});
    }
    const auto answers = ask(files, sources);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        CAPTURE(system::read_file(paths[i]));
        CHECK_FALSE(answers[i]["readable"].get<bool>());
    }
}
