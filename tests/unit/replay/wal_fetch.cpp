#include "replay/wal_fetch.hpp"

#include "fetching.hpp"
#include "support/catch.hpp"

#include <memory>

using namespace patroni_pgbackrest;

namespace {

namespace fs = std::filesystem;

const std::string second = "000000010000000000000002", third = "000000010000000000000003";

/// A plan to segment 4, which is of another timeline.
std::optional<std::string> two_more(const std::string& segment) {
    return segment == second  ? std::optional(third)
           : segment == third ? std::optional<std::string>("000000020000000000000004")
                              : std::nullopt;
}

struct Fetched : Fetching {
    explicit Fetched(const std::string& what = "exit 1") : Fetching(what) {}

    fs::path destination() const { return files.path("RECOVERYXLOG"); }
    /// What comes of a question.
    WalFetch::Result asked(const std::string& wanted, bool past_spool = false) {
        std::optional<WalFetch::Result> result;
        CHECK(within_10_s([&] { return (result = fetch.fetch(wanted, destination(), past_spool)).has_value(); }));
        return result.value_or(WalFetch::Result{process::Stalled{}, {}, {}});
    }
    bool delivers(const std::string& wanted) { return process::succeeded(asked(wanted).outcome); }
    /// What looks like an asynchronous process that was told to bring a segment.
    process::Command bringing(const std::string& segment) const {
        return {
            "sh",
            {"-c", "while :; do sleep 0.1; done", "--spool-path=" + spool().string(), "archive-get:async", segment}};
    }

    WalFetch fetch{options()};
};

}  // namespace

TEST_CASE("a segment in the spool is whole when it has its size and nothing lies beside it") {
    const Fetching fetching;
    CHECK_FALSE(is_whole_in_spool(fetching.incoming(), second, Fetching::size));
    fetching.spooled(second + ".pgbackrest.tmp");
    CHECK_FALSE(is_whole_in_spool(fetching.incoming(), second, Fetching::size));
    fetching.spooled(second);
    CHECK(is_whole_in_spool(fetching.incoming(), second, Fetching::size));
    CHECK_FALSE(is_whole_in_spool(fetching.incoming(), second, postgres::SegmentSize{}));
    fetching.spooled(second + ".ok", 'x', 10);
    CHECK_FALSE(is_whole_in_spool(fetching.incoming(), second, Fetching::size));
    fs::remove(fetching.incoming() / (second + ".ok"));
    fetching.spooled(second + ".error", 'x', 10);
    CHECK_FALSE(is_whole_in_spool(fetching.incoming(), second, Fetching::size));
    CHECK(segments_in_spool(fetching.incoming()) == 1);
    CHECK(segments_in_spool("/nonexistent") == 0);
}

TEST_CASE("the asynchronous process of a spool is known by its command line") {
    const Strings words{"pgbackrest", "--spool-path=/w/spool", "--stanza=demo", "archive-get:async", second, third};
    CHECK(is_fetching_into(words, "/w/spool"));
    CHECK_FALSE(is_fetching_into(words, "/w"));
    CHECK_FALSE(is_fetching_into({"pgbackrest", "--spool-path=/w/spool", "archive-get", second, "x"}, "/w/spool"));
    CHECK_FALSE(is_fetching_into({}, "/w/spool"));
}

TEST_CASE("what lies in the spool is taken without pgBackRest") {
    Fetched fetching;
    fetching.spooled(second);
    const auto result = fetching.fetch.fetch(second, fetching.destination(), false);
    REQUIRE(result);
    CHECK(process::succeeded(result->outcome));
    CHECK(result->file == fetching.taken(second));
    CHECK(fs::file_size(result->file) == Fetching::size.bytes);
    CHECK_FALSE(fs::exists(fetching.incoming() / second));
    CHECK(fetching.calls().empty());
}

TEST_CASE("what does not lie there is asked of archive-get, which may fetch it ahead") {
    Fetched fetching(Fetching::delivering());
    const auto result = fetching.asked(second);
    CHECK(process::succeeded(result.outcome));
    CHECK(result.file == fetching.delivered(second));
    CHECK(fetching.calls() == Strings{"0 " + second});
}

