#include "pgbackrest/segment_fetch.hpp"

#include "pgbackrest/capture.hpp"
#include "pgbackrest/decompress.hpp"

namespace patroni_pgbackrest::pgbackrest {

std::string fetch_segment(const Pgbackrest& pgbackrest, const ArchivedFile& file, postgres::SegmentSize size,
                          const RetryPolicy& retry) {
    const auto command = pgbackrest.data_command("repo-get", {{"repo", std::to_string(file.repository)}}, {file.path});
    auto result =
        succeeded_or_again("reading of " + file.path, process::capture_while_it_works(command), command, retry);
    return decompress(std::move(result.output), file.path, size.bytes);
}

}  // namespace patroni_pgbackrest::pgbackrest
