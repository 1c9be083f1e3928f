#include "commands/configured_stanza.hpp"

#include "commands/configure_changes.hpp"
#include "commands/configured_commands.hpp"
#include "commands/configured_repository.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"

#include <utility>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::commands;

namespace {

using Words = std::vector<std::string>;

ConfigureArguments with(std::vector<GivenOption> options) {
    ConfigureArguments arguments;
    arguments.options = std::move(options);
    return arguments;
}

/// `place: message`, and the hint.
Words said_by(const Failure& failure) {
    CHECK(failure.code() == ExitCode::usage);
    const auto& problem = failure.problems().front();
    return {problem.place + ": " + problem.message, problem.hint};
}

/// What is known without a look at pgBackRest's configuration; empty if nothing is. Or the refusal.
Words known(const std::string& text, const ConfigureArguments& arguments = {}) {
    const Files files;
    const auto file = files.write("patroni.yml", text);
    const patroni::ConfigurationEdit patroni_yml(file, {});
    try {
        const auto stanza = known_stanza(patroni_yml, arguments, method_of(arguments, patroni_yml));
        return stanza ? Words{*stanza} : Words();
    } catch (const Failure& failure) {
        return said_by(failure);
    }
}

/// The file that configure makes of it where pgBackRest's configuration has the stanza `alone`. Or the refusal.
Words written(const std::string& text, const ConfigureArguments& arguments = {}) {
    const Files files;
    const auto file = files.write("patroni.yml", text);
    patroni::ConfigurationEdit patroni_yml(file, {});
    try {
        const auto method = method_of(arguments, patroni_yml);
        const auto stanza = known_stanza(patroni_yml, arguments, method);
        add_bootstrap(patroni_yml, arguments, method, stanza.value_or("alone"));
    } catch (const Failure& failure) {
        return said_by(failure);
    }
    patroni_yml.write();
    return {system::read_file(file)};
}

std::string archiving_with(const std::string& command) {
    return "bootstrap:\n  dcs:\n    postgresql:\n      parameters:\n        archive_command: " + command +
           "\npostgresql:\n  data_dir: /data\n";
}

/// A block of this stanza, and a restore_command of the standbys.
std::string standbys_with(const std::string& command) {
    return "bootstrap:\n  method: pgbackrest\n  pgbackrest:\n    command: patroni_pgbackrest bootstrap\n"
           "    stanza: demo\npostgresql:\n  data_dir: /data\n  pg_hba: [local all all peer]\n  recovery_conf:\n"
           "    restore_command: " +
           command + "\n";
}

std::string with_text(std::string text, const std::string& before, const std::string& after) {
    REQUIRE(text.find(before) != std::string::npos);
    return text.replace(text.find(before), before.size(), after);
}

const std::string name_it = "name this cluster's with --stanza";
const std::string archive_command = "patroni.yml:5: bootstrap.dcs.postgresql.parameters.archive_command ";
const std::string restore_command = "patroni.yml:10: postgresql.recovery_conf.restore_command ";

}  // namespace

TEST_CASE("the stanza is the one that the file's commands name, and they stay as they are") {
    const auto text = archiving_with("pgbackrest --config=/etc/prod.conf --stanza=prod archive-push %p") +
                      "  recovery_conf:\n    restore_command: pgbackrest --config=/etc/prod.conf --stanza=prod "
                      "archive-get %f \"%p\"\n";
    CHECK(known(text) == Words{"prod"});
    CHECK(known(text, with({{"stanza", "other"}})) == Words{"other"});
    CHECK(written(text) == Words{with_text(text, "postgresql:\n  data_dir",
                                           "  method: pgbackrest\n  pgbackrest:\n    command: patroni_pgbackrest "
                                           "bootstrap\n    stanza: prod\n    pgbackrest-config: /etc/prod.conf\n"
                                           "postgresql:\n  data_dir")});
    CHECK(known("postgresql:\n  data_dir: /data\n").empty());
    CHECK(known(archiving_with("/opt/push.sh %p")).empty());
}

