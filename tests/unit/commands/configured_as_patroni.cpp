// What configure writes leaves in force whatever was, as Patroni itself reads the file before and afterwards.
#include "commands/configure_changes.hpp"
#include "support/as_patroni.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::commands;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

const fs::path tests = fs::path(__FILE__).parent_path().parent_path();

/// As `configure --stanza=demo --replicas --write`; false where it refuses.
bool configured(const fs::path& file) {
    ConfigureArguments arguments;
    arguments.replicas = true;
    arguments.options = {GivenOption{"stanza", "demo"}};
    try {
        patroni::ConfigurationEdit patroni_yml(file, {});
        add_bootstrap(patroni_yml, arguments, method_of(arguments, patroni_yml), "demo");
        patroni_yml.write();
        return true;
    } catch (const Failure&) {
        return false;
    }
}

/// Those that a directory of shapes has, and each combination of what may set the standbys' settings and methods.
Strings texts_to_configure() {
    Strings texts;
    for (const auto& directory : {tests / "commands" / "shapes", tests / "patroni" / "cases"}) {
        for (const auto& entry : fs::directory_iterator(directory)) {
            const auto name = entry.path().filename().string();
            // M1: Patroni cannot read them. U1: each letter is a method.
            if (entry.path().extension() == ".yml" && !name.starts_with("M1") && !name.starts_with("U1")) {
                texts.push_back(system::read_file(entry.path()));
            }
        }
    }
    const Strings sections = {"recovery_conf: {recovery_min_apply_delay: 1h}",
                              "recovery_conf: {Restore_Command: '/get %f %p'}",
                              "recovery_conf: {}",
                              "recovery_conf: ~",
                              "parameters: {recovery_min_apply_delay: 1h, work_mem: 4MB}",
                              "create_replica_methods: []",
                              "create_replica_methods: [walg, basebackup]",
                              "create_replica_method: [walg]",
                              "use_slots: true"};
    for (const auto& local : sections) {
        for (const auto& dynamic : sections) {
            texts.push_back("scope: demo\nbootstrap:\n  dcs:\n    postgresql:\n      " + dynamic +
                            "\npostgresql:\n  data_dir: /data\n  authentication: {}\n  walg: {command: x}\n  " + local +
                            "\n");
        }
    }
    return texts;
}

/// What as_patroni.py says of each file, which gets an address to listen on as from another file.
std::vector<Json> ask(const Files& files, const Strings& texts) {
    std::vector<Json> asked;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto name = "asked" + std::to_string(i);
        files.write(name + "/1.yml", texts[i]);
        files.write(name + "/2.yml", "postgresql: {listen: '127.0.0.1:5432'}\n");
        asked.push_back({{"path", files.path(name).string()}, {"environment", Json::object()}});
    }
    return answers_of_patroni(files, asked);
}

/// Without what configure is to change.
Json others(Json seen) {
    seen.erase("bootstrap");
    seen["recovery_conf"].erase("restore_command");
    Json methods = Json::array();
    for (const auto& method : seen["methods"]) {
        if (method != Json("pgbackrest")) {
            methods.push_back(method);
        }
    }
    seen["methods"] = methods;
    return seen;
}

}  // namespace

TEST_CASE("to Patroni nothing else is in force once configure has written", "[as_patroni]") {
    const Files files;
    Strings texts;
    std::size_t count = 0;
    for (const auto& text : texts_to_configure()) {
        const auto file = files.write("patroni.yml", text);
        if (configured(file)) {
            texts.push_back(text);
            texts.push_back(system::read_file(file));
            ++count;
        }
    }
    CHECK(count > 80);
    const auto seen = ask(files, texts);
    for (std::size_t i = 0; i < seen.size(); i += 2) {
        CAPTURE(texts[i], texts[i + 1]);
        const auto &before = seen[i], &after = seen[i + 1];
        CHECK(others(before) == others(after));
        CHECK(after["bootstrap"] != Json("initdb"));
        CHECK_FALSE(after["recovery_conf"].value("restore_command", "").empty());
        const auto& methods = after["methods"];
        CHECK(std::find(methods.begin(), methods.end(), Json("pgbackrest")) != methods.end());
        const auto command = before["recovery_conf"].value("restore_command", "");
        if (!command.empty() && command.find("pgbackrest") == std::string::npos) {
            CHECK(after["recovery_conf"]["restore_command"] == Json(command));
        }
    }
}
