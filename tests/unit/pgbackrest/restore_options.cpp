#include "pgbackrest/restore_options.hpp"

#include "support/catch.hpp"

#include "fake.hpp"
#include "pgbackrest/configuration_files.hpp"
#include "system/failure.hpp"

#include <algorithm>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::pgbackrest;

namespace {

struct Configured {
    Fake fake;
    std::string file = (fake.directory.path() / "a.conf").string();

    std::vector<ConfiguredOption> options(const std::string& text) const {
        fake.write("a.conf", text);
        Pgbackrest pgbackrest;
        pgbackrest.configuration = file;
        pgbackrest.stanza = "demo";
        return configured_restore_options(pgbackrest);
    }
    Problem refusal(const std::string& text) const {
        try {
            options(text);
        } catch (const Failure& failure) {
            CHECK(failure.code() == ExitCode::usage);
            return failure.problems().front();
        }
        return {};
    }
};

}  // namespace

TEST_CASE("of the sections the most special that has an option gives it, with all its values") {
    const Configured configured;
    const auto found = configured.options("[global]\ntablespace-map=a=/1\nlink-all=y\n[global:restore]\nlink-map=x=/2\n"
                                          "[demo]\nlink-map=x=/3\nlink-map = y=/4\n[demo:backup]\nlink-map=z=/5\n"
                                          "[other]\nlink-map=z=/6\n[demo:restore]\nprocess-max=3\n#db-include=no\n");
    REQUIRE(found.size() == 4);
    CHECK(found[0].name == "process-max");
    CHECK(found[0].values == std::vector<std::string>{"3"});
    CHECK(found[1].name == "link-map");
    CHECK(found[1].values == std::vector<std::string>{"x=/3", "y=/4"});
    CHECK(found[1].place == configured.file + ":7");
    CHECK(found[2].name == "tablespace-map");
    CHECK(found[3].name == "link-all");
}

TEST_CASE("the environment hides the files") {
    const Configured configured;
    const Variable variable("PGBACKREST_TABLESPACE_MAP", "a=/1:b=/2");
    const auto found = configured.options("[demo]\ntablespace-map=a=/3\n");
    REQUIRE(found.size() == 1);
    CHECK(found[0].values == std::vector<std::string>{"a=/1", "b=/2"});
    CHECK(found[0].place == "PGBACKREST_TABLESPACE_MAP");
}

TEST_CASE("how a repository is reached is left out, what nobody knows is not") {
    const Configured configured;
    const auto found = configured.options(
        "[global]\nrepo1-path=/x\nrepo12-s3-key=secret\npg1-path=/d\nio-timeout=3\nbackup-standby=y\nstart-fast=y\n"
        "retention-full=2\nrepo1-restore-all=y\nrestore-twice=y\n");
    REQUIRE(found.size() == 1);
    CHECK(found[0].name == "restore-twice");
    CHECK(treatment_of("restore-twice") == Treatment::unknown);
    CHECK(treatment_of("archive-mode") == Treatment::ours);
    CHECK(treatment_of("repo") == Treatment::ours);
    CHECK(treatment_of("db-include") == Treatment::requested);
    CHECK(treatment_of("db-path") == Treatment::harmless);
    CHECK(treatment_of("spool-path") == Treatment::ours);
}

TEST_CASE("what hides the present of a repository is found for each command that reads it") {
    const Configured configured;
    for (const std::string section :
         {"global", "demo", "demo:restore", "global:info", "demo:archive-get", "global:repo-ls", "demo:repo-get"}) {
        CAPTURE(section);
        const auto found = configured.options("[" + section + "]\nrepo2-target-time=2026-11-22 10:00:00+00\n");
        REQUIRE(found.size() == 1);
        CHECK(treatment_of(found[0].name) == Treatment::refused);
        CHECK(found[0].place == configured.file + ":2");
    }
    for (const std::string section : {"demo:verify", "other:archive-get", "other"}) {
        CHECK(configured.options("[" + section + "]\nrepo2-target-time=2026-11-22 10:00:00+00\n").empty());
    }
}

