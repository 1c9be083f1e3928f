#include "commands/check_configuration.hpp"

#include "checks/checks.hpp"
#include "commands/arguments.hpp"
#include "commands/configure_changes.hpp"
#include "patroni/secrets.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "yaml/outline.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <sys/stat.h>
#include <utility>
#include <vector>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::commands;
namespace fs = std::filesystem;

namespace {

const fs::path shapes = fs::path(__FILE__).parent_path() / "shapes";

/// `method-missing:21` for a finding in line 21; without a line where the finding names none.
std::string text(const Finding& finding) {
    const auto& place = finding.problem.place;
    return finding.id + (place.starts_with("patroni.yml:") ? place.substr(place.find(':')) : std::string());
}

/// As `check` on a machine without systemd, watchdog and a stanza in pgBackRest's own configuration.
Strings found(const std::string& yaml) {
    const Files files;
    const auto file = files.write("patroni.yml", yaml);
    ::chmod(file.c_str(), 0600);
    ::setenv("PATRONI_REPLICATION_USERNAME", "replicator", 1);  // where most of them leave it to the environment
    Overview overview;
    std::vector<Finding> findings;
    review_configuration(read_bootstrap_arguments({"check", "--patroni-config=" + file.string()}), overview, findings,
                         files.path());
    Strings result;
    for (const auto& finding : findings) {
        result.push_back(text(finding));
    }
    return result;
}

/// Where each value that is a scalar stands: its first byte and the one behind it.
void add_scalars(const yaml::Written& node, std::vector<std::pair<std::size_t, std::size_t>>& places) {
    if (node.is_scalar() && node.end > node.begin) {
        places.emplace_back(node.begin, node.end);
    }
    for (const auto& child : node.children) {
        add_scalars(child, places);
    }
}

/// All that check shows of a file: its findings and the settings.
std::string shown_by_check(const std::string& yaml) {
    const Files files;
    const auto file = files.write("patroni.yml", yaml);
    Overview overview;
    std::vector<Finding> findings;
    try {
        review_configuration(read_bootstrap_arguments({"check", "--patroni-config=" + file.string()}), overview,
                             findings, files.path());
    } catch (const Failure& failure) {
        append(findings, "configuration-broken", failure.problems());
    }
    for (auto& finding : findings) {  // as check does
        finding.problem.message = patroni::text_to_show(finding.problem.message);
        finding.problem.hint = patroni::text_to_show(finding.problem.hint);
    }
    return overview_json(overview, findings) + overview_text(overview, findings);
}

/// What `configure --stanza=demo --replicas --replace --write` makes of it.
std::string configured(const std::string& yaml) {
    const Files files;
    const auto file = files.write("patroni.yml", yaml);
    ConfigureArguments arguments;
    arguments.replicas = arguments.replace = true;
    arguments.options = {GivenOption{"stanza", "demo"}};
    patroni::ConfigurationEdit patroni_yml(file, {});
    add_bootstrap(patroni_yml, arguments, method_of(arguments, patroni_yml), "demo");
    patroni_yml.write();
    return system::read_file(file);
}

/// The findings of a file that knows nothing of us.
Strings not_ours(int line) {
    return {"request-invalid", "method-missing:" + std::to_string(line), "archive-mode-off",
            "standby-restore-command-missing"};
}

}  // namespace

TEST_CASE("check finds in files of every shape what is wrong with them, at its line, and nothing else") {
    const std::map<std::string, Strings> expected = {
        {"anchors", {"target-not-proven:20", "archive-mode-off", "standby-restore-command-missing"}},
        {"autobase", {"request-invalid", "method-missing:21"}},
        {"barman", {"method-other-program:6"}},
        {"bom", not_ours(2)},
        {"comments", not_ours(15)},
        {"crlf", not_ours(3)},
        {"crunchy", {"request-invalid", "method-missing:22"}},
        {"debian", {"method-missing:12"}},
        {"environment",
         {"request-invalid", "request-invalid", "method-missing:2", "archive-mode-off",
          "standby-restore-command-missing"}},
        {"flow", not_ours(2)},
        {"flow2", not_ours(3)},
        {"json", not_ours(6)},
        {"kubernetes",
         {"request-invalid", "method-missing:3", "archive-command-missing:7", "standby-restore-command-missing:45"}},
        {"long", not_ours(4)},
        {"merge", not_ours(7)},
        {"no-newline", not_ours(4)},
        {"operator",
         {"request-invalid", "request-invalid", "method-missing:2", "archive-command-other:1",
          "standby-restore-command-missing"}},
        {"percona", {"request-invalid", "method-missing:12", "watchdog-missing:48"}},
        {"pigsty", {"method-other-program:11"}},
        {"plain", {"method-other-program:5"}},
        {"quoted", {"archive-mode-off", "standby-restore-command-missing:11"}},
        {"spilo", {"method-other-program:13"}},
        {"tabs", not_ours(7)},
        {"timescale", {"method-other-program:13"}},
        {"walg", {"method-other-program:5"}},
        {"wrapper", {"archive-mode-off"}},
    };
    std::set<std::string> seen;
    for (const auto& entry : fs::directory_iterator(shapes)) {
        if (entry.path().extension() != ".yml") {
            continue;
        }
        const auto shape = entry.path().stem().string();
        CAPTURE(shape);
        REQUIRE(expected.contains(shape));
        seen.insert(shape);
        CHECK(found(system::read_file(entry.path())) == expected.at(shape));
    }
    CHECK(seen.size() == expected.size());
}

