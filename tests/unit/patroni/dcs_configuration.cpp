#include "patroni/dcs_configuration.hpp"

#include "patroni/configuration_files.hpp"
#include "patroni/review_server_start.hpp"
#include "support/catch.hpp"
#include "support/reviewed_node.hpp"

#include <string>
#include <sys/stat.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

const std::string edit = "patronictl edit-config demo --force";
const std::string sets_a_key = ", and -s KEY=VALUE sets a key there";

/// This patroni.yml, and that in the DCS.
ConfigurationSource source_of(const Files& files, const std::string& text, const std::string& json) {
    const auto file = files.write("patroni.yml", text);
    ::chmod(file.c_str(), 0600);
    return {file, {}, {json, edit}};
}

/// `id place: message | hint` of every finding.
Strings found(const std::string& json, const std::string& text = clean) {
    const ReviewedNode node;
    Strings result;
    for (const auto& [id, problem] : review(source_of(node.files, text, json), node.intent)) {
        result.push_back(id + " " + problem.place + ": " + problem.message + " | " + problem.hint);
    }
    return result;
}

/// The JSON with these parameters beside those with which nothing is found.
std::string archiving(const std::string& keys = {}) {
    return R"({)" + keys + R"("postgresql":{"parameters":{"archive_mode":"on",)" +
           R"("archive_command":"pgbackrest --stanza=demo archive-push %p"}}})";
}

}  // namespace

TEST_CASE("what the DCS holds takes the place of bootstrap.dcs as a whole, and its keys are its places") {
    const Files files;
    const auto tree = load_tree(source_of(
        files, clean,
        R"({"ttl":20,"pause":null,"postgresql":{"parameters":{"archive_mode":true,"work_mem":"4MB"},"pg_hba":["a","b"]}})"));
    const auto& bootstrap = tree->map_at("bootstrap");
    CHECK(bootstrap.find("method")->place == "patroni.yml:3");
    const auto& dcs = bootstrap.map_at("dcs");
    CHECK(dcs.find("ttl")->value->text == "20");
    CHECK(dcs.find("ttl")->value->plain);
    CHECK(dcs.find("ttl")->place == "/config in the DCS, ttl");
    CHECK(dcs.find("pause")->value->is_null());
    const auto& parameters = dcs.map_at("postgresql").map_at("parameters");
    CHECK(parameters.entries.size() == 2);
    CHECK(parameters.find("archive_mode")->value->text == "true");
    CHECK(parameters.find("archive_mode")->place == "/config in the DCS, postgresql.parameters.archive_mode");
    CHECK_FALSE(parameters.find("work_mem")->value->plain);
    const auto& rules = *dcs.map_at("postgresql").find("pg_hba")->value;
    REQUIRE(rules.items.size() == 2);
    CHECK(rules.items.back()->text == "b");
    CHECK(rules.items.back()->place == "/config in the DCS, postgresql.pg_hba");
    CHECK(tree->find("postgresql")->place == "patroni.yml:12");
}

TEST_CASE("where nothing is bootstrapped, and where nothing can be read, the tree stays as it is") {
    const Files files;
    CHECK(load_tree(source_of(files, "scope: demo\n", "{\"ttl\":20}"))->find("bootstrap") == nullptr);
    CHECK(load_tree(source_of(files, clean, "{\"ttl\":"))->map_at("bootstrap").map_at("dcs").find("ttl") == nullptr);
    CHECK(load_tree({std::nullopt, {}, {"{\"ttl\":20}", edit}}) == nullptr);
}

