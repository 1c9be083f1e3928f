#include "fake_repository.hpp"

#include <cstdint>

namespace {

constexpr const char* info =
    R"json([{"archive":[{"database":{"id":1,"repo-key":1},"id":"15-1","max":"000000010000000000000003","min":"000000010000000000000002"}],
"backup":[{"archive":{"start":"000000010000000000000002","stop":"000000010000000000000002"},"backrest":{"format":5,"version":"2.45"},
"database":{"id":1,"repo-key":1},"error":false,"info":{"delta":23213814,"repository":{"delta":3075913,"size":3075913},"size":23213814},
"label":"20261122-080000F","lsn":{"start":"0/2000028","stop":"0/2000100"},"prior":null,"reference":null,
"timestamp":{"start":1795334100,"stop":1795334400},"type":"full"}],
"cipher":"none","db":[{"id":1,"repo-key":1,"system-id":7710953412442782829,"version":"15"}],"name":"demo",
"repo":[{"cipher":"none","key":1,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"lock":{"backup":{"held":false}},"message":"ok"}}]
)json";
constexpr const char* archive = R"json({"0000000100000000":{"type":"path"}})json";
constexpr const char* segments =
    R"json({"000000010000000000000002-25846c51366d46035ad434d0252006e8137fb775":{"size":1,"time":1795334400,"type":"file"},
"000000010000000000000003-25846c51366d46035ad434d0252006e8137fb775":{"size":1,"time":1795334400,"type":"file"}})json";

template <typename Number>
std::string raw(Number number) {
    return std::string(reinterpret_cast<const char*>(&number), sizeof number);
}

/// A segment of that cluster into which nothing was written: one page with a long header (XLogLongPageHeaderData, 15).
std::string empty_segment(std::uint64_t address) {
    constexpr std::size_t page_size = 8192;
    auto page = raw(std::uint16_t{0xD110}) + raw(std::uint16_t{2}) + raw(std::uint32_t{1}) + raw(address) +
                raw(std::uint32_t{0}) + raw(std::uint32_t{0}) + raw(std::uint64_t{7710953412442782829}) +
                raw(std::uint32_t{16U << 20}) + raw(std::uint32_t{page_size});
    page.resize(page_size);
    return page;
}

}  // namespace

FakeRepository::FakeRepository() {
    directory.write("repository/info", info);
    directory.write("repository/archive_demo_15-1", archive);
    directory.write("repository/archive_demo_15-1_0000000100000000", segments);
    directory.write("repository/archive_demo_15-1_0000000100000000_000000010000000000000003-"
                    "25846c51366d46035ad434d0252006e8137fb775",
                    empty_segment(0x3000000));
    for (const std::string name : {"postgres", "pg_controldata"}) {
        const auto program = directory.write("bin/" + name, "#!/bin/sh\necho 'postgres (PostgreSQL) 15.0'\n");
        std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    }
    directory.write("patroni.yml", "bootstrap:\n"
                                   "  method: pgbackrest\n"
                                   "  pgbackrest:\n"
                                   "    command: patroni_pgbackrest bootstrap\n"
                                   "postgresql:\n"
                                   "  bin_dir: " +
                                       directory.path("bin").string() +
                                       "\n"
                                       "  authentication:\n"
                                       "    superuser: {username: postgres, password: mellon}\n"
                                       "    replication: {username: replicator}\n");
}

Words FakeRepository::bootstrap(const Words& more) const {
    Words words{"bootstrap",
                "--scope=demo",
                "--datadir=" + data(),
                "--stanza=demo",
                "--pgbackrest=" SUPPORT "/fake-pgbackrest",
                "--patroni-config=" + directory.path("patroni.yml").string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

Program::How FakeRepository::how(const Variables& more) const {
    Program::How how;
    how.directory = directory.path();
    how.environment = {{"FAKE_OUTPUTS", directory.path("repository").string()},
                       {"FAKE_CALLS", directory.path("calls").string()},
                       {"FAKE_COUNTER", directory.path("counter").string()},
                       // Where it may write behind its wall.
                       {"PGBACKREST_LOG_PATH", directory.path().string()}};
    how.environment.insert(more.begin(), more.end());
    return how;
}