TEST_CASE("a stanza is seen in every spelling of a command") {
    for (const std::string command :
         {"pgbackrest --stanza prod archive-push %p", "sudo -u postgres pgbackrest archive-push %p --stanza=prod",
          "env PGBACKREST_STANZA=prod pgbackrest archive-push %p", "PGBACKREST_STANZA=prod pgbackrest archive-push %p",
          "PGBACKREST_STANZA=old pgbackrest --stanza=prod archive-push %p",
          "sh -c \"export PGBACKREST_STANZA=prod; pgbackrest archive-push %p\"",
          "sh -c 'pgbackrest archive-push %p --stanza=prod; true'", "/opt/push.sh --stanza=prod %p"}) {
        CAPTURE(command);
        CHECK(stanzas_in(command) == Words{"prod"});
        CHECK(known(archiving_with(command)) == Words{"prod"});
    }
    CHECK(stanzas_in("a --stanza=x b && a --stanza=y --stanza=x b") == Words{"x", "y"});
    CHECK(stanzas_in("a --stanza").empty());
    CHECK(known("postgresql:\n  create_replica_methods: [prod, basebackup]\n"
                "  prod: {command: pgbackrest --stanza=prod --delta restore}\n") == Words{"prod"});
    CHECK(known("bootstrap:\n  method: pgbackrest\n  pgbackrest:\n"
                "    command: env PGBACKREST_STANZA=prod patroni_pgbackrest bootstrap\n") == Words{"prod"});
}

TEST_CASE("where several stanzas are named, or one that cannot be seen, it has to be given") {
    const auto two = archiving_with("pgbackrest --stanza=prod archive-push %p") +
                     "  recovery_conf:\n    restore_command: pgbackrest --stanza=old archive-get %f %p\n";
    CHECK(
        known(two) ==
        Words{archive_command + "names stanza prod, and postgresql.recovery_conf.restore_command names old", name_it});
    CHECK(known(two, with({{"stanza", "prod"}})) == Words{"prod"});
    CHECK(known(archiving_with("pgbackrest archive-push %p")) ==
          Words{archive_command + "names no stanza: it has one from Patroni's environment", name_it});
    CHECK(known(archiving_with("pgbackrest --stanza=$STANZA archive-push %p")) ==
          Words{archive_command + "leaves its stanza to a shell", name_it});
}

TEST_CASE("a block counts where it is in force or asked for, a script's block too") {
    const std::string script = "bootstrap:\n  method: dr\n  dr: {command: /usr/local/bin/dr.sh, stanza: prod}\n";
    const auto left_over = script + "  pgbackrest: {command: patroni_pgbackrest bootstrap, stanza: old}\n";
    CHECK(known(script) == Words{"prod"});
    CHECK(known(left_over) ==
          Words{"patroni.yml:4: bootstrap.pgbackrest.stanza names stanza old, and bootstrap.dr.stanza names prod",
                name_it});
    auto asked_for = with({});
    asked_for.method = "pgbackrest";
    CHECK(known(left_over, asked_for) == Words{"old"});
    CHECK(known(standbys_with("pgbackrest --stanza=other archive-get %f %p")) == Words{"demo"});
}

TEST_CASE("the archive that a standby cluster follows is another cluster's") {
    const std::string text = "bootstrap:\n  dcs:\n    standby_cluster:\n      restore_command: pgbackrest "
                             "--stanza=primary archive-get %f \"%p\"\npostgresql:\n  data_dir: /data\n";
    CHECK(known(text).empty());
    for (const auto& [stanza, arguments] :
         {std::pair{"alone", with({})}, std::pair{"demo", with({{"stanza", "demo"}})}}) {
        const std::string block = "  method: pgbackrest\n  pgbackrest:\n    command: patroni_pgbackrest bootstrap\n"
                                  "    stanza: ";
        CHECK(written(text, arguments) == Words{with_text(text, "postgresql:\n", block + stanza + "\npostgresql:\n") +
                                                "  recovery_conf:\n    restore_command: pgbackrest --stanza=" + stanza +
                                                " archive-get %f \"%p\"\n"});
    }
}

