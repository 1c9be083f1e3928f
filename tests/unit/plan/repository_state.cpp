#include "plan/repository_state.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"
#include "unit/pgbackrest/fake.hpp"

#include <cstdint>

using namespace patroni_pgbackrest;
using postgres::Lsn;

namespace {

const std::string first_segment = "000000010000000500000000";
const std::string first_file = first_segment + "-" + std::string(40, 'a');

/// The first page's header of a segment of PostgreSQL 15 (XLogLongPageHeaderData).
std::string header(std::uint32_t segment_bytes) {
    const auto raw = [](const auto& number) {
        return std::string(reinterpret_cast<const char*>(&number), sizeof number);
    };
    constexpr std::uint16_t magic = 0xD110, long_header = 2;
    constexpr std::uint32_t timeline = 1, nothing = 0, page_size = 8192;
    constexpr std::uint64_t address = 5ULL << 32, identifier = 7710953412442782829ULL;
    return raw(magic) + raw(long_header) + raw(timeline) + raw(address) + raw(nothing) + raw(nothing) +
           raw(identifier) + raw(segment_bytes) + raw(page_size);
}

/// An archive whose only backup set begins at 5/28.
struct AtFourGibibytes {
    Fake fake;
    pgbackrest::Stanza stanza = one_timeline().stanza;
    Request request = request_for();

    AtFourGibibytes() {
        stanza.backups.pop_back();
        auto& only_one = stanza.backups.front();
        only_one.archive_start = only_one.archive_stop = first_segment;
        only_one.lsn_start = Lsn::parse("5/28");
        only_one.lsn_stop = Lsn::parse("5/100");
        stanza.archives = {{"15-1", 1, 1, {}}};
        write("", "0000000100000005", "path");
        write("_0000000100000005", first_file, "file");
        fake.write("info", R"([{"backup":[{"label":")" + only_one.label + R"("}]}])");
        request.target = latest;
        request.pgbackrest = fake.pgbackrest();
        request.retry = {0, std::chrono::seconds(0)};
    }

    void write_segment(const std::string& content) const {
        fake.write("archive_demo_15-1_0000000100000005_" + first_file, content);
    }

    std::uint64_t megabytes() const {
        const SettledCluster settled{
            {"7710953412442782829", "15", true, stanza.databases, stanza.archives, stanza.backups}, {}};
        return read_repository(request, stanza, settled).stanza.segment_size.bytes >> 20;
    }

  private:
    void write(const std::string& directory, const std::string& name, const std::string& type) const {
        fake.write("archive_demo_15-1" + directory, R"json({".":{"type":"path"},")json" + name +
                                                        R"json(":{"type":")json" + type +
                                                        R"json(","time":1795346249}})json");
    }
};

}  // namespace

TEST_CASE("a segment size that the backup leaves open is read from its first segment") {
    AtFourGibibytes given;
    for (const std::uint32_t megabytes : {1U, 16U, 64U, 1024U}) {
        CAPTURE(megabytes);
        given.write_segment(header(megabytes << 20));
        CHECK(given.megabytes() == megabytes);
    }
}

TEST_CASE("where the first segment does not tell its size, it is that of the other backups") {
    AtFourGibibytes given;
    given.write_segment("no page of WAL");
    CHECK(given.megabytes() == 16);
    given.stanza.segment_size = {64ULL << 20};
    CHECK(given.megabytes() == 64);
    given.write_segment(header(48U << 20));  // no size
    CHECK(given.megabytes() == 64);
}

TEST_CASE("no segment is read where the backup tells the size itself") {
    AtFourGibibytes given;
    given.stanza.backups.front().archive_stop = "000000010000000500000002";
    given.stanza.backups.front().lsn_stop = Lsn::parse("5/8000100");
    CHECK(given.megabytes() == 64);
    for (const auto& call : given.fake.calls()) {
        CHECK(call.find(first_segment) == std::string::npos);
    }
}

TEST_CASE("a repository without the stanza leaves the end of the archive unknown, as one out of reach does") {
    pgbackrest::Stanza stanza;
    stanza.name = "demo";
    auto request = asking_for(latest);
    const auto refusal = [&](int code) {
        stanza.repositories = {{1, 0, "ok", "none"}, {2, code, "why", "none"}};
        return problems_of(ExitCode::repository_unreachable, [&] { require_whole_archive(request, stanza); });
    };
    const std::string hint = "mount it, or correct its path, if WAL was archived into it; else name the repository "
                             "that is to be restored from with repo";
    for (const int code : {1, 3}) {
        CHECK(refusal(code) ==
              Problems{{"repository 2 does not have stanza demo, so the end of the archive is not known: why", hint}});
    }
    CHECK(refusal(99) == Problems{{"repository 2 of stanza demo is out of reach, so the end of the archive is not "
                                   "known: why",
                                   "bring it back, or name the repository that is to be restored from with repo"}});
    CHECK(refusal(0).empty());
    CHECK(refusal(2).empty());  // no backup yet: its archive was read
    request.repository = 1;
    CHECK(refusal(1).empty());
    request.repository.reset();
    request.target = {Immediate{}};  // at whose end the history of the next timeline is asked for
    CHECK(refusal(1).size() == 1);
    CHECK(refusal(99).size() == 1);
}
