#pragma once

#include "postgres/wal.hpp"
#include "postgres/wal_reader.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The bytes of a number as the WAL holds it.
template <typename Number>
std::string raw(Number number) {
    return std::string(reinterpret_cast<const char*>(&number), sizeof number);
}

/// Writes WAL as PostgreSQL lays it out: pages, records, checksums. What it cannot do, the test does to the bytes.
class WalBuilder {
  public:
    using Lsn = patroni_pgbackrest::postgres::Lsn;

    int major = 15;
    std::uint32_t timeline = 1;
    std::uint64_t identifier = 7000000000000000001;
    std::uint64_t segment_size = 1 << 20;

    explicit WalBuilder(std::uint64_t first_segment) : position_(first_segment << 20) {}

    /// A record with main data; where it starts.
    Lsn add(std::uint8_t manager, std::uint8_t info, std::uint32_t xid, const std::string& data);
    /// A record that changes a block of a relation in that database and tablespace. `image`: what stands between the
    /// block's header and its place (XLogRecordBlockImageHeader), where it is one with an image.
    Lsn add_change(std::uint8_t manager, std::uint8_t info, std::uint32_t tablespace, std::uint32_t database,
                   const std::string& image = {});
    /// A record whose content nobody looks at, of `length` bytes in all.
    Lsn add_filler(std::uint32_t length);
    /// Fills the segment up to `left` bytes before its end with fillers of a page or less each.
    void fill_until(std::uint64_t left);
    /// The rest of the segment stays empty.
    Lsn switch_segment();
    /// The record after the last one is lost from the next page on: XLOG_OVERWRITE_CONTRECORD instead.
    Lsn overwrite(Lsn lost, std::uint64_t page);
    Lsn position() const { return Lsn{position_}; }
    void go_to(std::uint64_t position) { position_ = position; }

    std::map<std::uint64_t, std::string> segments;

    /// All of `segments`, to a reader.
    patroni_pgbackrest::postgres::WalReader::BringSegment bring() const;
    patroni_pgbackrest::postgres::WalReader::Expected expected() const;
    /// The byte at a position.
    char& at(Lsn lsn);

  private:
    Lsn put(std::uint8_t manager, std::uint8_t info, std::uint32_t xid, const std::string& body);
    void write(std::string_view bytes);
    void begin_page(std::uint32_t remaining);

    std::uint64_t position_;
    std::uint64_t previous_ = 0;
    std::uint16_t flags_ = 0;
};

/// Where the records start, and how it ended.
struct Reading {
    std::vector<patroni_pgbackrest::postgres::Lsn> starts;
    std::vector<patroni_pgbackrest::postgres::Lsn> ends;
    patroni_pgbackrest::postgres::WalEnd end;
};

/// `from` is a place as WalReader wants it.
Reading read_all(const WalBuilder& wal, patroni_pgbackrest::postgres::Lsn from = {1 << 20});
