#include "commands/configure.hpp"

#include "commands/configure_changes.hpp"
#include "commands/configured_target.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <map>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::commands;
namespace fs = std::filesystem;

namespace {

using Words = std::vector<std::string>;

ConfigureArguments with(std::vector<GivenOption> options) {
    ConfigureArguments arguments;
    arguments.options = std::move(options);
    return arguments;
}

/// What `configure` does between reading and writing; returns the difference without its two first lines, and puts the
/// new text into the files.
std::string configured(const fs::path& path, ConfigureArguments arguments = {}) {
    arguments.options.insert(arguments.options.begin(), GivenOption{"stanza", "demo"});
    patroni::ConfigurationEdit patroni_yml(path, {});
    const std::string method = method_of(arguments, patroni_yml);
    if (arguments.remove) {
        remove_target(patroni_yml, method);
    } else {
        add_bootstrap(patroni_yml, arguments, method, "demo");
        require_accepted(patroni_yml, arguments);
    }
    const std::string diff = patroni_yml.diff();
    patroni_yml.write();
    return diff.empty() ? diff : diff.substr(diff.find("@@"));
}

std::string result(const std::string& text, const ConfigureArguments& arguments = {}) {
    const Files files;
    const fs::path file = files.write("patroni.yml", text);
    configured(file, arguments);
    return system::read_file(file);
}

ConfigureArguments to_remove() {
    ConfigureArguments arguments;
    arguments.remove = true;
    return arguments;
}

/// Nothing is changed if it is refused.
bool is_accepted(const fs::path& file, const ConfigureArguments& arguments) {
    const auto before = system::read_file(file);
    try {
        configured(file, arguments);
        return true;
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::usage);
        CHECK(system::read_file(file) == before);
        return false;
    }
}

/// `place: message` of each problem, and the last hint.
Words refusal(const std::string& text, const ConfigureArguments& arguments = {}) {
    const Files files;
    const fs::path file = files.write("patroni.yml", text);
    Words said;
    try {
        configured(file, arguments);
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::usage);
        for (const auto& problem : failure.problems()) {
            said.push_back(problem.place.empty() ? problem.message : problem.place + ": " + problem.message);
        }
        said.push_back(failure.problems().back().hint);
    }
    CHECK(system::read_file(file) == text);
    return said;
}

const fs::path shapes = fs::path(__FILE__).parent_path() / "shapes";

std::map<std::string, std::string> all_shapes() {
    std::map<std::string, std::string> texts;
    for (const auto& entry : fs::directory_iterator(shapes)) {
        if (entry.path().extension() == ".yml") {
            texts[entry.path().stem().string()] = system::read_file(entry.path());
        }
    }
    REQUIRE(texts.size() == 26);
    return texts;
}

/// Without the first line that begins with these words.
std::string without(std::string text, const std::string& words) {
    const auto line = text.rfind('\n', text.find(words)) + 1;
    REQUIRE(text.find(words) != std::string::npos);
    return text.erase(line, text.find('\n', line) + 1 - line);
}

const std::string plain = "scope: demo\n"
                          "bootstrap:\n"
                          "  method: pgbackrest\n"
                          "  pgbackrest:\n"
                          "    command: patroni_pgbackrest bootstrap\n"
                          "    stanza: demo\n"
                          "postgresql:\n"
                          "  data_dir: /data\n"
                          "  pg_hba: [local all all peer]\n"
                          "  recovery_conf:\n"
                          "    restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n";

