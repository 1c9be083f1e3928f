#include "pgbackrest/decompress.hpp"

#include "system/failure.hpp"

#include <algorithm>
#include <bzlib.h>
#include <fmt/format.h>
#include <lz4frame.h>
#include <memory>
#include <zlib.h>
#include <zstd.h>

namespace patroni_pgbackrest::pgbackrest {

namespace {

constexpr std::size_t piece = 1U << 20;

[[noreturn]] void throw_damaged(const std::string& name, const std::string& why) {
    throw Failure(ExitCode::pgbackrest_failed, fmt::format("{} is damaged in the repository: {}", name, why),
                  "bring the file back from a copy of the repository, or restore to a point before it")
        .lasting();
}

/// Makes room for the next piece of the output.
char* room_behind(std::string& output, std::size_t used, std::size_t most, const std::string& name) {
    if (used > most) {
        throw_damaged(name, fmt::format("it is longer than {} bytes", most));
    }
    output.resize(used + piece);
    return output.data() + used;
}

std::string gunzip(const std::string& bytes, const std::string& name, std::size_t most) {
    constexpr int gzip_format = 16 + MAX_WBITS;
    z_stream stream{};
    if (inflateInit2(&stream, gzip_format) != Z_OK) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    std::string output;
    int result = Z_OK;
    while (result != Z_STREAM_END) {
        const auto used = stream.total_out;
        stream.next_out = reinterpret_cast<Bytef*>(room_behind(output, used, most, name));
        stream.avail_out = piece;
        result = inflate(&stream, Z_NO_FLUSH);
        if ((result != Z_OK && result != Z_STREAM_END) || (result == Z_OK && stream.total_out == used)) {
            throw_damaged(name, "its gzip stream is broken or cut short");
        }
    }
    output.resize(stream.total_out);
    return output;
}

std::string bunzip(const std::string& bytes, const std::string& name, std::size_t most) {
    bz_stream stream{};
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<bz_stream, int (*)(bz_stream*)> end(&stream, BZ2_bzDecompressEnd);
    stream.next_in = const_cast<char*>(bytes.data());
    stream.avail_in = static_cast<unsigned>(bytes.size());
    std::string output;
    std::size_t used = 0;
    int result = BZ_OK;
    while (result != BZ_STREAM_END) {
        stream.next_out = room_behind(output, used, most, name);
        stream.avail_out = piece;
        result = BZ2_bzDecompress(&stream);
        const auto made = piece - stream.avail_out;
        if ((result != BZ_OK && result != BZ_STREAM_END) || (result == BZ_OK && made == 0)) {
            throw_damaged(name, "its bzip2 stream is broken or cut short");
        }
        used += made;
    }
    output.resize(used);
    return output;
}

std::string unlz4(const std::string& bytes, const std::string& name, std::size_t most) {
    LZ4F_dctx* context = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> end(context, LZ4F_freeDecompressionContext);
    std::string output;
    std::size_t used = 0;
    std::size_t taken = 0;
    std::size_t wanted = 1;  // 0 at the end of the frame
    while (wanted != 0) {
        auto* const to = room_behind(output, used, most, name);
        std::size_t made = piece;
        std::size_t read = bytes.size() - taken;
        wanted = LZ4F_decompress(context, to, &made, bytes.data() + taken, &read, nullptr);
        if (LZ4F_isError(wanted) != 0 || (wanted != 0 && made == 0 && read == 0)) {
            throw_damaged(name, "its lz4 frame is broken or cut short");
        }
        used += made;
        taken += read;
    }
    output.resize(used);
    return output;
}

std::string unzstd(const std::string& bytes, const std::string& name, std::size_t most) {
    const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
    if (!stream) {
        throw std::bad_alloc();
    }
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    std::string output;
    std::size_t used = 0;
    std::size_t wanted = 1;  // 0 at the end of the frame
    while (wanted != 0) {
        ZSTD_outBuffer to{room_behind(output, used, most, name), piece, 0};
        const auto read = input.pos;
        wanted = ZSTD_decompressStream(stream.get(), &to, &input);
        if (ZSTD_isError(wanted) != 0 || (wanted != 0 && to.pos == 0 && input.pos == read)) {
            throw_damaged(name, "its zstd frame is broken or cut short");
        }
        used += to.pos;
    }
    output.resize(used);
    return output;
}

}  // namespace

std::string decompress(std::string bytes, const std::string& name, std::size_t most) {
    auto content = name.ends_with(".gz")    ? gunzip(bytes, name, most)
                   : name.ends_with(".bz2") ? bunzip(bytes, name, most)
                   : name.ends_with(".lz4") ? unlz4(bytes, name, most)
                   : name.ends_with(".zst") ? unzstd(bytes, name, most)
                                            : std::move(bytes);
    if (content.size() > most) {
        throw_damaged(name, fmt::format("it is longer than {} bytes", most));
    }
    return content;
}

std::string decompress_by_hand(std::string_view name) {
    return name.ends_with(".gz")    ? "gunzip"
           : name.ends_with(".bz2") ? "bunzip2"
           : name.ends_with(".lz4") ? "lz4 -dc"
           : name.ends_with(".zst") ? "zstd -dc"
                                    : "";
}

}  // namespace patroni_pgbackrest::pgbackrest
