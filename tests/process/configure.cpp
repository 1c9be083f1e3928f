#include "program.hpp"

#include "support/catch.hpp"
#include "support/control_file.hpp"
#include "system/owner.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

const std::string before = "scope: demo\n"
                           "bootstrap:\n"
                           "  dcs: {ttl: 30}\n"
                           "postgresql:\n"
                           "  data_dir: /data\n"
                           "  authentication:\n"
                           "    superuser:\n"
                           "      password: mellon\n";

const std::string lines_of_bootstrap = "  method: pgbackrest\n"
                                       "  pgbackrest:\n"
                                       "    command: patroni_pgbackrest bootstrap\n"
                                       "    stanza: demo\n";

const std::string lines_of_postgresql = "  recovery_conf:\n"
                                        "    restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n";

std::string after() {
    std::string text = before + lines_of_postgresql;
    return text.insert(text.find("postgresql:"), lines_of_bootstrap);
}

Words configure(const fs::path& file, const Words& more = {"--stanza=demo"}) {
    Words words{"configure", "--patroni-config=" + file.string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

struct stat status_of(const fs::path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return status;
}

}  // namespace

TEST_CASE("configure shows the difference without passwords, and writes nothing") {
    const Directory directory;
    const auto file = directory.write("patroni.yml", before);
    Program program(configure(file));
    CHECK(program.wait() == 0);
    CHECK(program.output() == "--- a" + file.string() + "\n+++ b" + file.string() +
                                  "\n@@ -1,8 +1,14 @@\n scope: demo\n bootstrap:\n   dcs: {ttl: 30}\n"
                                  "+  method: pgbackrest\n+  pgbackrest:\n"
                                  "+    command: patroni_pgbackrest bootstrap\n+    stanza: demo\n"
                                  " postgresql:\n   data_dir: /data\n   authentication:\n     superuser:\n"
                                  "       password: ****\n"
                                  "+  recovery_conf:\n"
                                  "+    restore_command: pgbackrest --stanza=demo archive-get %f \"%p\"\n");
    CHECK(contains(program.errors(), "INFO: nothing was written: run it again with --write to write it\n"));
    CHECK_FALSE(contains(program.errors(), "mellon"));
    CHECK(directory.read("patroni.yml") == before);
}

TEST_CASE("configure --write keeps owner, mode and a symbolic link, and does nothing the second time") {
    const Directory directory;
    const auto file = directory.write("real/patroni.yml", before);
    const auto link = directory.path("link.yml");
    fs::create_symlink("real/patroni.yml", link);
    REQUIRE(::chmod(file.c_str(), 0640) == 0);
    if (::geteuid() == 0) {
        REQUIRE(::chown(file.c_str(), 65534, 65534) == 0);
    }
    const auto old = status_of(file);
    Program first(configure(link, {"--stanza=demo", "--write"}));
    CHECK(first.wait() == 0);
    CHECK(contains(first.errors(), "INFO: " + link.string() + " is written\n"));
    CHECK(directory.read("real/patroni.yml") == after());
    CHECK(fs::is_symlink(link));
    CHECK((status_of(file).st_mode & 07777) == 0640);
    CHECK(status_of(file).st_uid == old.st_uid);
    CHECK(status_of(file).st_gid == old.st_gid);
    CHECK(directory.entries("real") == Words{"patroni.yml"});

    const auto written = status_of(file);
    Program second(configure(link, {"--write"}));
    CHECK(second.wait() == 0);
    CHECK(second.output().empty());
    CHECK(
        contains(second.errors(), "INFO: " + link.string() + " already has all of this: there is nothing to change\n"));
    CHECK(status_of(file).st_ino == written.st_ino);
}

TEST_CASE("configure writes down the identifier of the cluster in the data directory") {
    const Directory directory;
    directory.write("data/global/pg_control", patroni_pgbackrest::control_file("7710953412442782829"));
    const auto text = "scope: demo\npostgresql:\n  data_dir: " + directory.path("data").string() + "\n";
    const auto file = directory.write("patroni.yml", text);
    const auto line = "    system-identifier: '7710953412442782829'\n";
    Program program(configure(file));
    CHECK(program.wait() == 0);
    CHECK(contains(program.output(), line));
    CHECK(contains(program.errors(), "INFO: system-identifier 7710953412442782829 is from " +
                                         directory.path("data/global/pg_control").string() + "\n"));
    CHECK(directory.read("patroni.yml") == text);
    Program write(configure(file, {"--stanza=demo", "--write"}));
    CHECK(write.wait() == 0);
    CHECK(contains(directory.read("patroni.yml"), line));

    directory.write("data/global/pg_control", patroni_pgbackrest::control_file("7710953412442782830"));
    Program again(configure(file));
    CHECK(again.wait() == 0);
    CHECK(again.output().empty());
    CHECK(contains(again.errors(), "WARNING: system-identifier is 7710953412442782829, and " +
                                       directory.path("data/global/pg_control").string() +
                                       " has 7710953412442782830: it is left as it is\n"));
}

TEST_CASE("configure --remove takes a target out again") {
    const Directory directory;
    const auto file = directory.write("patroni.yml", after());
    Program add(configure(file, {"--type=time", "--target=2026-11-22 10:00:00+00", "--target-exclusive", "--write"}));
    CHECK(add.wait() == 0);
    CHECK(
        contains(directory.read("patroni.yml"), "    target: '2026-11-22 10:00:00+00'\n    target-exclusive: true\n"));
    CHECK_FALSE(contains(add.errors(), "of an earlier restore"));
    Program renew(configure(file));
    CHECK(renew.wait() == 0);
    CHECK(contains(renew.errors(),
                   "WARNING: bootstrap.pgbackrest still has type, target, target-exclusive of an earlier "
                   "restore, and the next one would go there again: give what is meant as well, or take "
                   "the target out with --remove first\n"));
    Program remove(configure(file, {"--remove", "--write"}));
    CHECK(remove.wait() == 0);
    CHECK(directory.read("patroni.yml") == after());
}

TEST_CASE("configure says what is wrong, and the file stays as it is") {
    const Directory directory;
    const auto refusal = [&](const std::string& text, const Words& more) {
        const auto file = directory.write("patroni.yml", text);
        Program program(configure(file, more));
        CHECK(program.wait() == 2);
        CHECK(program.output().empty());
        CHECK(directory.read("patroni.yml") == text);
        return program.errors();
    };
    CHECK(contains(refusal("scope: [\n  password: mellon\n", {"--stanza=demo"}), "patroni.yml:"));
    CHECK_FALSE(contains(refusal("scope: [\n  password: mellon\n", {"--stanza=demo"}), "mellon"));
    CHECK(contains(refusal("- a\n", {"--stanza=demo"}), "ERROR: patroni.yml: the top level is not a map\n"));
    CHECK(contains(refusal(before, {"--stanza=demo", "--type=time", "--target=yesterday"}),
                   "'yesterday' is not a point in time with a UTC offset\n"));
    CHECK(contains(refusal(before, {"--stanza=demo", "--remove"}), "ERROR: --remove takes out the target"));
    const auto none = directory.write("none.conf", "[global]\nrepo1-path=/repo\n").string();
    CHECK(contains(refusal(before, {"--pgbackrest-config=" + none}),
                   error("no stanza is given, and pgBackRest's configuration has none", "name it with --stanza")));
}

TEST_CASE("configure takes the only stanza that pgBackRest's configuration has") {
    const Directory directory;
    const auto file = directory.write("patroni.yml", before);
    const auto one = directory.write("one.conf", "[global]\nrepo1-path=/repo\n[main]\npg1-path=/data\n").string();
    Program program(configure(file, {"--pgbackrest-config=" + one, "--write"}));
    CHECK(program.wait() == 0);
    CHECK(contains(directory.read("patroni.yml"), "    stanza: main\n    pgbackrest-config: " + one + "\n"));
    CHECK(contains(directory.read("patroni.yml"),
                   "restore_command: pgbackrest --config=" + one + " --stanza=main archive-get %f \"%p\"\n"));

    directory.write("etc/pgbackrest.conf", "[global]\nrepo1-path=/repo\n[elsewhere]\npg1-path=/data\n");
    const auto second = directory.write("second.yml", before);
    const auto etc = directory.path("etc").string();
    Program below_path(configure(second, {"--config-path=" + etc, "--write"}));
    CHECK(below_path.wait() == 0);
    CHECK(contains(directory.read("second.yml"), "    stanza: elsewhere\n    config-path: " + etc + "\n"));
}

TEST_CASE("configure takes the stanza of the file's commands before that of pgBackRest's configuration") {
    const Directory directory;
    const auto old = directory.write("old.conf", "[global]\nrepo1-path=/repo\n[old]\npg1-path=/data\n").string();
    const auto command = "    restore_command: pgbackrest --config=" + old + " --stanza=prod archive-get %f %p\n";
    const auto file = directory.write("patroni.yml", before + "  recovery_conf:\n" + command);
    Program program(configure(file, {"--pgbackrest-config=" + old, "--write"}));
    CHECK(program.wait() == 0);
    CHECK(contains(directory.read("patroni.yml"), "    stanza: prod\n    pgbackrest-config: " + old + "\n"));
    CHECK(contains(directory.read("patroni.yml"), command));
}

TEST_CASE("configure --remove does not say that a script's block has no target") {
    const Directory directory;
    const std::string text =
        "bootstrap:\n  method: dr\n  dr:\n    command: /usr/local/bin/dr.sh\n    type: immediate\n";
    const auto file = directory.write("patroni.yml", text);
    Program refused(configure(file, {"--remove", "--write"}));
    CHECK(refused.wait() == 2);
    CHECK(directory.read("patroni.yml") == text);
    CHECK(contains(refused.errors(), "  HINT: take it out with --method=dr, or name another block with --method\n"));
    Program followed(configure(file, {"--remove", "--method=dr", "--write"}));
    CHECK(followed.wait() == 0);
    CHECK(directory.read("patroni.yml") == text.substr(0, text.find("    type")));
}

TEST_CASE("configure needs a file that can be changed") {
    Program none({"configure", "--stanza=demo"});
    CHECK(none.wait() == 2);
    CHECK(contains(none.errors(), error("no patroni.yml is named", "name it with --patroni-config")));
    Program variable({"configure", "--stanza=demo"}, {.environment = {{"PATRONI_CONFIGURATION", "scope: demo"}}});
    CHECK(variable.wait() == 2);
    CHECK(contains(variable.errors(), "ERROR: PATRONI_CONFIGURATION is not a file that can be changed\n"));
}

TEST_CASE("configure --write that cannot write says so, and leaves the old file") {
    // Root writes nevertheless.
    const Directory directory;
    const auto file = directory.write("closed/patroni.yml", before);
    REQUIRE(::chmod(directory.path("closed").c_str(), 0555) == 0);
    if (::geteuid() != 0) {
        const auto owner = patroni_pgbackrest::system::own_user().user;
        Program program(configure(file, {"--stanza=demo", "--write"}));
        CHECK(program.wait() == 11);
        CHECK(contains(program.errors(), "ERROR: cannot write beside " + file.string() +
                                             ": Permission denied\n  HINT: let " + owner + " write to " +
                                             directory.path("closed").string() + ": it belongs to " + owner +
                                             " and has mode 0555\n"));
    }
    REQUIRE(::chmod(directory.path("closed").c_str(), 0755) == 0);
    CHECK(directory.entries("closed") == Words{"patroni.yml"});
    CHECK(directory.read("closed/patroni.yml") == before);
}

TEST_CASE("a difference that cannot be written to standard output is a refusal of the system") {
    const Directory directory;
    const auto file = directory.write("patroni.yml", before);
    const auto script =
        std::string("exec ") + PROGRAM + " configure --stanza=demo --patroni-config=" + file.string() + " > /dev/full";
    Program program({"-c", script}, {.executable = "/bin/sh", .name = "sh"});
    CHECK(program.wait() == 11);
    CHECK(contains(program.errors(),
                   error("the difference cannot be written to standard output: No space left on device",
                         "nothing was changed; look where standard output goes, or make room on the file system (df -h "
                         "shows its space, df -i its inodes), then run it again")));
    CHECK(contains(program.errors(), " ERROR: exit code 11: the operating system refused\n"));
    CHECK(directory.read("patroni.yml") == before);
}
