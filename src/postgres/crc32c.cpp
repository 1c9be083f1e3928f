#include "postgres/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace patroni_pgbackrest::postgres {

namespace {

// Eight bytes at a time, by tables: table n holds the sum of a byte that n zeros follow. One byte at a time would be
// the greater part of what reading a segment costs.
using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr CrcTables make_crc_tables() {
    constexpr std::uint32_t polynomial = 0x82F63B78;  // bits in reverse
    CrcTables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t sum = byte;
        for (int bit = 0; bit < 8; ++bit) {
            sum = (sum >> 1) ^ ((sum & 1) != 0 ? polynomial : 0);
        }
        tables[0][byte] = sum;
    }
    for (std::size_t table = 1; table < tables.size(); ++table) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t sum = tables[table - 1][byte];
            tables[table][byte] = (sum >> 8) ^ tables[0][sum & 0xFF];
        }
    }
    return tables;
}

constexpr CrcTables crc_tables = make_crc_tables();

#ifdef __x86_64__
/// SSE 4.2 has this very sum as an instruction.
[[gnu::target("sse4.2")]] std::uint32_t by_instruction(std::string_view bytes, std::uint32_t before) {
    std::uint64_t wide = ~before;
    while (bytes.size() >= 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, bytes.data(), sizeof eight);
        wide = __builtin_ia32_crc32di(wide, eight);
        bytes.remove_prefix(8);
    }
    auto sum = static_cast<std::uint32_t>(wide);
    for (const char byte : bytes) {
        sum = __builtin_ia32_crc32qi(sum, static_cast<unsigned char>(byte));
    }
    return ~sum;
}
#endif

}  // namespace

std::uint32_t crc32c_by_tables(std::string_view bytes, std::uint32_t before) {
    std::uint32_t sum = ~before;
    while (bytes.size() >= 8) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, bytes.data(), sizeof eight);
        eight ^= sum;
        sum = crc_tables[7][eight & 0xFF] ^ crc_tables[6][eight >> 8 & 0xFF] ^ crc_tables[5][eight >> 16 & 0xFF] ^
              crc_tables[4][eight >> 24 & 0xFF] ^ crc_tables[3][eight >> 32 & 0xFF] ^
              crc_tables[2][eight >> 40 & 0xFF] ^ crc_tables[1][eight >> 48 & 0xFF] ^ crc_tables[0][eight >> 56];
        bytes.remove_prefix(8);
    }
    for (const char byte : bytes) {
        sum = (sum >> 8) ^ crc_tables[0][(sum ^ static_cast<unsigned char>(byte)) & 0xFF];
    }
    return ~sum;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
#ifdef __x86_64__
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction) {
        return by_instruction(bytes, before);
    }
#endif
    return crc32c_by_tables(bytes, before);
}

}  // namespace patroni_pgbackrest::postgres