TEST_CASE("a history is fetched to its place") {
    Fetched fetching("echo 1 >\"$FILE\"");
    const auto result = fetching.asked("00000002.history");
    CHECK(process::succeeded(result.outcome));
    CHECK(result.file == fetching.destination());
    CHECK(fetching.calls() == Strings{"1 00000002.history"});
}

TEST_CASE("past the spool nothing is taken that lies there") {
    Fetched fetching(Fetching::delivering());
    fetching.spooled(second);
    const auto result = fetching.asked(second, true);
    CHECK(result.file == fetching.destination());
    CHECK(fs::exists(fetching.incoming() / second));
    CHECK(fetching.calls() == Strings{"1 " + second});
}

TEST_CASE("with a warning beside it archive-get is asked for the segment") {
    Fetched fetching(Fetching::delivering());
    fetching.spooled(second);
    fetching.spooled(second + ".ok", 'x', 10);
    CHECK(fetching.delivers(second));
    CHECK(fetching.calls() == Strings{"0 " + second});
}

TEST_CASE("what archive-get says of a file is the result") {
    Fetched fetching("echo 'ERROR: [041]: not to be opened' >&2; exit 41");
    const auto result = fetching.asked(second);
    REQUIRE(std::holds_alternative<process::Exited>(result.outcome));
    CHECK(std::get<process::Exited>(result.outcome).code == 41);
    CHECK(result.errors.find("[041]: not to be opened") != std::string::npos);
    CHECK(fetching.calls() == Strings{"0 " + second, "1 " + second});  // the spool could be at fault
}

TEST_CASE("what archive-get does not find is not there") {
    Fetched fetching("exit 1");
    const auto result = fetching.asked(second);
    REQUIRE(std::holds_alternative<process::Exited>(result.outcome));
    CHECK(std::get<process::Exited>(result.outcome).code == 1);
    CHECK(fetching.calls() == Strings{"0 " + second, "1 " + second});
}

TEST_CASE("why a segment was not found is told by an archive-get without the spool") {
    Fetched fetching("[ -z \"$SYNC\" ] || echo 'WARN: repo2: [HostConnectError] timeout' >&2; exit 1");
    const auto result = fetching.asked(second);
    REQUIRE(std::holds_alternative<process::Exited>(result.outcome));
    CHECK(std::get<process::Exited>(result.outcome).code == 1);
    CHECK(result.errors.find("repo2: [HostConnectError]") != std::string::npos);
}

TEST_CASE("a pgbackrest that is not there is told as such") {
    Fetched fetching;
    fs::remove(fetching.files.path("pgbackrest"));
    CHECK(std::holds_alternative<process::NotStarted>(fetching.asked(second).outcome));
}

TEST_CASE(
    "a segment for which archive-get waits in vain is fetched without the spool, and so are all after the second") {
    Fetched fetching("[ -n \"$SYNC\" ] || exit 82\n" + Fetching::delivering());
    CHECK(fetching.asked(second).file == fetching.destination());
    CHECK(fetching.calls() == Strings{"0 " + second, "1 " + second});
    CHECK(fetching.delivers(second));
    CHECK(fetching.delivers(third));
    CHECK(fetching.calls().back() == "1 " + third);
    CHECK(fetching.calls().size() == 5);
}

TEST_CASE("what comes into the spool meanwhile is taken before archive-get has seen it") {
    Fetched fetching("exec sleep 100");
    CHECK_FALSE(fetching.fetch.fetch(second, fetching.destination(), false));
    CHECK(fetching.fetch.is_to_be_looked_at());
    CHECK(within_10_s([&] { return !fetching.calls().empty(); }));
    fetching.spooled(second);
    CHECK(fetching.fetch.fetch(second, fetching.destination(), false));
    // That one is ended, and does not stand in the way of the next.
    fetching.does(Fetching::delivering());
    CHECK(fetching.delivers(third));
    CHECK(fetching.calls() == Strings{"0 " + second, "0 " + third});
}

