// Patroni itself is asked what it makes of a patroni.yml, and must say the same.
#include "patroni/configuration_files.hpp"
#include "patroni/effective.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/text.hpp"
#include "yaml/readable.hpp"

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

/// What as_patroni.py says of each path.
std::vector<Json> ask(const Files& files, const std::vector<fs::path>& paths) {
    std::string list;
    for (const auto& path : paths) {
        list += path.string() + "\n";
    }
    const auto script = fs::path(__FILE__).parent_path() / "as_patroni.py";
    const auto command = "/usr/bin/python3 -B '" + script.string() + "' <'" + files.write("list", list).string() +
                         "' >'" + files.path("answers").string() + "'";
    REQUIRE(std::system(command.c_str()) == 0);  // NOLINT(cert-env33-c): a test's own command
    std::vector<Json> answers;
    for (const auto& line : system::lines(files.read("answers"))) {
        answers.push_back(Json::parse(line));
    }
    REQUIRE(answers.size() == paths.size());
    return answers;
}

std::string text_of(const yaml::Entry* entry) {
    return entry == nullptr || entry->value->is_null() ? std::string() : entry->value->text;
}

/// The same from our reading.
Json seen(const fs::path& path) {
    const auto tree = load_tree({path, {}});
    const auto& local = tree->map_at("postgresql");
    const auto& dynamic = tree->map_at("bootstrap").map_at("dcs").map_at("postgresql");
    Json result;
    result["recovery_conf"] = Json::object();
    for (const auto& setting : recovery_conf_of_standbys(*tree).settings) {
        result["recovery_conf"][system::lower(setting.entry->key)] = text_of(setting.entry);
    }
    for (const char* name : {"archive_mode", "archive_command"}) {
        result["parameters"][name] = text_of(parameter(local, dynamic, name));
    }
    result["methods"] = Json::array();
    for (const auto& method : replica_methods(local, dynamic)) {
        result["methods"].push_back(method.name->text);
    }
    if (result["methods"].empty()) {
        result["methods"].push_back("basebackup");
    }
    const auto method = configuration_in(*tree, "patroni.yml").method;
    result["bootstrap"] = method ? method->name : "initdb";
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
    static const Strings parameters = {"archive_mode",    "Archive_Mode",    "archive_command", "work_mem",
                                       "restore_command", "RESTORE_COMMAND", "recovery_target"};
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
    return "{" + map + "}";
}

/// A file, or a directory of two.
fs::path configuration(Chance& chance, const Files& files, const std::string& name) {
    const auto method =
        chance.of({"", "method: m, ", "method: ~, ", "method: initdb, ", "method: '', ", "method: other, "});
    const auto block = chance.of({"", "m: {command: x}, ", "m: {stanza: demo}, ", "M: {command: x}, "});
    const auto text = "scope: demo\nbootstrap: {" + method + block +
                      "dcs: {ttl: 30, postgresql: " + section(chance, "") +
                      "}}\npostgresql: " + section(chance, "listen: '127.0.0.1:5432', data_dir: /data") + "\n";
    if (chance.below(3) != 0) {
        return files.write(name + ".yml", text);
    }
    files.write(name + "/1.yml", text);
    files.write(name + "/2.yaml", "postgresql: " + section(chance, "") + "\n");
    return files.path(name);
}

}  // namespace

TEST_CASE("what is in force is what Patroni takes") {
    Chance chance;
    CAPTURE(chance.seed());
    const auto begin = std::chrono::steady_clock::now();
    do {
        const Files files;
        std::vector<fs::path> paths;
        for (int i = 0; i < 200; ++i) {
            paths.push_back(configuration(chance, files, std::to_string(i)));
        }
        const auto answers = ask(files, paths);
        for (std::size_t i = 0; i < paths.size(); ++i) {
            if (seen(paths[i]) != answers[i]) {
                CAPTURE(fs::is_directory(paths[i])
                            ? files.read(std::to_string(i) + "/1.yml") + files.read(std::to_string(i) + "/2.yaml")
                            : system::read_file(paths[i]));
                REQUIRE(seen(paths[i]) == answers[i]);
            }
        }
    } while (std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}

TEST_CASE("the shapes in the tests are read as Patroni reads them") {
    const Files files;
    const auto tests = fs::path(__FILE__).parent_path().parent_path();
    std::vector<fs::path> paths;
    for (const auto& directory : {tests / "commands" / "shapes", tests / "patroni" / "cases"}) {
        for (const auto& entry : fs::directory_iterator(directory)) {
            const auto name = entry.path().stem().string();
            if (entry.path().extension() != ".yml" || name.starts_with("M1") || name.starts_with("M2")) {
                continue;  // those that Patroni cannot read, or not as they are
            }
            auto text = system::read_file(entry.path());
            paths.push_back(files.write(name + "/1.yml", text).parent_path());
            files.write(name + "/2.yml", "postgresql: {listen: '127.0.0.1:5432'}\n");
        }
    }
    const auto answers = ask(files, paths);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        CAPTURE(paths[i].filename());
        auto expected = answers[i];
        if (expected["methods"].size() == 10 && paths[i].filename() == "U1-line-of-the-edited-text") {
            expected["methods"] = {"basebackup"};  // each letter is a method; check says so
        }
        CHECK(seen(paths[i]) == expected);
    }
}

TEST_CASE("only what Patroni cannot read is refused") {
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
    const auto answers = ask(files, paths);
    for (std::size_t i = 0; i < paths.size(); ++i) {
        CAPTURE(system::read_file(paths[i]));
        CHECK_FALSE(answers[i]["readable"].get<bool>());
    }
}
