#include "pgbackrest/segment_fetch.hpp"

#include "pgbackrest/decompress.hpp"
#include "pgbackrest/error_meaning.hpp"

namespace patroni_pgbackrest::pgbackrest {

std::string fetch_segment(const Pgbackrest& pgbackrest, const ArchivedFile& file, postgres::SegmentSize size,
                          const RetryPolicy& retry) {
    const auto command = pgbackrest.data_command("repo-get", {{"repo", std::to_string(file.repository)}}, {file.path});
    auto result = process::capture(command);
    for (Retries retries(retry); !process::succeeded(result.outcome); result = process::capture(command)) {
        if (!may_pass(result.outcome, result.errors) || !retries.another(what_happened(result.outcome))) {
            throw failure_of("reading of " + file.path, result.outcome, result.errors);
        }
    }
    return decompress(std::move(result.output), file.path, size.bytes);
}

}  // namespace patroni_pgbackrest::pgbackrest
