#include "pgbackrest/segment_fetch.hpp"

#include "pgbackrest/archive.hpp"
#include "pgbackrest/archive_names.hpp"
#include "pgbackrest/error_meaning.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest::pgbackrest {

namespace {

process::Captured run(const process::Command& command, const std::string& what, const RetryPolicy& retry) {
    auto result = process::capture(command);
    for (Retries retries(retry); !process::succeeded(result.outcome); result = process::capture(command)) {
        if (!may_pass(result.outcome, result.errors) || !retries.another(what_happened(result.outcome))) {
            throw failure_of(what, result.outcome, result.errors);
        }
    }
    return result;
}

}  // namespace

void fetch_segment(const Pgbackrest& pgbackrest, const std::vector<Archive>& archives, const std::string& segment,
                   const RetryPolicy& retry) {
    for (const auto& archive : archives) {
        const Option repository{"repo", std::to_string(archive.repository)};
        const auto directory =
            fmt::format("archive/{}/{}/{}", pgbackrest.stanza, archive.id, segment.substr(0, directory_digits));
        const auto listing = run(pgbackrest.data_command("repo-ls", {repository, {"output", "json"}}, {directory}),
                                 "listing of " + directory, retry);
        for (const auto& entry : parse_listing(listing.output)) {
            if (!entry.is_path && entry.name.starts_with(segment + "-")) {
                run(pgbackrest.data_command("repo-get", {repository}, {directory + "/" + entry.name}),
                    "reading of WAL segment " + segment, retry);
                return;
            }
        }
    }
    throw Failure(ExitCode::target_not_reachable, fmt::format("WAL segment {} is not in the archive", segment),
                  "choose another backup set with set");
}

}  // namespace patroni_pgbackrest::pgbackrest
