#include "pgbackrest/decompress.hpp"

#include "support/catch.hpp"
#include "system/failure.hpp"

#include <bzlib.h>
#include <fmt/format.h>
#include <lz4frame.h>
#include <map>
#include <zlib.h>
#include <zstd.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::pgbackrest;

namespace {

constexpr std::size_t most = 16U << 20;

/// Three megabytes that compress, but not to nothing.
std::string original() {
    std::string text;
    for (int number = 0; text.size() < 3U << 20; ++number) {
        text += fmt::format("{} {};", number, number * 7919);
    }
    return text;
}

/// The same text with each compression, by the ending that pgBackRest gives it.
std::map<std::string, std::string> compressed(const std::string& text) {
    std::map<std::string, std::string> all;
    std::string room(most, '\0');

    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    all[".gz"] = room.substr(0, stream.total_out);
    deflateEnd(&stream);

    auto length = static_cast<unsigned>(room.size());
    REQUIRE(BZ2_bzBuffToBuffCompress(room.data(), &length, const_cast<char*>(text.data()),
                                     static_cast<unsigned>(text.size()), 1, 0, 0) == BZ_OK);
    all[".bz2"] = room.substr(0, length);
    all[".lz4"] = room.substr(0, LZ4F_compressFrame(room.data(), room.size(), text.data(), text.size(), nullptr));
    all[".zst"] = room.substr(0, ZSTD_compress(room.data(), room.size(), text.data(), text.size(), 1));
    return all;
}

std::string refusal(const std::string& bytes, const std::string& name, std::size_t limit = most) {
    try {
        decompress(bytes, name, limit);
    } catch (const Failure& failure) {
        CHECK(failure.code() == ExitCode::pgbackrest_failed);
        CHECK(failure.is_lasting());
        return failure.what();
    }
    return {};
}

}  // namespace

TEST_CASE("what has no ending of a compression is left as it is") {
    CHECK(decompress("x", "archive/demo/15-1/0000000100000000/000000010000000000000001-0123", most) == "x");
    CHECK(refusal("xyz", "a", 2) == "a is damaged in the repository: it is longer than 2 bytes");
}

TEST_CASE("each of pgBackRest's compressions is read") {
    const auto text = original();
    for (const auto& [ending, bytes] : compressed(text)) {
        INFO(ending);
        CHECK(bytes.size() < text.size());
        CHECK(decompress(bytes, "a" + ending, most) == text);
        CHECK(decompress(bytes, "a" + ending, text.size()) == text);
    }
}

TEST_CASE("of a file whose beginning is kept all is looked at") {
    const auto text = original();
    auto files = compressed(text);
    files[""] = text;
    for (const auto& [ending, bytes] : files) {
        INFO(ending);
        const auto name = "a" + ending;
        for (const std::size_t kept : {std::size_t{0}, std::size_t{100}, std::size_t{1} << 20, text.size(), most}) {
            CHECK(decompress(bytes, name, most, kept) == text.substr(0, kept));
        }
        CHECK_THROWS_WITH(decompress(bytes, name, 1U << 20, 100),
                          name + " is damaged in the repository: it is longer than 1048576 bytes");
        if (!ending.empty()) {
            CHECK_THROWS_AS(decompress(bytes.substr(0, bytes.size() - 1), name, most, 100), Failure);
        }
    }
}

TEST_CASE("a compressed file that is cut, empty, something else or too long is damaged") {
    for (const auto& [ending, bytes] : compressed(original())) {
        INFO(ending);
        const auto name = "a" + ending;
        const auto begins = name + " is damaged in the repository: its ";
        CHECK(refusal(bytes.substr(0, bytes.size() / 2), name).find(begins) == 0);
        CHECK(refusal(bytes.substr(0, bytes.size() - 1), name).find(begins) == 0);
        CHECK(refusal("", name).find(begins) == 0);
        CHECK(refusal(std::string(100, '\0'), name).find(begins) == 0);
        CHECK(refusal(bytes, name, 1U << 20) ==
              name + " is damaged in the repository: it is longer than 1048576 bytes");
    }
}
