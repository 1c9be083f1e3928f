#include "pgbackrest/segment_fetch.hpp"

#include "pgbackrest/capture.hpp"
#include "pgbackrest/decompress.hpp"
#include "postgres/wal_page.hpp"

namespace patroni_pgbackrest::pgbackrest {

namespace {

/// The first `kept` bytes of a segment, of which all is looked at.
std::string fetch(const Pgbackrest& pgbackrest, const ArchivedFile& file, postgres::SegmentSize size, std::size_t kept,
                  const RetryPolicy& retry) {
    const auto command = pgbackrest.data_command("repo-get", {{"repo", std::to_string(file.repository)}}, {file.path});
    auto result =
        succeeded_or_again("reading of " + file.path, process::capture_while_it_works(command), command, retry);
    return decompress(std::move(result.output), file.path, size.bytes, kept);
}

}  // namespace

std::string fetch_segment(const Pgbackrest& pgbackrest, const ArchivedFile& file, postgres::SegmentSize size,
                          const RetryPolicy& retry) {
    return fetch(pgbackrest, file, size, size.bytes, retry);
}

std::optional<postgres::SegmentSize> segment_size_in(const Pgbackrest& pgbackrest, const ArchivedFile& file,
                                                     const RetryPolicy& retry) {
    constexpr postgres::SegmentSize greatest{1ULL << 30};
    const auto page = postgres::WalPage::read(fetch(pgbackrest, file, greatest, postgres::WalPage::size, retry));
    return page && page->file ? std::optional(page->file->segment_size) : std::nullopt;
}

}  // namespace patroni_pgbackrest::pgbackrest
