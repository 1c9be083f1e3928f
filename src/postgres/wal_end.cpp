#include "postgres/wal_end.hpp"

#include <fmt/format.h>

namespace patroni_pgbackrest::postgres {

std::string WalEnd::text() const {
    const auto place = at.text();
    switch (reason) {
    case WalEndReason::zeros:
        return fmt::format("nothing was written at {}", place);
    case WalEndReason::no_segment:
        return fmt::format("the segment with {} is not there", place);
    case WalEndReason::short_segment:
        return fmt::format("the segment is too short for what lies at {}", place);
    case WalEndReason::not_a_page:
        return fmt::format("there is no WAL page at {}", place);
    case WalEndReason::other_cluster:
        return fmt::format("the segment with {} belongs to another cluster", place);
    case WalEndReason::other_place:
        return fmt::format("the page at {} belongs to another place", place);
    case WalEndReason::other_timeline:
        return fmt::format("the page at {} belongs to another timeline", place);
    case WalEndReason::broken_record:
        return fmt::format("the record before {} does not go on there", place);
    case WalEndReason::wrong_length:
        return fmt::format("the record at {} has an impossible length", place);
    case WalEndReason::wrong_previous:
        return fmt::format("the record at {} does not follow the one before it", place);
    case WalEndReason::wrong_checksum:
        return fmt::format("the record at {} has a wrong checksum", place);
    }
    return {};
}

}  // namespace patroni_pgbackrest::postgres