std::string plain_with(const std::string& lines_of_block) {
    std::string text = plain;
    return text.insert(text.find("postgresql:"), lines_of_block);
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("files of every shape get the missing lines, and not a byte more") {
    for (const auto& [shape, text] : all_shapes()) {
        CAPTURE(shape);
        const Files files;
        const fs::path file = files.write("patroni.yml", text);
        ConfigureArguments arguments;
        arguments.replicas = true;
        const std::string expected = system::read_file(shapes / (shape + ".diff"));
        CHECK(configured(file, arguments) == (expected.empty() ? expected : expected.substr(expected.find("@@"))));
        CHECK(configured(file, arguments).empty());
        CHECK_FALSE(contains(expected, "mellon"));
    }
}

TEST_CASE("a target that is written and taken out again leaves a file of any shape as it was") {
    const std::vector<std::vector<GivenOption>> targets = {
        {{"type", "lsn"},
         {"target", "16/B374D848"},
         {"target-exclusive", ""},
         {"target-timeline", "3"},
         {"set", "20261122-090000F"}},
        {{"type", "immediate"}, {"set", "20261122-090000F"}},
        {{"type", "time"}, {"target", "2026-11-22 09:00:00+00"}, {"target-timeline", "latest"}},
    };
    for (const auto& [shape, text] : all_shapes()) {
        for (const auto& target : targets) {
            CAPTURE(shape, target.front().value);
            const Files files;
            const fs::path file = files.write("patroni.yml", text);
            configured(file);
            auto before = system::read_file(file);
            if (shape == "anchors") {  // an alias would change with the target that is there: nothing is written
                CHECK(contains(refusal(before, with(target)).front(), "an alias in patroni.yml:22 uses the anchor"));
                continue;
            }
            // These have a target already. A file has only one: it is replaced, and cannot come back.
            if (shape == "long") {
                before = without(without(without(before, "target-exclusive: no"), "target: before the"), "type: name");
            } else if (shape == "wrapper") {
                before = without(before, "target-timeline: current");
            }
            CHECK_FALSE(configured(file, with(target)).empty());
            CHECK_FALSE(configured(file, to_remove()).empty());
            CHECK(system::read_file(file) == before);
            CHECK(configured(file, to_remove()).empty());
        }
    }
}

TEST_CASE("in patroni mode, too, a target that is taken out again leaves the file as it was") {
    for (const std::string timeline : {"", "      recovery_target_timeline: latest\n"}) {
        CAPTURE(timeline);
        const auto before = plain_with("    recovery_conf:\n" + timeline +
                                       "      restore_command: patroni_pgbackrest archive-get %f \"%p\"\n"
                                       "      recovery_target_action: promote\n");
        const Files files;
        const fs::path file = files.write("patroni.yml", before);
        configured(file);
        const auto configured_once = system::read_file(file);
        CHECK_FALSE(configured(file, with({{"type", "lsn"}, {"target", "16/B374D848"}})).empty());
        ConfigureArguments remove;
        remove.remove = true;
        CHECK_FALSE(configured(file, remove).empty());
        CHECK(system::read_file(file) == configured_once);
    }
}

TEST_CASE("in patroni mode a target that is taken out again leaves a file of any shape as it was, or is refused") {
    ConfigureArguments mode;
    mode.patroni_mode = true;
    mode.replace = true;  // of the shape's restore_command
    int accepted = 0;
    for (const auto& [shape, text] : all_shapes()) {
        CAPTURE(shape);
        const Files files;
        const fs::path file = files.write("patroni.yml", text);
        patroni::ConfigurationEdit rules(file, {});
        if (rules.find({"postgresql", "pg_hba"}) == nullptr) {  // without it patroni mode is refused
            rules.set({"postgresql", "pg_hba"}, yaml::NewNode::of_list({yaml::NewNode::of_text("local all all peer")}));
            rules.write();
        }
        if (!is_accepted(file, mode)) {
            continue;
        }
        configured(file, to_remove());
        const auto before = system::read_file(file);
        for (const std::string timeline : {"3", "current"}) {
            const auto target = with(
                {{"type", "lsn"}, {"target", "16/B374D848"}, {"target-exclusive", ""}, {"target-timeline", timeline}});
            if (is_accepted(file, target)) {  // not where a replica method has no_leader
                CHECK_FALSE(configured(file, to_remove()).empty());
                ++accepted;
            }
            CHECK(system::read_file(file) == before);
        }
    }
    CHECK(accepted >= 40);
}

TEST_CASE("recovery settings of a target that was there before are not brought back, and others are not touched") {
    const auto block = [](const std::string& lines) {
        return plain_with("    recovery_conf:\n      restore_command: patroni_pgbackrest archive-get %f \"%p\"\n" +
                          lines);
    };
    const auto remove = to_remove();
    const std::string promote = "      recovery_target_action: promote\n";
    // PostgreSQL takes latest where nothing is said; with a target-timeline it had to go.
    const auto text = block("      recovery_target_timeline: latest\n" + promote);
    const auto with_timeline = result(text, with({{"type", "immediate"}, {"target-timeline", "3"}}));
    CHECK(contains(with_timeline, "recovery_target_timeline: '3'"));
    CHECK_FALSE(contains(result(with_timeline, remove), "recovery_target_timeline"));
    // bootstrap refuses any other action than promote, so that it is no part of the target.
    CHECK(result(result(block("      recovery_target_action: shutdown\n"), with({{"type", "immediate"}})), remove) ==
          result(block(promote)));
    CHECK(result(text, remove) == text);
}

TEST_CASE("a target that another one replaced is told") {
    const Files files;
    const fs::path file =
        files.write("patroni.yml", plain_with("    type: time\n    target: '2026-11-22 10:00:00+00'\n"));
    const auto settings = [&] { return target_settings(patroni::ConfigurationEdit(file, {}), "pgbackrest"); };
    CHECK(settings() == Words{"type=time", "target=2026-11-22 10:00:00+00"});
    configured(file, with({{"type", "immediate"}}));
    CHECK(settings() == Words{"type=immediate"});
}

TEST_CASE("what stays of an earlier target, and was not given, is named") {
    const auto kept = [](const std::string& block, std::vector<GivenOption> options) {
        const Files files;
        const fs::path file = files.write("patroni.yml", plain_with(block));
        const auto settings = [&] { return target_settings(patroni::ConfigurationEdit(file, {}), "pgbackrest"); };
        const auto before = settings();
        const auto arguments = with(std::move(options));
        configured(file, arguments);
        return kept_of_target(before, settings(), arguments.options);
    };
    const std::string incident = "    type: time\n    target: '2026-11-22 10:00:00+00'\n    target-timeline: '2'\n"
                                 "    set: 20261122-090000F\n";
    CHECK(kept(incident, {{"repo", "1"}}) == Words{"type", "target", "target-timeline", "set"});
    CHECK(kept(incident, {{"type", "xid"}, {"target", "4711"}}) == Words{"target-timeline", "set"});
    CHECK(kept(incident, {{"type", "immediate"}, {"set", "20261122-090000F"}, {"target-timeline", "2"}}).empty());
    // No target, and nothing that was not there before.
    CHECK(kept("    type: latest\n    target-timeline: latest\n", {{"repo", "1"}}).empty());
    CHECK(kept("", {{"type", "time"}, {"target", "2026-11-22 10:00:00+00"}}).empty());
    CHECK(kept("    process-max: 4\n", {}).empty());
}

TEST_CASE("values are written so that YAML keeps them as they are") {
    CHECK(result(plain, with({{"type", "name"}, {"target", "it's: the # one"}, {"repo", "2"}})) ==
          plain_with("    repo: 2\n    type: name\n    target: 'it''s: the # one'\n"));
    CHECK(result(plain, with({{"type", "xid"}, {"target", "4711"}, {"target-exclusive", "yes"}})) ==
          plain_with("    type: xid\n    target: '4711'\n    target-exclusive: true\n"));
    CHECK(result(plain, with({{"type", "name"}, {"target", "no"}})) ==
          plain_with("    type: name\n    target: 'no'\n"));
}

TEST_CASE("in patroni mode the name of a restore point may have any sign") {
    ConfigureArguments arguments = with({{"type", "name"}, {"target", "it's: the # one"}});
    arguments.patroni_mode = true;
    CHECK(contains(result(plain, arguments), "      recovery_target_name: 'it''s: the # one'\n"));
}

TEST_CASE("another type takes the place of the target that was there") {
    const std::string before =
        plain_with("    type: time  # asked for by the owner\n    target: '2026-11-22 10:00:00+00'\n"
                   "    target-exclusive: true\n");
    CHECK(result(before, with({{"type", "immediate"}})) ==
          plain_with("    type: immediate  # asked for by the owner\n"));
}

TEST_CASE("in patroni mode recovery_conf says what the block says, and no restore_command is left but the guard's") {
    ConfigureArguments arguments = with({{"type", "time"}, {"target", "2026-11-22 10:00:00+00"}});
    arguments.patroni_mode = true;
    const std::string text = result(plain, arguments);
    CHECK(contains(text, "    recovery_conf:\n"
                         "      restore_command: patroni_pgbackrest archive-get %f \"%p\"\n"
                         "      recovery_target_time: '2026-11-22 10:00:00+00'\n"
                         "      recovery_target_action: promote\n"));
    CHECK(contains(text, "    restore_command: patroni_pgbackrest archive-get --stanza=demo %f \"%p\"\n"));
    SECTION("a later target is written into both places, without being told the mode again") {
        const std::string later = result(text, with({{"type", "xid"}, {"target", "4711"}}));
        CHECK(contains(later, "    type: xid\n    target: '4711'\n"));
        CHECK(contains(later, "      recovery_target_xid: '4711'\n"));
        CHECK_FALSE(contains(later, "recovery_target_time"));
    }
    SECTION("remove leaves the restore_command") {
        ConfigureArguments remove;
        remove.remove = true;
        const std::string after = result(text, remove);
        CHECK_FALSE(contains(after, "target:"));
        CHECK(contains(after, "    recovery_conf:\n"
                              "      restore_command: patroni_pgbackrest archive-get %f \"%p\"\n"
                              "      recovery_target_action: promote\npostgresql:\n"));
    }
}

TEST_CASE("remove takes out all lines of a value, an alias of it too, and leaves the comments") {
    ConfigureArguments remove;
    remove.remove = true;
    CHECK(result(plain_with("    # for ticket 4711\n    type: name\n    target: >-\n      before the\n      migration\n"
                            "    # end\n"),
                 remove) == plain_with("    # for ticket 4711\n    # end\n"));
    CHECK(result(plain_with("    type: time\n    target: &moment '2026-11-22 10:00:00+00'\n    recovery_conf:\n"
                            "      restore_command: patroni_pgbackrest archive-get %f %p\n"
                            "      Recovery_Target_Time: *moment\n      recovery_target_action: promote\n"),
                 remove) ==
          plain_with("    recovery_conf:\n      restore_command: patroni_pgbackrest archive-get %f %p\n"
                     "      recovery_target_action: promote\n"));
}

TEST_CASE("remove takes out the directory that reuse-data names, and leaves auto") {
    const std::string target = "    type: immediate\n";
    const std::string automatic = "    reuse-data: auto\n";
    CHECK(result(plain_with(target + "    reuse-data: /lost\n"), to_remove()) == plain_with(""));
    CHECK(result(plain_with(target + automatic), to_remove()) == plain_with(automatic));
}

TEST_CASE("remove names the block in force when a script in it has the target") {
    const auto script = [](const std::string& command, const std::string& lines) {
        return "bootstrap:\n  method: dr\n  dr:\n    command: " + command + "\n    stanza: demo\n" + lines;
    };
    const std::string target = "    type: time\n    target: '2026-11-22 10:00:00+00'\n";
    const auto remove = to_remove();
    auto named = remove;
    named.method = "dr";
    const auto text = script("/usr/local/bin/dr.sh", target);
    CHECK(refusal(text, remove) ==
          Words{"patroni.yml:2: bootstrap.method is dr, which runs another program and has a target",
                "take it out with --method=dr, or name another block with --method"});
    CHECK(result(text, named) == script("/usr/local/bin/dr.sh", ""));
    CHECK(result(script("/usr/local/bin/dr.sh", ""), remove) == script("/usr/local/bin/dr.sh", ""));
    CHECK(
        refusal(script("/usr/local/bin/dr.sh", "    recovery_conf: {recovery_target_xid: '4711'}\n"), remove).size() ==
        2);
    named.method = "pgbackrest";
    CHECK(result(text, named) == text);

    for (const std::string command : {"/usr/local/bin/dr.sh --type=immediate", "dr.sh --type immediate",
                                      "pgbackrest --stanza=demo --delta --type=immediate restore"}) {
        CAPTURE(command);
        CHECK(refusal(script(command, ""), remove).front() ==
              "patroni.yml:2: bootstrap.method is dr, which runs another program and has a target");
        named.method = "dr";
        CHECK(refusal(script(command, target), named) ==
              Words{"patroni.yml:4: bootstrap.dr.command runs another program with --type",
                    "take the options of a target out by hand"});
    }
}

TEST_CASE("a target that bootstrap would refuse is refused in its words, and nothing is written") {
    CHECK(refusal(plain, with({{"type", "time"}, {"target", "2026-11-22 10:00:00"}})).front() ==
          "--target: '2026-11-22 10:00:00' is not a point in time with a UTC offset");
    CHECK(refusal(plain, with({{"type", "time"}})).front() == "--type: type time needs a target");
    CHECK(refusal(plain, with({{"type", "yesterday"}})).front() == "--type: 'yesterday' is not a recovery type");
}

TEST_CASE("the method's block is the one in force, or the one that is named") {
    const std::string ours = "bootstrap:\n  method: restore\n  restore:\n    command: /usr/bin/patroni_pgbackrest "
                             "bootstrap --log-level=debug\n    stanza: demo\n";
    CHECK(contains(result(ours, with({{"repo", "2"}})), "    stanza: demo\n    repo: 2\n"));
    ConfigureArguments named;
    named.method = "other";
    CHECK(contains(result(ours, named), "  method: other\n"));
    CHECK(contains(result(ours, named), "  other:\n    command: patroni_pgbackrest bootstrap\n    stanza: demo\n"));
    for (const char* taken : {"initdb", "dcs", "9lives", "a b", ""}) {
        named.method = taken;
        CAPTURE(taken);
        CHECK(refusal(ours, named).size() == 2);
    }
}

TEST_CASE("the identifier is written into the block as text") {
    const Files files;
    const fs::path file = files.write("patroni.yml", plain);
    patroni::ConfigurationEdit patroni_yml(file, {});
    add_bootstrap(patroni_yml, {}, "pgbackrest", "demo");
    add_system_identifier(patroni_yml, "pgbackrest", "7710953412442782829");
    require_accepted(patroni_yml, {});
    patroni_yml.write();
    CHECK(contains(system::read_file(file), "    stanza: demo\n    system-identifier: '7710953412442782829'\n"));
}

TEST_CASE("post_bootstrap is written, unless something else is there already") {
    ConfigureArguments arguments;
    arguments.post_bootstrap = true;
    CHECK(contains(result(plain, arguments), "  post_bootstrap: patroni_pgbackrest verify\n"));
    CHECK(refusal("bootstrap:\n  post_init: /setup.sh\n", arguments) ==
          Words{"patroni.yml:2: bootstrap.post_init runs something else already",
                "call patroni_pgbackrest verify in it, or take it out first"});
}

TEST_CASE("a key that is an alias, or comes from a merge key, is refused with what to write") {
    CHECK(refusal("x-block: &block\n  stanza: old\nbootstrap:\n  method: pgbackrest\n  pgbackrest: *block\n") ==
          Words{"patroni.yml:5: bootstrap.pgbackrest is an alias, and its value is used elsewhere too",
                "write it by hand:\nbootstrap:\n  pgbackrest:\n    command: patroni_pgbackrest bootstrap"});
    CHECK(
        refusal("x: &x\n  method: initdb\nbootstrap:\n  <<: *x\n") ==
        Words{"patroni.yml:4: bootstrap.method comes from a merge key (<<), so that a change of it would change other "
              "maps too",
              "write it by hand:\nbootstrap:\n  method: pgbackrest"});
}

TEST_CASE("of a directory the last file that has the key or its section is changed") {
    const Files files;
    files.write("10-base.yml", "scope: demo\nbootstrap:\n  method: initdb\n  dcs: {ttl: 30}\n");
    files.write("20-local.yml", "postgresql:\n  data_dir: /data\n");
    files.write("30-tags.yml", "tags: {}\n");
    configured(files.path());
    CHECK(system::read_file(files.path() / "10-base.yml") ==
          "scope: demo\nbootstrap:\n  method: pgbackrest\n  dcs: {ttl: 30}\n  pgbackrest:\n    command: "
          "patroni_pgbackrest bootstrap\n    stanza: demo\n");
    CHECK(system::read_file(files.path() / "20-local.yml") ==
          "postgresql:\n  data_dir: /data\n  recovery_conf:\n    restore_command: pgbackrest --stanza=demo archive-get "
          "%f \"%p\"\n");
    CHECK(system::read_file(files.path() / "30-tags.yml") == "tags: {}\n");
    CHECK(configured(files.path()).empty());
}

TEST_CASE("a restore_command in force that asks pgbackrest for this stanza stays") {
    const std::string own = "bootstrap:\n  dcs:\n    postgresql:\n      recovery_conf:\n        restore_command: "
                            "/usr/bin/pgbackrest --stanza=demo --log-level-console=info archive-get %f %p\n";
    CHECK_FALSE(contains(result(own), "--stanza=demo archive-get"));
    const std::string script = "postgresql:\n  recovery_conf:\n    restore_command: cp /archive/%f %p # old\n";
    CHECK(contains(result(script), "    restore_command: cp /archive/%f %p # old\n"));
    ConfigureArguments replace;
    replace.replace = true;
    CHECK(contains(result(script, replace),
                   "    restore_command: pgbackrest --stanza=demo archive-get %f \"%p\" # old\n"));
    CHECK(contains(
        result("postgresql:\n  recovery_conf:\n    restore_command: nice pgbackrest --stanza=old --log-path=/l "
               "archive-get %f %p\n"),
        "    restore_command: nice pgbackrest --stanza=demo --log-path=/l archive-get %f %p\n"));
}

TEST_CASE("what counts for standbys and lies in the DCS is said with the command that writes it there") {
    const auto added = [](const std::string& json, const std::string& text, const ConfigureArguments& arguments = {}) {
        const Files files;
        patroni::ConfigurationEdit patroni_yml(files.write("patroni.yml", text), {});
        const auto told =
            add_bootstrap(patroni_yml, arguments, "pgbackrest", "demo", {json, "patronictl edit-config demo --force"});
        return std::pair(told, patroni_yml.diff());
    };
    const std::string with_delay = R"({"postgresql":{"recovery_conf":{"recovery_min_apply_delay":"1h"}}})";
    const auto [told, diff] = added(with_delay, "scope: demo\npostgresql:\n  data_dir: /data\n");
    REQUIRE(told.size() == 1);
    CHECK(
        told.front().message ==
        "postgresql.recovery_conf.restore_command of /config in the DCS counts for standbys, and not what patroni.yml "
        "says: it is not set");
    CHECK(told.front().hint ==
          "if that is not meant, run patronictl edit-config demo --force -s "
          "'postgresql.recovery_conf.restore_command=pgbackrest --stanza=demo archive-get %f \"%p\"'");
    CHECK_FALSE(contains(diff, "recovery_conf"));  // it would hide the delay
    const std::string of_ours =
        R"({"postgresql":{"recovery_conf":{"restore_command":"pgbackrest --stanza=demo archive-get %f %p"}}})";
    CHECK(added(of_ours, "scope: demo\npostgresql:\n  data_dir: /data\n").first.empty());
    CHECK(added(with_delay, "scope: demo\npostgresql:\n  recovery_conf: {}\n").first.empty());
    CHECK(added("", "scope: demo\npostgresql:\n  data_dir: /data\n").first.empty());

    ConfigureArguments replicas;
    replicas.replicas = true;
    const auto list = added(R"({"postgresql":{"create_replica_methods":["walg","basebackup"]}})",
                            "scope: demo\nbootstrap:\n  dcs:\n    postgresql:\n      pgbackrest: {command: pgbackrest "
                            "--stanza=demo restore}\npostgresql:\n  data_dir: /data\n",
                            replicas)
                          .second;
    CHECK(contains(list, "+    - pgbackrest\n+    - walg\n+    - basebackup\n"));
    CHECK(contains(list, "+    command: pgbackrest --stanza=demo --delta restore\n"));
}

namespace {

std::string of_field(const std::string& name) {
    return system::read_file(fs::path(__FILE__).parent_path().parent_path() / "patroni" / "cases" / (name + ".yml"));
}

/// The difference that configure makes of it.
std::string changes(const std::string& name, const ConfigureArguments& arguments = {}) {
    const Files files;
    return configured(files.write("patroni.yml", of_field(name)), arguments);
}

std::string with_text(std::string text, const std::string& before, const std::string& after) {
    REQUIRE(contains(text, before));
    return text.replace(text.find(before), before.size(), after);
}

ConfigureArguments replicas() {
    ConfigureArguments arguments;
    arguments.replicas = true;
    return arguments;
}

const std::string block_of_ours = "+  method: pgbackrest\n"
                                  "+  pgbackrest:\n"
                                  "+    command: patroni_pgbackrest bootstrap\n"
                                  "+    stanza: demo\n";
const std::string recovery_conf_of_ours = "+  recovery_conf:\n"
                                          "+    restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n";

}  // namespace

TEST_CASE("of files of the field nothing is lost, to the byte") {
    CHECK(changes("W1-dcs-recovery-conf-shadowed") ==
          "@@ -5,5 +5,10 @@\n"
          "     postgresql:\n"
          "       recovery_conf:\n"
          "         recovery_min_apply_delay: 1h\n"
          "+        restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n" +
              block_of_ours + " postgresql:\n   data_dir: /var/lib/postgresql/15/demo\n");
    CHECK(changes("W2-restore-command-in-parameters") ==
          "@@ -6,6 +6,10 @@\n"
          "       parameters:\n"
          "         archive_mode: \"on\"\n"
          "         archive_command: pgbackrest --stanza=demo archive-push %p\n"
          "-        restore_command: pgbackrest --stanza=other archive-get %f \"%p\"\n"
          "+        restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n" +
              block_of_ours + " postgresql:\n   data_dir: /var/lib/postgresql/15/demo\n");
    CHECK(changes("W3-wrapper-dropped") == "@@ -7,3 +7,5 @@\n"
                                           "     stanza: demo\n"
                                           " postgresql:\n"
                                           "   data_dir: /var/lib/postgresql/15/demo\n" +
                                               recovery_conf_of_ours);
    CHECK(changes("W5-empty-methods", replicas()) == "@@ -2,4 +2,15 @@\n"
                                                     " name: n1\n"
                                                     " postgresql:\n"
                                                     "   data_dir: /var/lib/postgresql/15/demo\n"
                                                     "-  create_replica_methods: []\n"
                                                     "+  create_replica_methods: [pgbackrest, basebackup]\n" +
                                                         recovery_conf_of_ours +
                                                         "+  pgbackrest:\n"
                                                         "+    command: pgbackrest --stanza=demo --delta restore\n"
                                                         "+    keep_data: true\n"
                                                         "+    no_params: true\n"
                                                         "+bootstrap:\n" +
                                                         block_of_ours);
    ConfigureArguments replace;
    replace.replace = true;
    CHECK(contains(changes("W6-block-scalar-comment"),
                   "     restore_command: >-   # the comment that goes\n       cp /a/%f %p\n+"));
    CHECK(contains(changes("W6-block-scalar-comment", replace),
                   "-    restore_command: >-   # the comment that goes\n"
                   "-      cp /a/%f %p\n"
                   "+    restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"   # the comment that goes\n"));
    CHECK(changes("W8-script-overwritten", replicas()).empty());
    CHECK(changes("R1-recovery-conf-in-block") ==
          "@@ -3,10 +3,14 @@\n"
          " bootstrap:\n"
          "   method: pgbackrest\n"
          "   pgbackrest:\n"
          "-    command: pgbackrest --stanza=demo --delta restore\n"
          "+    command: patroni_pgbackrest bootstrap\n"
          "     no_params: true\n"
          "     recovery_conf:\n"
          "-      restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n"
          "+      restore_command: patroni_pgbackrest archive-get %f \"%p\"\n"
          "+      recovery_target_action: promote\n"
          "+    stanza: demo\n"
          " postgresql:\n"
          "   data_dir: /var/lib/postgresql/15/demo\n"
          "   pg_hba: [local all all peer]\n"
          "+  recovery_conf:\n"
          "+    restore_command: patroni_pgbackrest archive-get --stanza=demo %f \"%p\"\n");
}

TEST_CASE("options in the command are in force: they are compared, moved and taken out") {
    const std::string name = "W4-options-in-command";
    CHECK(changes(name) == "@@ -6,3 +6,5 @@\n"
                           "     command: patroni_pgbackrest bootstrap --stanza=demo --type=immediate\n"
                           " postgresql:\n"
                           "   data_dir: /var/lib/postgresql/15/demo\n" +
                               recovery_conf_of_ours);
    CHECK(contains(changes(name, with({{"type", "time"}, {"target", "2026-11-22 10:00:00+00"}})),
                   "-    command: patroni_pgbackrest bootstrap --stanza=demo --type=immediate\n"
                   "+    command: patroni_pgbackrest bootstrap --stanza=demo\n"
                   "+    type: time\n"
                   "+    target: '2026-11-22 10:00:00+00'\n"));
    ConfigureArguments remove;
    remove.remove = true;
    CHECK(contains(changes(name, remove), "+    command: patroni_pgbackrest bootstrap --stanza=demo\n"));
    const auto quoted = plain_with("    repo: 1\n");
    auto text = quoted;
    text.replace(text.find("patroni_pgbackrest bootstrap"), 28,
                 "bash -c \"patroni_pgbackrest bootstrap --type=immediate\"");
    CHECK(refusal(text, with({{"type", "latest"}})) ==
          Words{"patroni.yml:5: bootstrap.pgbackrest.command has an option of the restore inside quotes",
                "take it out by hand"});
}

TEST_CASE("an option of a plain pgbackrest command is not dropped without being told to") {
    const std::string text = "bootstrap:\n  method: pgbackrest\n  pgbackrest:\n    command: pgbackrest --stanza=demo "
                             "--delta --process-max=4 --type=time --target='2026-11-22 10:00:00+00' "
                             "--target-action=promote restore\n";
    CHECK(refusal(text) == Words{"patroni.yml:4: bootstrap.pgbackrest.command has options that would be lost: "
                                 "--process-max, --type, --target",
                                 "give them to configure as well or write them into the block afterwards, and let "
                                 "--replace write this program there"});
    CHECK(refusal(text, with({{"type", "immediate"}, {"target", "x"}})).front().ends_with("lost: --process-max"));
    ConfigureArguments replace;
    replace.replace = true;
    CHECK(contains(result(text, replace), "    command: patroni_pgbackrest bootstrap\n    stanza: demo\n"));
}

TEST_CASE("where the file's commands find pgBackRest's configuration is kept in what is written") {
    const auto archiving_with = [](const std::string& command) {
        return "bootstrap:\n  dcs:\n    postgresql:\n      parameters:\n        archive_command: " + command +
               " --stanza=demo archive-push %p\npostgresql:\n  data_dir: /data\n  pg_hba: [local all all peer]\n";
    };
    const Files files;
    const auto configuration = [&](const char* name) { return files.write(name, "[demo]\npg1-path=/data\n").string(); };
    const auto x = configuration("x.conf"), a = configuration("a.conf"), b = configuration("b.conf"),
               c = configuration("c.conf");
    const auto included = (files.path() / "conf.d").string();  // pgBackRest refuses one that is not there
    std::filesystem::create_directory(included);
    const std::string options = "--config-path=/srv/pgbackrest --config-include-path=" + included;
    const auto text = result(archiving_with("pgbackrest " + options), replicas());
    CHECK(contains(text, "    command: patroni_pgbackrest bootstrap\n    stanza: demo\n"
                         "    config-path: /srv/pgbackrest\n    config-include-path: " +
                             included + "\n"));
    CHECK(contains(text, "    restore_command: pgbackrest " + options + " --stanza=demo archive-get %f \"%p\"\n"));
    CHECK(contains(text, "    command: pgbackrest " + options + " --stanza=demo --delta restore\n"));
    ConfigureArguments mode;
    mode.patroni_mode = true;
    CHECK(contains(result(archiving_with("pgbackrest " + options), mode),
                   "  recovery_conf:\n    restore_command: patroni_pgbackrest archive-get --stanza=demo " + options +
                       " %f \"%p\"\n"));
    CHECK(contains(result(archiving_with("env PGBACKREST_CONFIG=" + x + " pgbackrest")),
                   "    stanza: demo\n    pgbackrest-config: " + x + "\n"));
    CHECK(contains(result(archiving_with("with-lock --config=/etc/lock.conf pgbackrest --config=" + x)),
                   "    stanza: demo\n    pgbackrest-config: " + x + "\n"));
    for (const std::string wrapped :
         {"with-lock --config=/etc/lock.conf pgbackrest", "with-lock --config /etc/lock.conf pgbackrest"}) {
        CHECK_FALSE(contains(result(archiving_with(wrapped)), "pgbackrest-config"));
    }
    CHECK(contains(result("bootstrap:\n  method: pgbackrest\n  pgbackrest:\n    command: pgbackrest "
                          "--config=" +
                          x + " --stanza=demo --delta restore\n"),
                   "    command: patroni_pgbackrest bootstrap\n    stanza: demo\n    pgbackrest-config: " + x + "\n"));
    const auto of_another = archiving_with("pgbackrest --config=" + x + " --stanza=other");
    CHECK_FALSE(contains(result(with_text(of_another, " --stanza=demo", "")), "pgbackrest-config"));

    const auto both = archiving_with("pgbackrest --config=" + a) +
                      "  recovery_conf:\n    restore_command: pgbackrest --config=" + b +
                      " --stanza=demo archive-get %f %p\n";
    CHECK(refusal(both) ==
          Words{"patroni.yml:5: bootstrap.dcs.postgresql.parameters.archive_command has --config=" + a +
                    ", "
                    "and postgresql.recovery_conf.restore_command has " +
                    b,
                "say which one a restore reads with --pgbackrest-config"});
    // Commands that are there already are left as they are.
    const std::string ours = "    command: patroni_pgbackrest bootstrap\n    stanza: demo\n";
    const auto working = with_text(both, "bootstrap:\n", "bootstrap:\n  method: pgbackrest\n  pgbackrest:\n" + ours);
    const auto changed = result(working, with({{"type", "immediate"}}));
    CHECK(contains(changed, "    type: immediate\n"));
    CHECK(contains(changed, "pgbackrest --config=" + b + " --stanza=demo archive-get %f %p\n"));
    CHECK(refusal(working, replicas()).back() == "say which one a restore reads with --pgbackrest-config");
    const auto given = result(both, with({{"pgbackrest-config", a}}));
    CHECK(contains(given, "    pgbackrest-config: " + a + "\n"));
    CHECK(given.find("pgbackrest-config:") == given.rfind("pgbackrest-config:"));
    CHECK(contains(result(both, with({{"pgbackrest-config", a}, {"pgbackrest-config", c}})),
                   "    stanza: demo\n    pgbackrest-config: " + c + "\n"));

    const auto repository = archiving_with("pgbackrest --repo1-path=/backups --repo1-retention-full=2");
    CHECK(refusal(repository) ==
          Words{"patroni.yml:5: bootstrap.dcs.postgresql.parameters.archive_command names the repository with "
                "--repo1-path, and a restore would not know it",
                "write it into pgBackRest's configuration file instead, which every command reads, or let --replace "
                "write commands without it"});
    CHECK(refusal(archiving_with("PGBACKREST_REPO1_PATH=/backups pgbackrest"))
              .front()
              .ends_with("with PGBACKREST_REPO1_PATH, and a restore would not know it"));
    CHECK(contains(result(with_text(repository, " --repo1-path=/backups", "")), "patroni_pgbackrest bootstrap"));
    ConfigureArguments replace;
    replace.replace = true;
    CHECK(contains(result(repository, replace), "patroni_pgbackrest bootstrap"));
}

TEST_CASE("a refusal names the line as it is on disk, or the option") {
    CHECK(refusal(of_field("U1-line-of-the-edited-text"), replicas()).front() ==
          "patroni.yml:7: postgresql.create_replica_methods is no list");
    CHECK(refusal("bootstrap:\n  pgbackrest:\n    command: /opt/restore.sh\n") ==
          Words{"patroni.yml:3: bootstrap.pgbackrest.command runs another program",
                "name another block with --method, or let --replace write this program there"});
    ConfigureArguments mode;
    mode.patroni_mode = true;
    CHECK(refusal("postgresql:\n  pg_hba: [local all all peer]\n  recovery_conf:\n    restore_command: cp /a/%f %p\n",
                  mode)
              .front() == "patroni.yml:4: postgresql.recovery_conf.restore_command runs something else than the guard");
}

TEST_CASE("no secret of the lines around a change is shown") {
    const auto difference = changes("S1-secrets-in-diff");
    CHECK(contains(difference, "       password: ****   # ****\n       pwd: ****\n"
                               "   callbacks: {on_start: curl -u admin:**** http://x/}\n"));
    CHECK_FALSE(contains(difference, "SECRET"));
}

TEST_CASE("20,000 lines are changed in seconds") {
    std::string text = plain + "  parameters:\n";
    for (int i = 0; i < 20000; ++i) {
        text += "    parameter_" + std::to_string(i) + ": 'value " + std::to_string(i) + "'  # of it\n";
    }
    const auto begin = std::clock();
    CHECK(contains(result(text, with({{"type", "immediate"}, {"repo", "1"}})), "    type: immediate\n"));
    const auto seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    INFO(seconds);
    CHECK(seconds < 10);  // without optimisation
}

TEST_CASE("what configure needs and does not get is named") {
    ConfigureArguments remove;
    remove.remove = true;
    remove.replicas = true;
    CHECK_THROWS_AS(configure(remove), Failure);
    CHECK_THROWS_AS(configure(ConfigureArguments{}), Failure);
    ConfigureArguments missing;
    missing.patroni_config = "/no/such/patroni.yml";
    CHECK_THROWS_AS(configure(missing), Failure);
}
