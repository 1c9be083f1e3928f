#include "postgres/wal_record.hpp"

#include "postgres/wal_page.hpp"

#include <algorithm>

namespace patroni_pgbackrest::postgres {

namespace {

// rmgrlist.h
enum ResourceManager : std::uint8_t { xlog = 0, transaction = 1, tablespace = 5 };

// pg_control.h, XLOG_…
enum XlogInfo : std::uint8_t {
    checkpoint_shutdown = 0x00,
    checkpoint_online = 0x10,
    segment_switch = 0x40,
    parameter_change = 0x60,
    restore_point = 0x70,
    end_of_recovery = 0x90,
    overwrite_continuation = 0xD0,
};

// xact.h, XLOG_XACT_…
enum TransactionInfo : std::uint8_t {
    xact_commit = 0x00,
    xact_abort = 0x20,
    xact_commit_prepared = 0x30,
    xact_abort_prepared = 0x40,
    operation_mask = 0x70,
    has_flags = 0x80,
};

// xact.h, XACT_XINFO_HAS_…, in the order in which the parts lie in the record
enum TransactionFlags : std::uint32_t {
    has_database = 1U << 0,
    has_subtransactions = 1U << 1,
    has_relations = 1U << 2,
    has_dropped_statistics = 1U << 8,
    has_invalidations = 1U << 3,
    has_two_phase = 1U << 4,
};

/// XLogRecordDataHeaderShort, …Long, and what may stand before them without a block: origin, top-level transaction.
enum DataHeader : std::uint8_t { short_data = 255, long_data = 254, origin = 253, top_level_xid = 252 };

/// Fields one after the other. A read behind the end gives zeros and is remembered.
class Fields {
  public:
    explicit Fields(std::string_view bytes) : bytes_(bytes) {}

    template <typename Number>
    Number take() {
        const auto field = take_bytes(sizeof(Number));
        return field.empty() ? Number{} : number_at<Number>(field, 0);
    }
    Lsn take_lsn() { return Lsn{take<std::uint64_t>()}; }
    Timeline take_timeline() { return Timeline{take<std::uint32_t>()}; }
    /// TimestampTz: microseconds since 2000-01-01 UTC.
    WalTime take_time() {
        const WalTime epoch(std::chrono::sys_days(std::chrono::year(2000) / 1 / 1));
        return time_since(epoch, take<std::int64_t>());
    }
    /// pg_time_t: seconds since 1970.
    WalTime take_seconds() {
        const auto seconds = take<std::int64_t>();
        if (seconds > INT64_MAX / 1'000'000 || seconds < INT64_MIN / 1'000'000) {
            whole_ = false;
            return {};
        }
        return WalTime(std::chrono::seconds(seconds));
    }
    /// Up to the zero that ends it.
    std::string take_text() {
        const auto end = bytes_.find('\0');
        if (end == std::string_view::npos) {
            whole_ = false;
            return {};
        }
        return std::string(bytes_.substr(0, end));
    }
    void skip(std::uint64_t count) { take_bytes(count); }
    /// A number of items, then the items.
    void skip_items(std::uint64_t size) { skip(take<std::uint32_t>() * size); }
    /// Whether all that was read was there.
    bool whole() const { return whole_; }

  private:
    std::string_view take_bytes(std::uint64_t count) {
        if (count > bytes_.size()) {
            whole_ = false;
            bytes_ = {};
            return {};
        }
        const auto taken = bytes_.substr(0, count);
        bytes_.remove_prefix(count);
        return taken;
    }
    WalTime time_since(WalTime epoch, std::int64_t microseconds) {
        std::int64_t sum = 0;
        if (__builtin_add_overflow(epoch.time_since_epoch().count(), microseconds, &sum)) {
            whole_ = false;
        }
        return WalTime(std::chrono::microseconds(sum));
    }