TEST_CASE("an archive-get that is given up does not write to what was taken meanwhile") {
    Fetched fetching("trap ': >\"$FILE\"; exit 63' TERM; echo begun >\"$FILE\"; while :; do sleep 0.01; done");
    CHECK_FALSE(fetching.fetch.fetch(second, fetching.destination(), false));
    CHECK(within_10_s([&] { return fs::exists(fetching.delivered(second)); }));
    fetching.spooled(second);
    const auto result = fetching.fetch.fetch(second, fetching.destination(), false);
    REQUIRE(result);
    CHECK(within_10_s([&] { return fs::file_size(fetching.delivered(second)) == 0; }));
    CHECK(fs::file_size(result->file) == Fetching::size.bytes);
}

TEST_CASE("what an asynchronous process brings is waited for without an archive-get") {
    Fetched fetching(Fetching::delivering());
    CHECK(fetching.delivers(second));
    const process::Child bringing(fetching.bringing(third), {}, {});
    CHECK_FALSE(fetching.fetch.fetch(third, fetching.destination(), false));
    CHECK(fetching.fetch.is_to_be_looked_at());
    fetching.spooled(third + ".pgbackrest.tmp");
    CHECK_FALSE(fetching.fetch.fetch(third, fetching.destination(), false));
    fetching.spooled(third);
    const auto result = fetching.fetch.fetch(third, fetching.destination(), false);
    REQUIRE(result);
    CHECK(result->file == fetching.taken(third));
    CHECK(fetching.calls() == Strings{"0 " + second});
}

TEST_CASE("what it could not bring is asked of archive-get, and so is what it was not told to bring") {
    Fetched fetching(Fetching::delivering());
    CHECK(fetching.delivers(second));
    const process::Child bringing(fetching.bringing(third), {}, {});
    fetching.spooled(third + ".error", 'x', 10);
    CHECK(fetching.delivers(third));
    CHECK(fetching.delivers(second));
    CHECK(fetching.calls() == Strings{"0 " + second, "0 " + third, "0 " + second});
}

TEST_CASE("an asynchronous process whose spool is done without is ended") {
    Fetched fetching("[ -n \"$SYNC\" ] || exit 82\n" + Fetching::delivering());
    CHECK(fetching.delivers(second));
    process::Child bringing(fetching.bringing(third), {}, {});
    CHECK(fetching.delivers(second));
    CHECK(within_10_s([&] { return bringing.outcome().has_value(); }));
}

TEST_CASE("an asynchronous process ends with the server that it fetches for") {
    Fetched fetching(Fetching::delivering());
    auto fetch = std::make_unique<WalFetch>(fetching.options());
    fetch->begin(second);
    process::Child bringing(fetching.bringing(third), {}, {});
    fetch.reset();
    CHECK(within_10_s([&] { return bringing.outcome().has_value(); }));
}

TEST_CASE("an archive-get for something else is ended when PostgreSQL asks") {
    Fetched fetching("[ $WANTED = " + third + " ] || exec sleep 100\n" + Fetching::delivering());
    CHECK_FALSE(fetching.fetch.fetch(second, fetching.destination(), false));
    CHECK(within_10_s([&] { return !fetching.calls().empty(); }));
    CHECK(fetching.delivers(third));
}

TEST_CASE("the first segment is on its way before anybody asks") {
    Fetched fetching(Fetching::delivering());
    fetching.fetch.begin(second);
    CHECK(within_10_s([&] { return !fetching.calls().empty(); }));
    CHECK(fetching.asked(second).file == fetching.delivered(second));
    CHECK(fetching.calls() == Strings{"0 " + second});
}

TEST_CASE("who begins with another file than was thought gets that one") {
    Fetched fetching("[ $WANTED = " + third + " ] || exec sleep 100\n" + Fetching::delivering());
    fetching.fetch.begin(second);
    CHECK(within_10_s([&] { return !fetching.calls().empty(); }));
    CHECK(fetching.delivers(third));
}

TEST_CASE("the first segment is not fetched again when a history is asked for before it") {
    Fetched fetching("[ -z \"$SYNC\" ] || exit 1\n" + Fetching::delivering());
    fetching.fetch.begin(second);
    CHECK(within_10_s([&] {
        std::error_code error;
        return fs::file_size(fetching.delivered(second), error) == Fetching::size.bytes;
    }));
    for (int i = 0; i < 20; ++i) {
        interruption::run_one_event(std::chrono::milliseconds(20));  // until it was reaped
    }
    CHECK_FALSE(fetching.delivers("00000002.history"));
    const process::Child bringing(fetching.bringing(second), {}, {});  // and is done with that one
    CHECK(fetching.asked(second).file == fetching.taken(second));
    CHECK(fetching.calls() == Strings{"0 " + second, "1 00000002.history"});
}

