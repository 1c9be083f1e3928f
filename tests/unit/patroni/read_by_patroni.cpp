#include "patroni/read_by_patroni.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

#include <chrono>
#include <cstdlib>
#include <sys/stat.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

/// `place: message` of each; what is said where Patroni cannot be asked.
Strings said(const std::optional<std::vector<Problem>>& problems) {
    Strings texts;
    for (const auto& problem : problems.value_or(std::vector<Problem>{{"not asked", "", ""}})) {
        texts.push_back(problem.place.empty() ? problem.message : problem.place + ": " + problem.message);
    }
    return texts;
}

}  // namespace

TEST_CASE("Patroni's own reader says what it cannot read, and where") {
    const Files files;
    const auto reading = [&](const std::string& text) {
        return said(problems_of_patroni_reading(files.write("my.yml", text)));
    };
    const std::string beginning = "my.yml:3: Patroni cannot read the file: ";
    CHECK(reading("scope: demo\npostgresql:\n  a: b\n") == Strings{});
    CHECK(reading("scope: demo\npostgresql:\n  a: !vault secret\n") ==
          Strings{beginning + "could not determine a constructor for the tag ****"});
    CHECK(reading("scope: demo\npostgresql:\n  a: !Secret1'x\n") ==
          Strings{beginning + "could not determine a constructor for the tag ****"});
    CHECK(reading("scope: demo\npostgresql:\n  a: !se!cret\n") ==
          Strings{beginning + "found undefined tag handle ****"});
    CHECK(reading("scope: demo\npostgresql:\n  a: *Secret1\n") == Strings{beginning + "found undefined alias ****"});
    CHECK(reading("scope: demo\npostgresql:\n  a: [1 }\n") == Strings{beginning + "expected ',' or ']', but got '}'"});
    CHECK(reading("scope: demo\npostgresql:\n\ta: secret\n").front().starts_with(beginning));
    // yaml-cpp reads this one, and so do we.
    CHECK(reading("scope: demo\npostgresql: {a: 2026-13-45}\n") ==
          Strings{"my.yml: Patroni cannot read the file: a value that is no date or number (ValueError)"});
    // What only some readers take is read: the last of two keys, YAML 1.1's words and numbers, merge keys, tags.
    CHECK(reading("a: 1\na: 0755\nb: yes\nc: &c {d: 1:30}\ne: {<<: *c, f: !!str 1, g: !!binary aGk=}\n") == Strings{});
}

TEST_CASE("the Python of a script is in its first line") {
    const Files files;
    const auto python_of_line = [&](const std::string& line) {
        return python_in(files.write("script", line + "\n1\n"));
    };
    CHECK(python_of_line("#!/usr/bin/python3") == "/usr/bin/python3");
    CHECK(python_of_line("#! /opt/patroni/bin/python3.11 -s") == "/opt/patroni/bin/python3.11");
    CHECK(python_of_line("#!/usr/bin/env python3") == "python3");
    CHECK_FALSE(python_of_line("#!/bin/sh"));
    CHECK_FALSE(python_of_line("#!/opt/python/bin/bash"));
    CHECK_FALSE(python_of_line("\x7f"
                               "ELF /usr/bin/python3"));
    CHECK_FALSE(python_of_line("#!/usr/bin/python3\nPK\x03\x04"));
    CHECK_FALSE(python_of_line(""));
    CHECK_FALSE(python_in(files.path("absent")));
}

TEST_CASE("each file of a directory is read") {
    const Files files;
    files.write("conf/1.yml", "a: b\n");
    files.write("conf/2.yaml", "a: [\n");
    files.write("conf/3.txt", "a: [\n");
    const auto texts = said(problems_of_patroni_reading(files.path("conf")));
    REQUIRE(texts.size() == 1);
    CHECK(texts[0].starts_with("2.yaml:2: Patroni cannot read the file: "));
}

TEST_CASE("nothing is imported from the working directory") {
    const Files files;
    for (const auto* name : {"yaml.py", "patroni.py", "os.py", "re.py"}) {
        files.write(name, "open('" + files.path("imported").string() + "', 'w')\nraise SystemExit(3)\n");
    }
    const auto file = files.write("my.yml", "a: b\n");
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(files.path());
    CHECK(said(problems_of_patroni_reading(file)) == Strings{});
    std::filesystem::current_path(before);
    CHECK_FALSE(std::filesystem::exists(files.path("imported")));
}

TEST_CASE("what is no file for Patroni is not called readable") {
    const Files files;
    CHECK_FALSE(problems_of_patroni_reading("/dev/null"));
    CHECK_FALSE(problems_of_patroni_reading(files.path("absent.yml")));
    CHECK_FALSE(problems_of_patroni_reading(files.path()));
}

TEST_CASE("a Patroni that is not there, or does not answer, is never a reason to refuse") {
    const Files files;
    const auto file = files.write("my.yml", "a: [\n");
    ::chmod(files.write("bin/python-slow", "#!/bin/sh\nexec /bin/sleep 60\n").c_str(), 0755);
    const std::string before = std::getenv("PATH");
    ::setenv("PATH", files.path("bin").c_str(), 1);
    CHECK_FALSE(problems_of_patroni_reading(file));
    ::chmod(files.write("bin/patronictl", "#!" + files.path("bin/python-slow").string() + "\n").c_str(), 0755);
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(problems_of_patroni_reading(file, std::chrono::seconds(1)));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
    ::setenv("PATH", before.c_str(), 1);
}

TEST_CASE("what Patroni reads is not called unreadable") {
    const std::vector<Problem> ours =
        problems_of_ours({{"broken YAML: end of map not found", "correct the line", "my.yml:3"},
                          {"Patroni cannot read the file: there is a tab between values", "x", ""},
                          {"more than one YAML document", "remove the line", "my.yml:4"}});
    CHECK(said(ours) == Strings{"my.yml:3: Patroni reads the file, and this program does not: end of map not found",
                                "Patroni reads the file, and this program does not: there is a tab between values",
                                "my.yml:4: more than one YAML document"});
    CHECK(ours[0].hint == "write the line in a plainer way, which both read");
}