    std::string_view bytes_;
    bool whole_ = true;
};

/// xl_xact_commit and xl_xact_abort. COMMIT PREPARED stands in the record of another session's transaction, or of
/// none: the transaction that ends is in the part for two-phase commit, as PostgreSQL's recovery_target_xid sees it.
TransactionEnd transaction_end(const WalRecord& record, Fields& fields) {
    const auto operation = record.info & operation_mask;
    TransactionEnd end;
    end.committed = operation == xact_commit || operation == xact_commit_prepared;
    end.prepared = operation == xact_commit_prepared || operation == xact_abort_prepared;
    end.xid = record.xid;
    end.time = fields.take_time();
    if (!end.prepared) {
        return end;
    }
    const auto flags = (record.info & has_flags) != 0 ? fields.take<std::uint32_t>() : 0;
    if ((flags & has_database) != 0) {
        fields.skip(8);
    }
    if ((flags & has_subtransactions) != 0) {
        fields.skip_items(4);
    }
    if ((flags & has_relations) != 0) {
        fields.skip_items(12);
    }
    if ((flags & has_dropped_statistics) != 0) {  // since 15
        fields.skip_items(record.major >= 18 ? 16 : 12);
    }
    if ((flags & has_invalidations) != 0) {
        fields.skip_items(16);
    }
    // Without that part PostgreSQL would not know the transaction either.
    end.xid = (flags & has_two_phase) != 0 ? fields.take<std::uint32_t>() : 0;
    return end;
}

/// CheckPoint in pg_control.h. What 17 added (wal_level) lies where the others have padding, behind fullPageWrites.
Checkpoint checkpoint(const WalRecord& record, Fields& fields) {
    Checkpoint found;
    found.shutdown = record.info == checkpoint_shutdown;
    found.redo = fields.take_lsn();
    found.timeline = fields.take_timeline();
    found.previous_timeline = fields.take_timeline();
    fields.skip(8);
    found.next_xid = fields.take<std::uint64_t>();
    fields.skip(32);
    found.time = fields.take_seconds();
    return found;
}

ParameterChange parameters(Fields& fields) {
    ParameterChange change;
    for (int* const number :
         {&change.max_connections, &change.max_worker_processes, &change.max_wal_senders,
          &change.max_prepared_transactions, &change.max_locks_per_transaction, &change.wal_level}) {
        *number = fields.take<std::int32_t>();
    }
    change.wal_log_hints = fields.take<std::uint8_t>() != 0;
    change.track_commit_timestamp = fields.take<std::uint8_t>() != 0;
    return change;
}

WalEvent decode_xlog(const WalRecord& record, Fields& fields) {
    switch (record.info) {
    case checkpoint_shutdown:
    case checkpoint_online:
        return checkpoint(record, fields);
    case segment_switch:
        return SegmentSwitch{};
    case parameter_change:
        return parameters(fields);
    case restore_point: {
        const auto time = fields.take_time();
        return RestorePoint{fields.take_text(), time};
    }
    case end_of_recovery: {
        const auto time = fields.take_time();
        const auto timeline = fields.take_timeline();
        return EndOfRecovery{timeline, fields.take_timeline(), time};
    }
    default:
        return OtherRecord{};
    }
}

WalEvent decode_transaction(const WalRecord& record, Fields& fields) {
    switch (record.info & operation_mask) {
    case xact_commit:
    case xact_commit_prepared:
    case xact_abort:
    case xact_abort_prepared:
        return transaction_end(record, fields);
    default:
        return OtherRecord{};
    }
}

/// tablespace.h: XLOG_TBLSPC_CREATE 0x00, XLOG_TBLSPC_DROP 0x10
WalEvent decode_tablespace(const WalRecord& record, Fields& fields) {
    const auto oid = fields.take<std::uint32_t>();
    switch (record.info) {
    case 0x00:
        return TablespaceCreated{oid, fields.take_text()};
    case 0x10:
        return TablespaceDropped{oid};
    default:
        return OtherRecord{};
    }
}

}  // namespace

std::optional<std::string_view> WalRecord::main_data() const {
    auto rest = bytes.substr(std::min(header_size, bytes.size()));
    while (!rest.empty()) {
        const auto id = static_cast<std::uint8_t>(rest[0]);
        const std::size_t size = id == short_data ? 2 : id == origin ? 3 : 5;
        if (id < top_level_xid || rest.size() < size) {
            return {};
        }
        const auto header = rest;
        rest.remove_prefix(size);
        if (id == short_data || id == long_data) {
            const std::size_t length =
                id == short_data ? number_at<std::uint8_t>(header, 1) : number_at<std::uint32_t>(header, 1);
            return rest.size() == length ? std::optional(rest) : std::nullopt;
        }
    }
    return rest;
}

WalEvent decode(const WalRecord& record) {
    if (record.resource_manager != xlog && record.resource_manager != transaction &&
        record.resource_manager != tablespace) {
        return OtherRecord{};
    }
    Fields fields(record.main_data().value_or(""));
    const auto event = record.resource_manager == xlog          ? decode_xlog(record, fields)
                       : record.resource_manager == transaction ? decode_transaction(record, fields)
                                                                : decode_tablespace(record, fields);
    return fields.whole() ? event : UnknownLayout{};
}

bool is_segment_switch(const WalRecord& record) {
    return record.resource_manager == xlog && record.info == segment_switch;
}

std::optional<Lsn> lost_record(const WalRecord& record) {
    if (record.resource_manager != xlog || record.info != overwrite_continuation) {
        return {};
    }
    Fields fields(record.main_data().value_or(""));
    const auto lost = fields.take_lsn();
    return fields.whole() ? std::optional(lost) : std::nullopt;
}

}  // namespace patroni_pgbackrest::postgres
