#include "patroni/calling_patroni.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/failure.hpp"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;
using system::ProcessFacts;

TEST_CASE("a Patroni is known by its command line") {
    const Strings expected{"/etc/patroni.yml"};
    CHECK(patroni_arguments({"patroni", "/etc/patroni.yml"}) == expected);
    CHECK(patroni_arguments({"/usr/bin/python3", "/usr/bin/patroni", "/etc/patroni.yml"}) == expected);
    CHECK(patroni_arguments({"python3.11", "-u", "-X", "dev", "/patroni.py", "/etc/patroni.yml"}) == expected);
    CHECK(patroni_arguments({"/venv/bin/python", "-m", "patroni", "/etc/patroni.yml"}) == expected);
    CHECK(patroni_arguments({"python3", "/usr/lib/python3/dist-packages/patroni/__main__.py", "/etc/patroni.yml"}) ==
          expected);
    CHECK(patroni_arguments({"python3", "-m", "coverage", "run", "--source=patroni", "-p", "patroni.py",
                             "/etc/patroni.yml"}) == expected);
    CHECK(patroni_arguments({"patroni"}) == Strings{});
}

TEST_CASE("what only has patroni's name in it is no Patroni") {
    CHECK_FALSE(patroni_arguments({}));
    CHECK_FALSE(patroni_arguments({"su", "-", "patroni"}));
    CHECK_FALSE(patroni_arguments({"bash", "/usr/local/bin/patroni", "x"}));
    CHECK_FALSE(patroni_arguments({"vim", "/etc/patroni"}));
    CHECK_FALSE(patroni_arguments({"patronictl", "list"}));
    CHECK_FALSE(patroni_arguments({"python3", "/usr/bin/patronictl", "list"}));
    CHECK_FALSE(patroni_arguments({"python3", "/usr/bin/ansible-playbook", "-l", "patroni"}));
    CHECK_FALSE(patroni_arguments({"python3", "-c", "import patroni"}));
    CHECK_FALSE(patroni_arguments({"patroni_pgbackrest", "bootstrap"}));
}

TEST_CASE("a Patroni that only checks or makes a configuration is not the caller") {
    CHECK_FALSE(patroni_arguments({"patroni", "--validate-config", "/etc/patroni.yml"}));
    CHECK_FALSE(patroni_arguments({"patroni", "/etc/patroni.yml", "--generate-config"}));
    CHECK_FALSE(patroni_arguments({"patroni", "--generate-sample-config", "/etc/patroni.yml"}));
    CHECK_FALSE(patroni_arguments({"patroni", "--version"}));
    CHECK_FALSE(patroni_arguments({"patroni", "-h"}));
}

TEST_CASE("the nearest Patroni above a shell wrapper is the caller, its PATRONI_* with it") {
    const std::vector<ProcessFacts> ancestors{
        {30, 20, {"/bin/sh", "/usr/local/bin/wrapper", "patroni.yml"}, {{"PATRONI_SCOPE", "wrong"}}, "/"},
        {20,
         1,
         {"/usr/bin/python3", "/usr/bin/patroni", "conf/p.yml"},
         {{"PATRONI_SCOPE", "demo"}, {"HOME", "/root"}},
         "/srv/a"},
        {1, 0, {"/usr/bin/python3", "/usr/bin/patroni", "conf/p.yml"}, {}, "/"},
    };
    const auto found = nearest_patroni(ancestors);
    REQUIRE(found);
    CHECK(found->pid == 20);
    CHECK(found->source.path == std::filesystem::path("/srv/a/conf/p.yml"));
    CHECK(found->source.environment == std::map<std::string, std::string>{{"PATRONI_SCOPE", "demo"}});
}

TEST_CASE("in a container the Patroni that is process 1 may be the nearest") {
    const auto found = nearest_patroni({{9, 1, {"sh", "-c", "x"}, {}, "/"},
                                        {1, 0, {"python3", "/patroni.py", "postgres0.yml"}, {}, "/home/postgres"}});
    REQUIRE(found);
    CHECK(found->pid == 1);
    CHECK(found->source.path == std::filesystem::path("/home/postgres/postgres0.yml"));
}

TEST_CASE("without a Patroni above there is no caller") {
    CHECK_FALSE(nearest_patroni({}));
    CHECK_FALSE(nearest_patroni({{2, 1, {"bash"}, {{"PATRONI_SCOPE", "x"}}, "/"}}));
}

TEST_CASE("PATRONI_CONFIGURATION is what a Patroni reads whose path does not exist, or that has none") {
    const Files files;
    const std::filesystem::path there = files.write("there.yml", "scope: a\n");
    const std::map<std::string, std::string> environment{{"PATRONI_CONFIGURATION", "scope: b"}};
    const auto path_for = [&](const Strings& arguments, const std::map<std::string, std::string>& variables) {
        return nearest_patroni({{2, 1, arguments, variables, files.path()}})->source.path;
    };
    CHECK(path_for({"patroni", "there.yml"}, environment) == there);
    CHECK_FALSE(path_for({"patroni", "gone.yml"}, environment));
    CHECK(path_for({"patroni", "gone.yml"}, {}) == files.path("gone.yml"));
    CHECK_FALSE(path_for({"patroni"}, environment));
}

TEST_CASE("a file that is newer than the process may not be what it has read") {
    const Files files;
    const auto file = files.write("patroni.yml", "scope: a\n");
    const auto child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    CHECK_FALSE(changed_since_start(file, child));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK_FALSE(changed_since_start(file, child));  // it is gone
    CHECK(changed_since_start(file, 1) == file);
    CHECK(changed_since_start(files.path(), 1) == file);
}

TEST_CASE("a Patroni that is too old is refused by its version") {
    CHECK(version_in("\"\"\":var __version__: the version.\"\"\"\n__version__ = '3.0.2'\n") == "3.0.2");
    CHECK(version_in("__version__ = \"4.1.5\"") == "4.1.5");
    CHECK_FALSE(version_in("version = '1'\n"));
    CHECK_NOTHROW(require_supported_patroni("2.0.2"));
    CHECK_NOTHROW(require_supported_patroni("11.0.0"));
    try {
        require_supported_patroni("1.6.5");
        FAIL("it was not refused");
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::preflight_refused);
        CHECK(failure.problems() ==
              std::vector<Problem>{{"Patroni 1.6.5 is not supported", "use Patroni 2.0 or later"}});
    }
    // This test loads no Python.
    CHECK_FALSE(version_of_patroni(::getpid()));
}