TEST_CASE("another stanza in a command is written over only when it is asked for") {
    const auto other = standbys_with("nice pgbackrest --stanza=other archive-get %f %p");
    const Words refused{restore_command + "names stanza other, and the restore's is demo", name_it};
    CHECK(written(other) == refused);
    CHECK(written(other, with({{"type", "immediate"}})) == refused);
    CHECK(written(other, with({{"stanza", "demo"}})) == Words{with_text(other, "--stanza=other", "--stanza=demo")});
    CHECK(written(other, with({{"stanza", "other"}})) == Words{with_text(other, "stanza: demo", "stanza: other")});

    const auto script = standbys_with("/opt/get.sh --stanza=other %f %p");
    CHECK(written(script) == Words{script});
    ConfigureArguments replace;
    replace.replace = true;
    CHECK(written(script, replace) == refused);

    ConfigureArguments replicas;
    replicas.replicas = true;
    const auto replica = standbys_with("pgbackrest --stanza=demo archive-get %f %p") +
                         "  pgbackrest: {command: pgbackrest --stanza=other --delta restore}\n";
    CHECK(written(replica).front().find("--stanza=other --delta restore") != std::string::npos);
    CHECK(
        written(replica, replicas) ==
        Words{"patroni.yml:11: postgresql.pgbackrest.command names stanza other, and the restore's is demo", name_it});

    const auto guarded =
        with_text(standbys_with("patroni_pgbackrest archive-get --stanza=demo %f \"%p\""), "postgresql:\n",
                  "    recovery_conf:\n      restore_command: patroni_pgbackrest archive-get "
                  "--stanza=other %f \"%p\"\n      recovery_target_action: promote\npostgresql:\n");
    CHECK(written(guarded) == Words{"patroni.yml:7: bootstrap.pgbackrest.recovery_conf.restore_command names stanza "
                                    "other, and the restore's is demo",
                                    name_it});
    CHECK(written(guarded, with({{"stanza", "demo"}})) == Words{with_text(guarded, "--stanza=other", "--stanza=demo")});
}

TEST_CASE("a second stanza to fall back to stays, and one that a variable names is for a person to change") {
    const auto both = standbys_with("sh -c \"pgbackrest --stanza=demo archive-get %f %p || pgbackrest --stanza=old "
                                    "archive-get %f %p\"");
    CHECK(written(both) == Words{both});
    CHECK(written(both, with({{"stanza", "demo"}})) == Words{both});
    for (const std::string command : {"env PGBACKREST_STANZA=old pgbackrest archive-get %f %p",
                                      "sh -c 'pgbackrest archive-get %f %p --stanza=old; true'"}) {
        CAPTURE(command);
        CHECK(written(standbys_with(command)) ==
              Words{restore_command + "names stanza old, and the restore's is demo", name_it});
        CHECK(written(standbys_with(command), with({{"stanza", "demo"}})) ==
              Words{restore_command + "names another stanza", "name stanza demo there by hand"});
    }
}

TEST_CASE("pgBackRest's configuration is looked for where a restore reads it") {
    const Files files;
    const auto file = files.write(
        "patroni.yml", "bootstrap:\n  method: pgbackrest\n  pgbackrest:\n    command: env PGBACKREST_CONFIG=/x.conf "
                       "PGBACKREST_CONFIG_PATH=/y patroni_pgbackrest bootstrap\n    config-path: /srv\n");
    const patroni::ConfigurationEdit patroni_yml(file, {});
    const auto options = [&](const ConfigureArguments& arguments) {
        Words words;
        for (const auto& option : configured_pgbackrest(patroni_yml, arguments, "pgbackrest").common) {
            words.push_back(option.name + "=" + option.value);
        }
        return words;
    };
    CHECK(options({}) == Words{"config=/x.conf", "config-path=/srv"});
    CHECK(options(with({{"pgbackrest-config", "/z.conf"}, {"config-include-path", "/inc"}})) ==
          Words{"config=/z.conf", "config-path=/srv", "config-include-path=/inc"});
}