TEST_CASE("configure, which the hints name, takes its findings out of every shape and brings no other in") {
    const auto ids_in = [](const std::string& yaml) {
        std::set<std::string> ids;
        for (const auto& finding : found(yaml)) {
            ids.insert(finding.substr(0, finding.find(':')));
        }
        return ids;
    };
    // What is only looked at once the method is ours, and the stanza known.
    const auto is_of_archive = [](const std::string& id) {
        return id.starts_with("archive-") || id == "standby-restore-command-elsewhere";
    };
    for (const auto& entry : fs::directory_iterator(shapes)) {
        if (entry.path().extension() != ".yml") {
            continue;
        }
        CAPTURE(entry.path().stem().string());
        const auto yaml = system::read_file(entry.path());
        const auto before = ids_in(yaml);
        for (const auto& id : ids_in(configured(yaml))) {
            CAPTURE(id);
            CHECK((before.contains(id) || is_of_archive(id)));
            CHECK_FALSE((id.starts_with("method-") || id == "standby-restore-command-missing"));
        }
    }
}

TEST_CASE("the README counts the files that were tried") {
    const auto tests = shapes.parent_path().parent_path().parent_path();
    const auto files_in = [](const fs::path& directory) {
        return std::count_if(fs::directory_iterator(directory), fs::directory_iterator(),
                             [](const auto& entry) { return entry.path().extension() == ".yml"; });
    };
    for (const std::string readme : {"README.md", "README.zh-CN.md"}) {
        CAPTURE(readme);
        const auto text = system::read_file(tests.parent_path() / readme);
        CHECK(text.find("| " + std::to_string(files_in(shapes)) + " ") != std::string::npos);
        CHECK(text.find(" " + std::to_string(files_in(tests / "unit" / "patroni" / "cases")) + " ") !=
              std::string::npos);
    }
}

TEST_CASE("the block of another program leaves one warning, and none of its settings is shown as ours") {
    const Files files;
    const auto file = files.write("patroni.yml", system::read_file(shapes / "walg.yml"));
    ::chmod(file.c_str(), 0600);
    ::setenv("PATRONI_REPLICATION_USERNAME", "replicator", 1);
    Overview overview;
    std::vector<Finding> findings;
    CHECK_FALSE(review_configuration(read_bootstrap_arguments({"check", "--patroni-config=" + file.string()}), overview,
                                     findings, files.path()));
    CHECK(overview.settings.empty());
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].problem ==
          Problem{"bootstrap.wal_g.command does not call patroni_pgbackrest bootstrap",
                  "let it run patroni_pgbackrest bootstrap; ignore this if it is a script that does", "patroni.yml:5"});
}

TEST_CASE("check shows no marker in a connection string or an option, whatever value of a shape holds them") {
    const Strings secrets = {"postgres://u:speakfriend@h/d", "PGPASSWORD=speakfriend x",
                             "x --repo1-s3-key-secret=speakfriend"};
    std::size_t tried = 0;
    for (const auto& entry : fs::directory_iterator(shapes)) {
        if (entry.path().extension() != ".yml") {
            continue;
        }
        const auto shape = entry.path().filename().string();
        const auto yaml = system::read_file(entry.path());
        std::vector<std::pair<std::size_t, std::size_t>> places;
        add_scalars(yaml::Outline(yaml::read(yaml, shape)).root(), places);
        for (const auto& [begin, end] : places) {
            const auto& secret = secrets[tried++ % secrets.size()];
            CAPTURE(shape, begin, secret);
            const auto with_secret = yaml.substr(0, begin) + "'" + secret + "'" + yaml.substr(end);
            CHECK(shown_by_check(with_secret).find("speakfriend") == std::string::npos);
        }
    }
    CHECK(tried > 300);
}

TEST_CASE("a command of ours is known for ours whatever stands in quotes before it") {
    const auto yaml = "scope: demo\nbootstrap:\n  method: m\n  m:\n    command: env X=\"it's\" patroni_pgbackrest "
                      "bootstrap\n    stanza: demo\n    typ: time\npostgresql:\n  data_dir: /data\n";
    const auto findings = found(yaml);
    CHECK(std::find(findings.begin(), findings.end(), "request-invalid:7") != findings.end());
}
