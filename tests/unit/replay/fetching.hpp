#pragma once

#include "replay/wal_fetch.hpp"
#include "support/archives.hpp"
#include "system/interruption.hpp"
#include "system/text.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace patroni_pgbackrest {

using Strings = std::vector<std::string>;

/// A spool, and a script in place of pgBackRest whose words are `what`: $WANTED and $FILE are what it is asked for, and
/// $SYNC is set when it is to do without the spool.
struct Fetching {
    static constexpr postgres::SegmentSize size{1U << 20};

    explicit Fetching(const std::string& what = "exit 1") { does(what); }

    void does(const std::string& what) const {
        files.write("pgbackrest",
                    "#!/bin/sh\n"
                    "SYNC=\n"
                    "for word; do [ \"$word\" != --no-archive-async ] || SYNC=1; WANTED=$FILE; FILE=$word; done\n"
                    "echo \"${SYNC:-0} $WANTED\" >>" +
                        calls_file() + "\n" + what + "\n");
        std::filesystem::permissions(files.path("pgbackrest"), std::filesystem::perms::owner_all);
    }

    WalFetch::Options options() const {
        std::filesystem::create_directories(incoming());
        WalFetch::Options options;
        options.archive_get = {files.path("pgbackrest").string(),
                               {"--archive-async", "--spool-path=" + spool().string(), "archive-get"}};
        options.spool = spool();
        options.incoming = incoming();
        options.size = size;
        return options;
    }

    std::filesystem::path spool() const { return files.path("spool"); }
    std::filesystem::path incoming() const { return spool() / "archive" / "demo" / "in"; }
    std::filesystem::path delivered(const std::string& wanted) const { return spool() / "delivered" / wanted; }
    std::filesystem::path taken(const std::string& wanted) const { return spool() / "taken" / wanted; }

    /// As the asynchronous process leaves it.
    void spooled(const std::string& name, char filled_with = 'x', std::size_t bytes = size.bytes) const {
        files.write("spool/archive/demo/in/" + name, std::string(bytes, filled_with));
    }
    /// Words of the script that deliver a whole file.
    static std::string delivering(char filled_with = 'y') {
        return "head -c 1048576 /dev/zero | tr '\\0' " + std::string(1, filled_with) + " >\"$FILE\"";
    }

    /// `1 NAME` for each call that does without the spool, `0 NAME` for others.
    Strings calls() const {
        return std::filesystem::exists(calls_file()) ? system::lines(files.read("calls")) : Strings();
    }

    Files files;

  private:
    std::string calls_file() const { return files.path("calls").string(); }
};

/// Runs the event loop until it is true, 10 s at most.
inline bool within_10_s(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        interruption::run_one_event(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace patroni_pgbackrest
