#include "postgres/file_effects.hpp"

#include "support/catch.hpp"
#include "wal_builder.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

constexpr SegmentSize one_megabyte{1ULL << 20};

void create(WalBuilder& wal, const std::string& path) {
    wal.add(5, 0x00, 748, raw(16390U) + path + std::string(1, '\0'));
}

void go_on_in_the_next(WalBuilder& wal) {
    wal.fill_until(1000);
    wal.add_filler(2000);
}

std::vector<std::string> made_in(const WalBuilder& wal, std::uint64_t number, std::string_view before = {}) {
    return file_effects(before, {{Timeline{1}, number}, wal.segments.at(number)}, one_megabyte).tablespaces;
}

}  // namespace

TEST_CASE("a tablespace that a record makes is found, wherever the record lies") {
    const std::string path = "/srv/late/" + std::string(GENERATE(1U, 300U), 'x');
    for (std::uint64_t left = 16; left < 800; left += 8) {
        INFO(left);
        WalBuilder wal(1);
        wal.add_filler(100);
        wal.fill_until(left);
        create(wal, path);
        wal.add_filler(5000);
        const auto first = made_in(wal, 1), second = made_in(wal, 2, wal.segments.at(1));
        CHECK(first.size() + second.size() == 1);
        CHECK((first.empty() ? second : first).front() == path);
    }
}

TEST_CASE("what makes none is none") {
    WalBuilder wal(1);
    create(wal, "");                                             // below pg_tblspc itself
    wal.add(5, 0x10, 748, raw(16390U));                          // a drop
    wal.add(10, 0x00, 748, std::string("\0\5\0\0\0\5\0\0", 8));  // looks like it
    go_on_in_the_next(wal);
    CHECK(made_in(wal, 1).empty());
    CHECK(file_effects({}, {{Timeline{1}, 1}, std::string_view()}, one_megabyte).tablespaces.empty());
    CHECK(file_effects({}, {{Timeline{1}, 1}, std::string(1 << 20, '\5')}, one_megabyte).tablespaces.empty());
}

TEST_CASE("the segment before may be of another branch, or be lost") {
    WalBuilder wal(1);
    go_on_in_the_next(wal);
    create(wal, "/srv/late");
    CHECK(made_in(wal, 2) == std::vector<std::string>{"/srv/late"});
    CHECK(made_in(wal, 2, std::string(1 << 20, '\7')) == std::vector<std::string>{"/srv/late"});
    CHECK(made_in(wal, 2, wal.segments.at(1)) == std::vector<std::string>{"/srv/late"});
}

TEST_CASE("what is made behind the end of the replay is not made") {
    WalBuilder wal(1);
    create(wal, "/srv/before");
    const auto last = wal.add_filler(100);
    create(wal, "/srv/behind");
    go_on_in_the_next(wal);
    create(wal, "/srv/ahead");
    const auto ends = [&](const WalRecord& record, const WalEvent&) {
        return record.start >= last ? EndOfReplay::behind_it : EndOfReplay::none;
    };
    const SegmentFile first{{Timeline{1}, 1}, wal.segments.at(1)}, second{{Timeline{1}, 2}, wal.segments.at(2)};
    CHECK(file_effects({}, first, one_megabyte, ends).tablespaces == std::vector<std::string>{"/srv/before"});
    CHECK(file_effects(wal.segments.at(1), second, one_megabyte, ends).tablespaces.empty());
    CHECK(file_effects(wal.segments.at(1), second, one_megabyte).tablespaces == std::vector<std::string>{"/srv/ahead"});
}

TEST_CASE("what must not be replayed twice is found where it begins") {
    const auto only_once = [](const WalBuilder& wal) {
        return file_effects({}, {{Timeline{1}, 1}, wal.segments.at(1)}, one_megabyte).only_once;
    };
    WalBuilder wal(1);
    wal.add_filler(100);
    create(wal, "/srv/late");
    wal.add(4, 0x10, 748, std::string(32, '\0'));  // a database that is copied through the WAL, or dropped before 15
    wal.add(4, 0x20, 748, std::string(32, '\0'));  // dropped
    CHECK_FALSE(only_once(wal));
    const auto copied = wal.add(4, 0x00, 748, std::string(16, '\0'));
    wal.add_filler(5000);
    CHECK(only_once(wal) == copied);
    const auto dropped = wal.add(5, 0x10, 748, raw(16390U));
    wal.add_filler(5000);
    CHECK(only_once(wal) == dropped);
}

TEST_CASE("WAL of wal_level minimal is found, wherever the record lies, with the place before it") {
    const auto change_to = [](WalBuilder& wal, int level) {
        return wal.add(0, 0x60, 0, raw(100) + raw(8) + raw(0) + raw(0) + raw(64) + raw(level) + std::string(4, '\0'));
    };
    const auto found_in = [](const WalBuilder& wal, std::uint64_t number, std::string_view before,
                             const EndsReplay& ends = {}) {
        return file_effects(before, {{Timeline{1}, number}, wal.segments.at(number)}, one_megabyte, ends)
            .before_minimal;
    };
    const std::uint64_t pages = GENERATE(0U, 3U, 127U);
    for (std::uint64_t left = 8; left < 200; left += 8) {
        INFO(pages << " pages and " << left << " bytes");
        WalBuilder wal(1);
        change_to(wal, 1);
        wal.fill_until(pages * 8192 + left);
        const auto before = wal.add_filler(32);
        const auto changed = change_to(wal, 0);
        change_to(wal, 0);
        wal.fill_until(8);
        wal.add_filler(5000);
        const auto first = found_in(wal, 1, {}), second = found_in(wal, 2, wal.segments.at(1));
        CHECK((first ? first : second) == before);
        const auto is_found = [&](Lsn at, EndOfReplay end) {
            const auto ends = [&](const WalRecord& record, const WalEvent&) {
                return record.start >= at ? end : EndOfReplay::none;
            };
            return found_in(wal, 1, {}, ends) || found_in(wal, 2, wal.segments.at(1), ends);
        };
        CHECK_FALSE(is_found(before, EndOfReplay::behind_it));
        CHECK_FALSE(is_found(changed, EndOfReplay::before_it));
        CHECK(is_found(changed, EndOfReplay::behind_it));
    }
    WalBuilder raised(1);
    change_to(raised, 2);
    go_on_in_the_next(raised);
    CHECK_FALSE(found_in(raised, 1, {}));
}
