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