TEST_CASE("where pgBackRest would read no further the file and the line are named") {
    const Configured configured;
    CHECK(configured.refusal("[global\n").place == configured.file + ":1");
    CHECK(configured.refusal("repo1-path=/x\n").place == configured.file + ":1");
    const auto secret = configured.refusal("[global]\n\nrepo1-cipher-pass secret\n");
    CHECK(secret.place == configured.file + ":3");
    CHECK(secret.message.find("secret") == std::string::npos);
    CHECK(configured.refusal("[global]\n=1\n").place == configured.file + ":2");
}

TEST_CASE("what is not asked for is reset") {
    const auto reset = [](const std::vector<Option>& given, const std::string& name) {
        const auto fixed = fixed_restore_options(given);
        return std::any_of(fixed.begin(), fixed.end(), [&](const Option& option) { return option.name == name; });
    };
    CHECK(reset({}, "reset-tablespace-map"));
    CHECK_FALSE(reset({{"tablespace-map", "a=/1"}}, "reset-tablespace-map"));
    CHECK(reset({}, "no-link-all"));
    CHECK_FALSE(reset({}, "reset-db-exclude"));
    CHECK(fixed_restore_options({}).front().value == "preserve");
}

TEST_CASE("a command whose section names another repository than the rest read is found") {
    const Configured configured;
    const auto found = [&](const std::string& text) {
        configured.fake.write("a.conf", text);
        Pgbackrest pgbackrest;
        pgbackrest.configuration = configured.file;
        pgbackrest.stanza = "demo";
        return repositories_that_differ(pgbackrest);
    };
    const auto problems = found("[global]\nrepo1-path=/a\n[global:archive-get]\nrepo1-path=/b\n");
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().place == configured.file + ":4");
    CHECK(problems.front().message == "repo1-path is another one for archive-get than for info: plan, copy and replay "
                                      "would not read the same repository");
    CHECK(found("[global]\nrepo1-path=/a\n[demo:info]\nrepo2-s3-bucket=b\n").size() == 1);
    CHECK(found("[global:restore]\nrepo1-host=a\n").size() == 1);
    CHECK(found("[global]\nrepo1-path=/a\n[global:restore]\nrepo1-path=/a\n").empty());
    // How it is reached, what another command reads, another stanza, and what is hidden for each of them.
    CHECK(found("[global]\nrepo1-path=/a\n[global:restore]\nrepo1-host-user=a\nrepo1-s3-key-type=auto\n").empty());
    CHECK(found("[global:archive-push]\nrepo1-path=/b\n[other:restore]\nrepo1-path=/b\n").empty());
    CHECK(found("[demo]\nrepo1-path=/a\n[global:restore]\nrepo1-path=/b\n").empty());
    const Variable variable("PGBACKREST_REPO1_PATH", "/c");
    CHECK(found("[global]\nrepo1-path=/a\n[global:archive-get]\nrepo1-path=/b\n").empty());
}

TEST_CASE("what pgBackRest says is in force and was not passed is found, if it changes what comes back") {
    const std::vector<std::string> passed{"--set=x", "--tablespace-map=a=/1", "--link-all", "--reset-db-include"};
    const auto found = [&](const std::string& options) {
        return option_not_passed("P00   INFO: restore command begin 2.45: " + options, passed);
    };
    CHECK(found("--db-exclude=a --set=x") == "db-exclude");
    CHECK(found("--set=x --repo1-target-time=\"2026-11-22 10:00:00+00\"") == "repo1-target-time");
    CHECK(found("--link-map=a=/1 --set=x") == "link-map");
    CHECK(found("--archive-mode=preserve --no-delta --exec-id=1-2 --link-all --log-path=/l --repo1-path=/r "
                "--repo1-cipher-pass=<redacted> --reset-db-include --set=x --tablespace-map=a=/1")
              .empty());
    CHECK(
        option_not_passed("P01 DETAIL: restore file /data/ --db-exclude=a (8KB, 45.67%) checksum 5b", passed).empty());
}
