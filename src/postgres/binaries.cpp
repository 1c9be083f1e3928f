#include "postgres/binaries.hpp"

#include "process/child.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <array>
#include <fmt/format.h>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace patroni_pgbackrest::postgres {

namespace {

namespace fs = std::filesystem;

/// The number at the beginning of `15.18`, `15`, `18beta1` and `17devel`.
std::optional<int> leading_number(std::string_view version) {
    const auto digits = version.substr(0, version.find_first_not_of("0123456789"));
    const auto number = system::number(digits);
    if (!number || *number > 1000) {
        return {};
    }
    return static_cast<int>(*number);
}

/// `pg_controldata (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → 15. Vendors' builds (EDB) have other words in the
/// parentheses.
std::optional<int> major_of_binary(const fs::path& binary, std::string& said) {
    const auto captured = process::capture({binary.string(), {"--version"}}, std::chrono::seconds(30));
    process::require_resources(binary.string(), captured.outcome);
    if (!process::succeeded(captured.outcome)) {
        said = process::describe(captured.outcome);
        return {};
    }
    said = system::trim(captured.output);
    const auto words = system::split(said, ' ');
    for (const auto& word : words) {
        if (const auto major = leading_number(word)) {
            return major;
        }
    }
    return {};
}

/// Why `directory` cannot be used; empty if it can.
std::string objection(const fs::path& directory, int major) {
    for (const std::string_view name : {"postgres", "pg_controldata"}) {
        if (!process::find_executable((directory / name).string())) {
            return fmt::format("{} has no executable {}", directory.string(), name);
        }
    }
    std::string said;
    const auto binary = directory / "pg_controldata";  // starts in a tenth of the time that postgres takes
    const auto found = major_of_binary(binary, said);
    if (!found) {
        return fmt::format("{} --version: {}", binary.string(), said);
    }
    if (*found != major) {
        return fmt::format("{} is of PostgreSQL {}", directory.string(), *found);
    }
    return {};
}

/// Where distributions, containers and people who compile it themselves put a major version.
std::vector<fs::path> usual_places(int major) {
    return {
        fmt::format("/usr/lib/postgresql/{}/bin", major),  // Debian, Ubuntu
        fmt::format("/usr/pgsql-{}/bin", major),           // PGDG's RPMs
        fmt::format("/usr/lib/postgresql{}/bin", major),   // SUSE
        fmt::format("/usr/libexec/postgresql{}", major),   // Alpine
        fmt::format("/opt/postgresql/{}/bin", major),
        fmt::format("/opt/pgsql-{}/bin", major),
        fmt::format("/opt/pgpro/std-{}/bin", major),  // Postgres Pro
        fmt::format("/usr/edb/as{}/bin", major),      // EDB
        "/opt/bitnami/postgresql/bin",
        "/usr/local/pgsql/bin",
        "/usr/local/bin",
        "/usr/bin",
    };
}

[[noreturn]] void not_found(int major, const std::vector<std::string>& objections) {
    throw Failure(ExitCode::preflight_refused,
                  objections.empty()
                      ? fmt::format("no binaries of PostgreSQL {} found", major)
                      : fmt::format("no binaries of PostgreSQL {} found: {}", major, system::join(objections, "; ")),
                  fmt::format("install PostgreSQL {} on this host, or name the directory that holds postgres and "
                              "pg_controldata in postgresql.bin_dir",
                              major));
}

}  // namespace

int major_version(const fs::path& data_directory) {
    constexpr auto hint = "this is not a PostgreSQL data directory, or the restore is not complete";
    const auto path = data_directory / "PG_VERSION";
    const auto text = system::read_file_if_present(path);
    if (!text) {
        throw Failure(ExitCode::verification_failed, fmt::format("{} is missing", path.string()), hint);
    }
    const auto number = system::number(system::trim(*text));
    if (!number || *number > 1000) {
        throw Failure(ExitCode::verification_failed,
                      fmt::format("{} holds no major version: \"{}\"", path.string(), system::trim(*text)), hint);
    }
    return static_cast<int>(*number);
}

fs::path find_binaries(int major, const std::optional<fs::path>& configured) {
    if (major < oldest_supported_major) {
        throw Failure(
            ExitCode::preflight_refused, fmt::format("PostgreSQL {} is not supported", major),
            fmt::format("PostgreSQL {} is the oldest version that this program restores", oldest_supported_major));
    }
    std::vector<std::string> objections;
    if (configured && !configured->empty()) {
        if (const auto wrong = objection(*configured, major); !wrong.empty()) {
            not_found(major, {fmt::format("postgresql.bin_dir: {}", wrong)});
        }
        return *configured;
    }
    auto places = usual_places(major);
    if (const auto in_path = process::find_executable("postgres")) {
        places.push_back(in_path->parent_path());
    }
    std::set<fs::path> seen;
    for (const auto& place : places) {
        std::error_code error;
        if (!seen.insert(place).second || !fs::exists(place / "postgres", error)) {
            continue;
        }
        const auto wrong = objection(place, major);
        if (wrong.empty()) {
            return place;
        }
        objections.push_back(wrong);
    }
    not_found(major, objections);
}

fs::path library_directory(const fs::path& binaries) {
    return (binaries / "").parent_path().parent_path() / "lib";
}

bool has_library(const fs::path& directory, std::string_view name) {
    constexpr std::string_view place = "$libdir/";
    const auto file = directory / (name.starts_with(place) ? name.substr(place.size()) : name);
    std::error_code error;
    return fs::exists(file, error) || fs::exists(file.string() + ".so", error);
}

}  // namespace patroni_pgbackrest::postgres