TEST_CASE("a mistake in the DCS is found there, one in bootstrap.dcs is not, and the hint has the command") {
    CHECK(found(archiving(), with(clean, "  dcs:\n", "  dcs:\n    ttl: 30s\n")) == Strings{});
    CHECK(found(archiving(R"("ttl":"30s",)")) ==
          Strings{"dcs-ignored /config in the DCS, ttl: ttl is 30s, which is not a number: Patroni ignores all of "
                  "/config in the DCS | write it as a number of seconds, without a unit, or remove it; " +
                  edit + " -s ttl=null takes it out of the DCS" + sets_a_key});
    CHECK(
        found(R"({"postgresql":{"parameters":{"archive_mode":"off"}}})") ==
        Strings{"archive-mode-off /config in the DCS, postgresql.parameters.archive_mode: archive_mode is not on: "
                "nothing that the restored cluster writes can be restored again | set archive_mode: 'on' in the DCS's "
                "postgresql.parameters; " +
                edit + " -s postgresql.parameters.archive_mode=null takes it out of the DCS" + sets_a_key});
    CHECK(found(R"({"ttl":30})") ==
          Strings{"archive-mode-off : archive_mode is not set by Patroni: unless the backup's own configuration sets "
                  "it, nothing that the restored cluster writes can be restored again | set archive_mode: 'on' in the "
                  "DCS's postgresql.parameters; " +
                  edit + " -s KEY=VALUE sets a key there"});
    CHECK(found(archiving(R"("pause":true,)")) ==
          Strings{"dcs-paused /config in the DCS, pause: the DCS's pause is set: Patroni calls no bootstrap method in "
                  "pause | remove it; " +
                  edit + " -s pause=null takes it out of the DCS" + sets_a_key});
    CHECK(found(archiving(R"("pause":"off",)")) == Strings{});
}

TEST_CASE("the configuration is that of the DCS, and the file's own fingerprint stays") {
    const Files files;
    const auto source = source_of(
        files, clean,
        R"({"postgresql":{"parameters":{"archive_command":"cp %p /old"},"recovery_conf":{"restore_command":"cp /old/%f %p"}}})");
    const auto configuration = read_configuration(source).value();
    CHECK(configuration.archiving.command.value().text == "cp %p /old");
    CHECK_FALSE(configuration.archiving.is_on);
    REQUIRE(configuration.restore_commands.size() == 2);
    CHECK(configuration.restore_commands.front().place == "patroni.yml:14");
    CHECK(configuration.restore_commands.back().place ==
          "/config in the DCS, postgresql.recovery_conf.restore_command");
    CHECK(configuration.dcs_edit == edit);
    const auto of_the_file = read_configuration({source.path, {}}).value();
    CHECK(of_the_file.dcs_edit.empty());
    CHECK(of_the_file.archiving.is_on);
    CHECK(of_the_file.fingerprint == of_the_file.fingerprint_in_force);
    CHECK(of_the_file.fingerprint == configuration.fingerprint);
    CHECK(of_the_file.fingerprint != configuration.fingerprint_in_force);
}

TEST_CASE("a wrong type in the DCS is refused with its key") {
    const Files files;
    CHECK(problems_of([&] { read_configuration(source_of(files, clean, R"({"postgresql":{"bin_dir":["a"]}})")); }) ==
          Strings{"/config in the DCS, postgresql.bin_dir: the DCS's postgresql.bin_dir is a list"});
}

TEST_CASE("what PostgreSQL could not open is found in the DCS as well") {
    const Files files;
    const auto text = with(clean, "postgresql:\n  recovery", "postgresql:\n  data_dir: /data\n  recovery");
    const auto configuration =
        read_configuration(
            source_of(files, text, R"({"postgresql":{"parameters":{"ssl":true,"ssl_cert_file":"/nowhere/cert"}}})"))
            .value();
    const auto findings = review_server_start(configuration, "/nowhere/bin", true);
    REQUIRE(findings.size() == 1);
    CHECK(findings.front().id == "tls-file");
    CHECK(findings.front().problem.place == "/config in the DCS, postgresql.parameters.ssl_cert_file");
    CHECK(findings.front().problem.hint.ends_with(
        "; " + edit + " -s postgresql.parameters.ssl_cert_file=null takes it out of the DCS" + sets_a_key));
}

TEST_CASE("only what is in the DCS, or is to go there, gets the command") {
    const Problem local{"a is wrong", "change it", "patroni.yml:3"};
    CHECK(said_of_dcs(local, edit) == local);
    const Problem dynamic{"b is not in bootstrap.dcs.postgresql", "set it in bootstrap.dcs", "patroni.yml:3"};
    CHECK(said_of_dcs(dynamic, "") == dynamic);
    CHECK(said_of_dcs(dynamic, edit) ==
          Problem{"b is not in the DCS's postgresql",
                  "set it in /config in the DCS; " + edit + " -s KEY=VALUE sets a key there", "patroni.yml:3"});
    CHECK(said_of_dcs(Problem{"c", "remove it", "/config in the DCS, slots.a b"}, edit).hint ==
          "remove it; " + edit + " -s 'slots.a b=null' takes it out of the DCS" + sets_a_key);
}
