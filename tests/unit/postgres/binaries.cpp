#include "postgres/binaries.hpp"

#include "cluster.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"

#include <string>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

/// A directory that looks like one with binaries, whose pg_controldata says `version`.
void write_binaries(const std::filesystem::path& directory, const std::string& version) {
    system::replace_file(directory / "postgres", "#!/bin/sh\n", 0700);
    system::replace_file(directory / "pg_controldata", "#!/bin/sh\necho '" + version + "'\n", 0700);
}

std::string refusal_of(int major, const std::filesystem::path& configured) {
    try {
        find_binaries(major, configured);
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::preflight_refused);
        return failure.what();
    }
    return "accepted";
}

std::string refusal_of_version(const std::filesystem::path& directory) {
    try {
        major_version(directory);
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::verification_failed);
        return failure.what();
    }
    return "accepted";
}

}  // namespace

TEST_CASE("the binary itself is asked for its version") {
    const system::PrivateDirectory directory;
    const auto [said, major] = GENERATE(table<std::string, int>({
        {"pg_controldata (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15},
        {"pg_controldata (PostgreSQL) 13.23", 13},
        {"pg_controldata (PostgreSQL) 18beta1", 18},
        {"pg_controldata (PostgreSQL) 17devel", 17},
        {"pg_controldata (PostgreSQL) 16rc1 (Ubuntu 16~rc1-1.pgdg22.04+1)", 16},
        {"pg_controldata (EnterpriseDB) 14.9.0", 14},
    }));
    write_binaries(directory.path(), said);
    CHECK(find_binaries(major, directory.path()) == directory.path());
}

TEST_CASE("a configured directory that does not serve is refused by name") {
    const system::PrivateDirectory directory;
    const auto path = directory.path().string();
    CHECK(refusal_of(15, directory.path()) ==
          "no binaries of PostgreSQL 15 found: postgresql.bin_dir: " + path + " has no executable postgres");
    write_binaries(directory.path(), "postgres (PostgreSQL) 16.4");
    CHECK(refusal_of(15, directory.path()) ==
          "no binaries of PostgreSQL 15 found: postgresql.bin_dir: " + path + " is of PostgreSQL 16");
    write_binaries(directory.path(), "who knows");
    CHECK(refusal_of(15, directory.path()) ==
          "no binaries of PostgreSQL 15 found: postgresql.bin_dir: " + path + "/pg_controldata --version: who knows");
    system::replace_file(directory.path() / "pg_controldata", "#!/bin/sh\nexit 3\n", 0700);
    CHECK(refusal_of(15, directory.path()) == "no binaries of PostgreSQL 15 found: postgresql.bin_dir: " + path +
                                                  "/pg_controldata --version: exited with code 3");
    std::filesystem::remove(directory.path() / "pg_controldata");
    CHECK(refusal_of(15, directory.path()) ==
          "no binaries of PostgreSQL 15 found: postgresql.bin_dir: " + path + " has no executable pg_controldata");
}

TEST_CASE("a version that is too old is refused") {
    CHECK(refusal_of(12, "/usr/bin") == "PostgreSQL 12 is not supported");
}

TEST_CASE("installed binaries are found without a configured directory") {
    CHECK(std::filesystem::exists(installed_binaries() / "pg_controldata"));
}

TEST_CASE("PG_VERSION tells the major version") {
    const system::PrivateDirectory directory;
    const auto file = directory.path() / "PG_VERSION";
    CHECK(refusal_of_version(directory.path()) == file.string() + " is missing");
    system::replace_file(file, "15\n");
    CHECK(major_version(directory.path()) == 15);
    system::replace_file(file, "9.6\n");
    CHECK(refusal_of_version(directory.path()) == file.string() + " holds no major version: \"9.6\"");
    system::replace_file(file, "");
    CHECK(refusal_of_version(directory.path()) == file.string() + " holds no major version: \"\"");
}

TEST_CASE("libraries lie beside the programs, and have the ending that a setting leaves out") {
    const Files files;
    files.write("15/lib/pgaudit.so", "");
    for (const std::string binaries : {"15/bin", "15/bin/"}) {
        const auto libraries = library_directory(files.path(binaries));
        CHECK(libraries == files.path("15/lib"));
        for (const auto* name : {"pgaudit", "pgaudit.so", "$libdir/pgaudit"}) {
            CAPTURE(name);
            CHECK(has_library(libraries, name));
        }
        CHECK_FALSE(has_library(libraries, "timescaledb"));
    }
}