TEST_CASE("what an archive-get has taken before it was ended goes back into the spool") {
    Fetched fetching("[ $WANTED = " + second + " ] || exit 1\n" + Fetching::delivering() + "\nexec sleep 100");
    CHECK_FALSE(fetching.fetch.fetch(second, fetching.destination(), false));
    CHECK(within_10_s([&] {
        std::error_code error;
        return fs::file_size(fetching.delivered(second), error) == Fetching::size.bytes;
    }));
    CHECK_FALSE(fetching.delivers("00000002.history"));
    CHECK(fetching.asked(second).file == fetching.taken(second));
    CHECK(fetching.calls() == Strings{"0 " + second, "1 00000002.history"});
}

TEST_CASE("what an asynchronous process has looked for in vain is asked for without another one") {
    Fetched fetching;
    fetching.spooled(second + ".ok", 'x', 0);
    CHECK_FALSE(fetching.delivers(second));
    CHECK(fetching.calls() == Strings{"1 " + second});
}

TEST_CASE("nothing is fetched ahead before a spool has worked, nor while it is full enough") {
    Fetched fetching;
    fetching.fetch.fetch_ahead(second, two_more);
    CHECK(fetching.calls().empty());
    fetching.spooled(second);
    fetching.spooled(third);
    CHECK(fetching.delivers(second));
    fetching.fetch.fetch_ahead(third, two_more);  // the queue of the test is no bytes long
    interruption::run_one_event(std::chrono::milliseconds(100));
    CHECK(fetching.calls().empty());
}

TEST_CASE("nothing is fetched ahead when all that is planned on a timeline is there") {
    Fetched fetching;
    for (const auto& segment : {second, third}) {
        fetching.spooled(segment);
    }
    auto options = fetching.options();
    options.queue = 64 * Fetching::size.bytes;
    WalFetch fetch(options);
    CHECK(fetch.fetch(second, fetching.destination(), false));
    fetch.fetch_ahead(third, two_more);
    interruption::run_one_event(std::chrono::milliseconds(100));
    CHECK(fetching.calls().empty());
    fs::remove(fetching.incoming() / third);
    fetch.fetch_ahead(third, two_more);
    CHECK(within_10_s([&] { return fetching.calls() == Strings{"0 " + third}; }));
}

TEST_CASE("what was fetched ahead is there when it is asked for") {
    Fetched fetching(Fetching::delivering());
    fetching.spooled(second);
    CHECK(fetching.delivers(second));
    fetching.fetch.fetch_ahead(third, two_more);
    CHECK(fetching.asked(third).file == fetching.delivered(third));
    CHECK(fetching.calls() == Strings{"0 " + third});
}

TEST_CASE("an error before anybody has asked is no answer") {
    Fetched fetching("[ $(wc -l <" + std::string("\"${0%/*}/calls\"") + ") = 2 ] || exit 41\n" +
                     Fetching::delivering());
    fetching.spooled(second);
    CHECK(fetching.delivers(second));
    fetching.fetch.fetch_ahead(third, two_more);
    CHECK(within_10_s([&] { return !fetching.calls().empty(); }));
    for (int i = 0; i < 20; ++i) {
        interruption::run_one_event(std::chrono::milliseconds(20));  // until it was reaped
    }
    CHECK(fetching.delivers(third));
    CHECK(fetching.calls() == Strings{"0 " + third, "0 " + third});
}

TEST_CASE("a spool from which nothing can be taken is done without") {
    Fetched fetching(Fetching::delivering());
    fetching.spooled(second);
    fs::remove_all(fetching.spool() / "taken");
    fetching.files.write("spool/taken", "");
    const auto result = fetching.asked(second);
    CHECK(process::succeeded(result.outcome));
    CHECK(result.file == fetching.destination());
    CHECK(fetching.calls() == Strings{"1 " + second});
}
