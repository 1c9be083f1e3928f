#include "postgres/copied_databases.hpp"

#include "support/catch.hpp"
#include "wal_builder.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

constexpr SegmentSize one_megabyte{1ULL << 20};
constexpr Lsn far{UINT64_MAX};
constexpr std::uint32_t elsewhere = 1664, here = 1663, source = 16400, made = 16401;

Lsn copy(WalBuilder& wal, std::uint32_t database = made) {
    return wal.add(4, 0x00, 748, raw(database) + raw(elsewhere) + raw(source) + raw(here));
}

Lsn drop(WalBuilder& wal, std::uint8_t info, std::uint32_t tablespace) {
    return wal.add(4, info, 748, raw(source) + raw(2) + raw(elsewhere) + raw(tablespace));
}

CopiedDatabases found_in(const WalBuilder& wal, std::uint64_t number = 1, std::vector<DatabaseCopy> known = {},
                         Lsn end = far) {
    const auto before = wal.segments.find(number - 1);
    return copied_databases(std::move(known),
                            before == wal.segments.end() ? std::string_view() : std::string_view(before->second),
                            {{Timeline{1}, number}, wal.segments.at(number)}, one_megabyte, end);
}

/// Whether a record behind a copy changes the copy's source.
template <typename Add>
bool is_changed_by(const Add& add, int major = 15) {
    WalBuilder wal(1);
    wal.major = major;
    copy(wal);
    add(wal);
    wal.add_filler(5000);
    return found_in(wal).changed.has_value();
}

}  // namespace

TEST_CASE("a database that is copied file by file is told with its source, once") {
    WalBuilder wal(1);
    wal.add_change(10, 0x00, here, source);
    const auto at = copy(wal);
    wal.add_filler(5000);
    const std::vector<DatabaseCopy> expected{{at, made, source, here}};
    CHECK(found_in(wal).copies == expected);
    CHECK_FALSE(found_in(wal).changed);
    CHECK(found_in(wal, 1, expected).copies == expected);
    CHECK(found_in(wal, 1, {}, at).copies.empty());
}

TEST_CASE("what changes the source of a copy behind it is seen") {
    CHECK(is_changed_by([](auto& wal) { wal.add_change(10, 0x00, here, source); }));
    CHECK_FALSE(is_changed_by([](auto& wal) { wal.add_change(10, 0x00, here, made); }));
    CHECK_FALSE(is_changed_by([](auto& wal) { wal.add_change(10, 0x00, elsewhere, source); }));
    CHECK_FALSE(is_changed_by([](auto& wal) { wal.add_filler(200); }));
}

TEST_CASE("of a block with an image the place is found behind the image's header, and hints do not count") {
    const auto image = [](std::uint8_t info, const std::string& more) {
        return raw<std::uint16_t>(100) + raw<std::uint16_t>(40) + raw(info) + more;
    };
    const auto hole_length = raw<std::uint16_t>(7000);
    struct Form {
        int major;
        std::string image;
    };
    const std::vector<Form> forms{{13, image(0x05, "")},          {14, image(0x07, hole_length)},
                                  {14, image(0x06, "")},          {15, image(0x03, "")},
                                  {15, image(0x07, hole_length)}, {17, image(0x0B, hole_length)},
                                  {18, image(0x13, hole_length)}, {18, image(0x12, "")}};
    for (const auto& form : forms) {
        CAPTURE(form.major);
        const auto add = [&](std::uint8_t manager, std::uint8_t info) {
            return [&form, manager, info](auto& wal) { wal.add_change(manager, info, here, source, form.image); };
        };
        CHECK(is_changed_by(add(10, 0x00), form.major));
        CHECK(is_changed_by(add(0, 0xB0), form.major));        // XLOG_FPI
        CHECK_FALSE(is_changed_by(add(0, 0xA0), form.major));  // XLOG_FPI_FOR_HINT
    }
}

TEST_CASE("a source that is dropped is changed") {
    for (const int major : {13, 14, 15, 18}) {
        const std::uint8_t info = major >= 15 ? 0x20 : 0x10;
        CHECK(is_changed_by([&](auto& wal) { drop(wal, info, here); }, major));
        CHECK_FALSE(is_changed_by([&](auto& wal) { drop(wal, info, 9999); }, major));
    }
    CHECK_FALSE(is_changed_by([](auto& wal) { drop(wal, 0x10, here); }, 15));  // XLOG_DBASE_CREATE_WAL_LOG
    CHECK_FALSE(is_changed_by([](auto& wal) { wal.add(4, 0x20, 748, raw(source) + raw(UINT32_MAX)); }));
}

TEST_CASE("a change in a later segment is seen, of a record that crosses into it as well, and none from the end on") {
    WalBuilder wal(1);
    const auto at = copy(wal, source);
    const std::uint64_t left = GENERATE(16U, 32U, 48U, 4096U);
    wal.fill_until(left);
    const auto change = wal.add_change(10, 0x00, here, source);
    wal.fill_until(left);
    wal.add_filler(8192);
    const auto first = found_in(wal);
    const std::vector<DatabaseCopy> moved{{at, source, source, here}};
    CHECK(first.copies == moved);
    const auto second = found_in(wal, 2, first.copies);
    CHECK((first.changed || second.changed));
    CHECK((first.changed ? first : second).changed == moved.front());
    CHECK_FALSE((first.changed && second.changed));
    CHECK_FALSE(found_in(wal, 1, {}, change).changed);
    CHECK_FALSE(found_in(wal, 2, moved, change).changed);
}
