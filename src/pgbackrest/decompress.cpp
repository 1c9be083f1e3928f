#include "pgbackrest/decompress.hpp"

#include "system/failure.hpp"

#include <algorithm>
#include <bzlib.h>
#include <fmt/format.h>
#include <lz4frame.h>
#include <memory>
#include <utility>
#include <zlib.h>
#include <zstd.h>

namespace patroni_pgbackrest::pgbackrest {

namespace {

[[noreturn]] void throw_damaged(const std::string& name, const std::string& why) {
    throw Failure(ExitCode::pgbackrest_failed, fmt::format("{} is damaged in the repository: {}", name, why),
                  "bring the file back from a copy of the repository, or restore to a point before it")
        .lasting();
}

[[noreturn]] void throw_too_long(const std::string& name, std::size_t most) {
    throw_damaged(name, fmt::format("it is longer than {} bytes", most));
}

/// Takes the content, a piece at a time.
class Output {
  public:
    static constexpr std::size_t piece = 1U << 18;

    Output(const std::string& name, std::size_t most, std::size_t kept)
        : name_(name), most_(most), kept_(std::min(most, kept)) {
        content_.reserve(kept_ + piece);  // growing would take twice the room
    }

    /// For the next piece. Those behind what is kept take each other's place.
    char* room() {
        require_length();
        const auto used = std::min(length_, kept_);
        content_.resize(used + piece);
        return content_.data() + used;
    }
    void took(std::size_t bytes) { length_ += bytes; }
    std::string content() {
        require_length();
        content_.resize(std::min(length_, kept_));
        return std::move(content_);
    }

  private:
    void require_length() const {
        if (length_ > most_) {
            throw_too_long(name_, most_);
        }
    }

    const std::string& name_;
    std::size_t most_, kept_;
    std::string content_;
    std::size_t length_ = 0;
};

void gunzip(const std::string& bytes, const std::string& name, Output& output) {
    constexpr int gzip_format = 16 + MAX_WBITS;
    z_stream stream{};
    if (inflateInit2(&stream, gzip_format) != Z_OK) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    int result = Z_OK;
    while (result != Z_STREAM_END) {
        stream.next_out = reinterpret_cast<Bytef*>(output.room());
        stream.avail_out = Output::piece;
        result = inflate(&stream, Z_NO_FLUSH);
        const auto made = Output::piece - stream.avail_out;
        if ((result != Z_OK && result != Z_STREAM_END) || (result == Z_OK && made == 0)) {
            throw_damaged(name, "its gzip stream is broken or cut short");
        }
        output.took(made);
    }
}

void bunzip(const std::string& bytes, const std::string& name, Output& output) {
    bz_stream stream{};
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<bz_stream, int (*)(bz_stream*)> end(&stream, BZ2_bzDecompressEnd);
    stream.next_in = const_cast<char*>(bytes.data());
    stream.avail_in = static_cast<unsigned>(bytes.size());
    int result = BZ_OK;
    while (result != BZ_STREAM_END) {
        stream.next_out = output.room();
        stream.avail_out = Output::piece;
        result = BZ2_bzDecompress(&stream);
        const auto made = Output::piece - stream.avail_out;
        if ((result != BZ_OK && result != BZ_STREAM_END) || (result == BZ_OK && made == 0)) {
            throw_damaged(name, "its bzip2 stream is broken or cut short");
        }
        output.took(made);
    }
}

void unlz4(const std::string& bytes, const std::string& name, Output& output) {
    LZ4F_dctx* context = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> end(context, LZ4F_freeDecompressionContext);
    std::size_t taken = 0;
    std::size_t wanted = 1;  // 0 at the end of the frame
    while (wanted != 0) {
        auto* const to = output.room();
        std::size_t made = Output::piece;
        std::size_t read = bytes.size() - taken;
        wanted = LZ4F_decompress(context, to, &made, bytes.data() + taken, &read, nullptr);
        if (LZ4F_isError(wanted) != 0 || (wanted != 0 && made == 0 && read == 0)) {
            throw_damaged(name, "its lz4 frame is broken or cut short");
        }
        output.took(made);
        taken += read;
    }
}

void unzstd(const std::string& bytes, const std::string& name, Output& output) {
    const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(), ZSTD_freeDStream);
    if (!stream) {
        throw std::bad_alloc();
    }
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    std::size_t wanted = 1;  // 0 at the end of the frame
    while (wanted != 0) {
        ZSTD_outBuffer to{output.room(), Output::piece, 0};
        const auto read = input.pos;
        wanted = ZSTD_decompressStream(stream.get(), &to, &input);
        if (ZSTD_isError(wanted) != 0 || (wanted != 0 && to.pos == 0 && input.pos == read)) {
            throw_damaged(name, "its zstd frame is broken or cut short");
        }
        output.took(to.pos);
    }
}

}  // namespace

std::string decompress(std::string bytes, const std::string& name, std::size_t most, std::size_t kept) {
    const auto unpack = name.ends_with(".gz")    ? gunzip
                        : name.ends_with(".bz2") ? bunzip
                        : name.ends_with(".lz4") ? unlz4
                        : name.ends_with(".zst") ? unzstd
                                                 : nullptr;
    if (unpack != nullptr) {
        Output output(name, most, kept);
        unpack(bytes, name, output);
        return output.content();
    }
    if (bytes.size() > most) {
        throw_too_long(name, most);
    }
    bytes.resize(std::min(bytes.size(), kept));
    return bytes;
}

std::string decompress(std::string bytes, const std::string& name, std::size_t most) {
    return decompress(std::move(bytes), name, most, most);
}

std::string decompress_by_hand(std::string_view name) {
    return name.ends_with(".gz")    ? "gunzip"
           : name.ends_with(".bz2") ? "bunzip2"
           : name.ends_with(".lz4") ? "lz4 -dc"
           : name.ends_with(".zst") ? "zstd -dc"
                                    : "";
}

}  // namespace patroni_pgbackrest::pgbackrest
