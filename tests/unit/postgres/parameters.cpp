#include "postgres/parameters.hpp"

#include "cluster.hpp"
#include "support/catch.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"

#include <string>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

std::string said_of(const std::string& name, const std::string& value) {
    return objection_to(installed_binaries(), {name, value}).value_or("taken");
}

}  // namespace

TEST_CASE("PostgreSQL's own program says which parameters it has and what values they take") {
    CHECK(said_of("shared_buffers", "1GB") == "taken");
    CHECK(said_of("shared_buffers", "") == "taken");
    CHECK(said_of("bgwriter_delay", "10ms") == "taken");
    CHECK(said_of("some_extension.parameter", "1") == "taken");
    CHECK(said_of("log_line_prefix", "") == "taken");
    CHECK(said_of("bgwriter_delai", "10ms") == "unrecognized configuration parameter \"bgwriter_delai\"");
    CHECK(said_of("bgwriter_delai", "") == "unrecognized configuration parameter \"bgwriter_delai\"");
    CHECK(said_of("", "1") != "taken");
    CHECK(said_of("server_version", "15").find("cannot be changed") != std::string::npos);
    CHECK(said_of("jit", "maybe") == "parameter \"jit\" requires a Boolean value");
    const auto unit = said_of("shared_buffers", "1G");
    CAPTURE(unit);
    CHECK(unit.starts_with("invalid value for parameter \"shared_buffers\": \"1G\" (Valid units for this parameter"));
    CHECK(unit.ends_with(")"));
}

TEST_CASE("a program that says nothing, or cannot be started, is named") {
    const system::PrivateDirectory directory;
    const auto program = (directory.path() / "postgres").string();
    system::replace_file(program, "#!/bin/sh\nexit 3\n", 0700);
    CHECK(objection_to(directory.path(), {"jit", "off"}) == program + " exited with code 3");
    CHECK(objection_to(directory.path() / "bin", {"jit", "off"}) ==
          (directory.path() / "bin/postgres").string() + " could not be started: No such file or directory");
}

TEST_CASE("the first FATAL and its HINT are PostgreSQL's words, and without one all that it printed") {
    CHECK(objection_in("LOG:  skipping missing configuration file\nFATAL:  no\nHINT:  yes\n") == "no (yes)");
    CHECK(objection_in("HINT:  of something else\nFATAL:  no\n") == "no");
    CHECK(objection_in("postgres: cannot be loaded\n") == "postgres: cannot be loaded");
    CHECK(objection_in("").empty());
}

TEST_CASE("a configuration file and what it includes say where PostgreSQL has its data, and why it would not start") {
    const system::PrivateDirectory directory;
    const auto file = directory.path() / "postgresql.conf";
    const auto said = [&](const std::string& text) {
        system::replace_file(file, text);
        return read_in_force(installed_binaries(), file);
    };
    directory.write("more.conf", "data_directory = '/elsewhere'\n");
    CHECK_FALSE(said("").data_directory);
    CHECK_FALSE(said("work_mem = 5MB\n").data_directory);
    CHECK(said("data_directory = '/one'\ndata_directory '/other'\n").data_directory == "/other");
    CHECK_FALSE(said("Data_Directory = '/one'\n").data_directory);  // PostgreSQL looks for this one by its exact name
    CHECK(said("data_directory = '/one'\ninclude 'more.conf'\n").data_directory == "/elsewhere");
    CHECK(said("include_if_exists 'nowhere.conf'\n").objections.empty());
    // Whatever the file says of the log, the words come, and in English.
    const auto refused =
        said("lc_messages = 'xx_XX.UTF-8'\nlog_destination = 'syslog'\nlog_min_messages = panic\nwork_mem = x\n");
    CHECK(refused.objections == std::vector<std::string>{"invalid value for parameter \"lc_messages\": \"xx_XX.UTF-8\"",
                                                         "invalid value for parameter \"work_mem\": \"x\""});
    const auto missing = said("include '/nowhere/tuning.conf'\n").objections;
    REQUIRE(missing.size() == 1);
    CHECK(missing[0] == "could not open configuration file \"/nowhere/tuning.conf\": No such file or directory");
    // The last one counts.
    CHECK(said("work_mem = x\nwork_mem = 5MB\n").objections.empty());
}

TEST_CASE("no word of a line that PostgreSQL cannot read is repeated: it may be a password") {
    CHECK(objections_in(
              "LOG:  syntax error in file \"/a\" line 3, near token \"secret\"\nFATAL:  /a contains errors\n") ==
          std::vector<std::string>{"syntax error in file \"/a\" line 3"});
    CHECK(objections_in("FATAL:  no\n") == std::vector<std::string>{"no"});
    CHECK(objections_in("").empty());
}
