#include "replay/wal_fetch.hpp"

#include "pgbackrest/error_meaning.hpp"
#include "replay/guard.hpp"
#include "system/log.hpp"
#include "system/process_facts.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <exception>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <variant>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

constexpr std::chrono::hours longest_archive_get(1);
/// What archive-get waits for its asynchronous process (archive-timeout in archive_get_words).
constexpr std::chrono::seconds patience_with_spool(10);
constexpr unsigned most_in_vain = 2;

/// Not in the archive.
bool is_absent(const process::Outcome& outcome) {
    const auto* exited = std::get_if<process::Exited>(&outcome);
    return exited != nullptr && exited->code == 1;
}

/// What has come of a segment so far.
std::uintmax_t bytes_begun(const fs::path& incoming, const std::string& segment) {
    std::error_code error;
    const auto bytes = fs::file_size(incoming / (segment + ".pgbackrest.tmp"), error);
    return error ? 0 : bytes;
}

}  // namespace

bool has_size_of_segment(const fs::path& file, postgres::SegmentSize size) {
    std::error_code error;
    const auto bytes = fs::file_size(file, error);
    return !error && bytes == size.bytes;
}

bool is_whole_in_spool(const fs::path& incoming, const std::string& segment, postgres::SegmentSize size) {
    std::error_code error;
    return has_size_of_segment(incoming / segment, size) && !fs::exists(incoming / (segment + ".ok"), error) &&
           !fs::exists(incoming / (segment + ".error"), error);
}

std::size_t segments_in_spool(const fs::path& incoming) {
    std::error_code error;
    std::size_t count = 0;
    for (auto entry = fs::directory_iterator(incoming, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
        count += postgres::is_segment_name(entry->path().filename().string()) ? 1 : 0;
    }
    return count;
}

bool is_half_full(std::size_t segments, postgres::SegmentSize size, std::uint64_t queue) {
    return segments * size.bytes > queue / 2;
}

bool has_rest_of_timeline(const fs::path& incoming, const std::string& first, const SegmentAfter& after) {
    constexpr std::size_t timeline = 8;  // digits
    const auto is_on_it = [&](const std::optional<std::string>& segment) {
        return segment && segment->compare(0, timeline, first, 0, timeline) == 0;
    };
    std::error_code error;
    auto segment = std::optional(first);
    while (is_on_it(segment) && fs::exists(incoming / *segment, error)) {
        segment = after(*segment);
    }
    return !is_on_it(segment);
}

bool is_missing_in_archive(const fs::path& incoming, const std::string& segment) {
    std::error_code error;
    return fs::exists(incoming / (segment + ".ok"), error) && !fs::exists(incoming / segment, error);
}

bool is_fetching_into(const std::vector<std::string>& arguments, const fs::path& spool) {
    const auto has = [&](const std::string& argument) {
        return std::find(arguments.begin(), arguments.end(), argument) != arguments.end();
    };
    return has("archive-get:async") && has("--spool-path=" + spool.string());
}

WalFetch::WalFetch(Options options) : options_(std::move(options)) {
    for (const char* name : {"delivered", "taken"}) {
        std::error_code error;
        fs::create_directories(options_.spool / name, error);
        if (error && has_spool()) {
            do_without_spool(fmt::format("cannot make {}: {}", (options_.spool / name).string(), error.message()));
        }
    }
}

WalFetch::~WalFetch() {
    try {
        running_.reset();
        end_asynchronous();
    } catch (const std::exception& error) {
        log::debug("what fetches ahead is not ended: {}", error.what());
    }
}

void WalFetch::begin(const std::string& first) {
    if (has_spool()) {
        start(first, delivered(first), Way::ahead);
    }
}

std::optional<WalFetch::Result> WalFetch::fetch(const std::string& wanted, const fs::path& destination,
                                                bool past_spool) {
    watches_spool_ = false;
    if (!past_spool && !is_to_be_awaited(wanted) && take_from_spool(wanted)) {
        give_up();  // it would wait for what is not there any more
        return Result{process::Exited{0}, {}, taken(wanted)};
    }
    if (!forget_what_is_not(wanted, past_spool)) {
        return std::nullopt;
    }
    if (running_) {
        if (running_->process->has_ended()) {
            return result_of_running(destination);
        }
        running_->way = running_->way == Way::ahead ? Way::asynchronous : running_->way;
        watches_spool_ = running_->is_asynchronous;
        return std::nullopt;
    }
    if (past_spool || !has_spool() || !postgres::is_segment_name(wanted)) {
        start(wanted, destination, Way::past_spool);
    } else if (is_missing_in_archive(options_.incoming, wanted)) {
        start(wanted, destination, Way::second_try);
    } else if (!is_on_its_way(wanted)) {
        start(wanted, delivered(wanted), Way::asynchronous);
        watches_spool_ = true;
    } else if (Clock::now() - awaited_since_ < patience_with_spool) {
        watches_spool_ = true;
    } else {
        ask_without_spool(wanted, destination, "nothing more of it has come");
    }
    return std::nullopt;
}

void WalFetch::fetch_ahead(const std::string& next, const SegmentAfter& after) {
    watches_spool_ = false;
    if (running_ && running_->is_given_up && running_->process->has_ended()) {
        running_.reset();
    }
    if (!running_ && has_spool() && spool_works_ && !is_asynchronous_alive() && !is_filled(next, after)) {
        start(next, delivered(next), Way::ahead);
    }
}

bool WalFetch::is_filled(const std::string& next, const SegmentAfter& after) const {
    return is_half_full(segments_in_spool(options_.incoming), options_.size, options_.queue) ||
           has_rest_of_timeline(options_.incoming, next, after);
}

void WalFetch::start(const std::string& wanted, const fs::path& file, Way way) {
    const bool asynchronous = way == Way::asynchronous || way == Way::ahead;
    auto command = asynchronous ? options_.archive_get : synchronous(options_.archive_get);
    command.arguments.insert(command.arguments.end(), {wanted, file.string()});
    const bool finds_it = asynchronous && is_whole_in_spool(options_.incoming, wanted, options_.size);
    auto archive_get =
        std::make_unique<process::Capturing>(command, longest_archive_get, process::Capturing::Limits::standstill);
    running_ = Running{wanted, file, way, asynchronous, finds_it, std::move(archive_get)};
    is_asynchronous_known_ = is_asynchronous_known_ && !asynchronous;
}

/// Before 2.59 asynchronous processes can get in each other's way: the one that holds the lock does not fetch the
/// segment, the one that would dies of the lock, and archive-get waits for it in vain (archive-timeout, 82). And a
/// spool may be at fault that cannot be written to.
void WalFetch::ask_without_spool(const std::string& wanted, const fs::path& destination, const std::string& why) {
    log::info("{} was not delivered asynchronously ({}): fetched without that", wanted, why);
    awaited_.clear();
    start(wanted, destination, Way::second_try);
}

/// Where it finds the segment it ends at once, and has started another asynchronous process by then: that is what it is
/// for. And no two may write to PostgreSQL's file.
bool WalFetch::is_to_be_awaited(const std::string& wanted) const {
    return running_ &&
           (!running_->is_asynchronous || (!running_->is_given_up && running_->finds_it && running_->wanted == wanted));
}

/// Its process group only: the asynchronous process is a session of its own, and goes on.
void WalFetch::give_up() {
    if (running_ && !running_->is_given_up) {
        running_->is_given_up = true;
        running_->process->signal(SIGTERM);
    }
}

/// False while an archive-get that does something else has not ended yet.
bool WalFetch::forget_what_is_not(const std::string& wanted, bool past_spool) {
    if (!running_) {
        return true;
    }
    const bool is_it =
        !running_->is_given_up && running_->wanted == wanted && !(past_spool && running_->is_asynchronous);
    if (is_it) {
        return true;
    }
    if (!running_->process->has_ended()) {
        give_up();
        return false;
    }
    if (running_->is_asynchronous) {
        std::error_code ignored;
        // What it has taken out of the spool goes back, even where it was ended behind that: the asynchronous process
        // would be waited for, and does not bring it again. Not what was no good.
        const bool was_no_good = past_spool && running_->wanted == wanted;
        if (has_spool() && !was_no_good && has_size_of_segment(running_->file, options_.size)) {
            fs::rename(running_->file, options_.incoming / running_->wanted, ignored);
        }
        fs::remove(running_->file, ignored);
    }
    running_.reset();
    return true;
}

std::optional<WalFetch::Result> WalFetch::result_of_running(const fs::path& destination) {
    const auto ended = std::exchange(running_, std::nullopt);
    const auto& captured = ended->process->result();
    if (process::succeeded(captured.outcome)) {
        in_vain_ = ended->way == Way::second_try ? in_vain_ + 1 : 0;
        if (in_vain_ >= most_in_vain) {
            do_without_spool("the archive has what did not come through the spool");
        }
        return Result{captured.outcome, captured.errors, ended->file};
    }
    if (ended->way == Way::ahead) {
        start(ended->wanted, delivered(ended->wanted), Way::asynchronous);  // nobody had asked yet
        watches_spool_ = true;
        return std::nullopt;
    }
    if (ended->is_asynchronous && is_absent(captured.outcome)) {
        // Nobody is told which repository could not list its segments (archiveFileMissing in archive/get/get.c).
        start(ended->wanted, destination, Way::second_try);
        return std::nullopt;
    }
    if (ended->is_asynchronous) {
        ask_without_spool(ended->wanted, destination, pgbackrest::what_happened(captured.outcome));
        return std::nullopt;
    }
    return Result{captured.outcome, pgbackrest::errors_of(captured), ended->file};
}

bool WalFetch::take_from_spool(const std::string& wanted) {
    if (!has_spool() || !postgres::is_segment_name(wanted) ||
        !is_whole_in_spool(options_.incoming, wanted, options_.size)) {
        return false;
    }
    std::error_code error;
    fs::rename(options_.incoming / wanted, taken(wanted), error);
    if (error && error != std::errc::no_such_file_or_directory) {
        do_without_spool(
            fmt::format("cannot take {} from {}: {}", wanted, options_.incoming.string(), error.message()));
    }
    if (!error) {
        spool_works_ = true;
        in_vain_ = 0;
        awaited_.clear();
    }
    return !error;
}

/// An asynchronous process that lives was told to bring it, and has said nothing of it yet.
bool WalFetch::is_on_its_way(const std::string& wanted) {
    std::error_code error;
    if (!is_asynchronous_alive() || fs::exists(options_.incoming / (wanted + ".ok"), error) ||
        fs::exists(options_.incoming / (wanted + ".error"), error)) {
        return false;
    }
    const auto& brings = asynchronous_->arguments;
    if (std::find(brings.begin(), brings.end(), wanted) == brings.end()) {
        return false;
    }
    const auto bytes = bytes_begun(options_.incoming, wanted);
    if (awaited_ != wanted || awaited_bytes_ != bytes) {
        awaited_ = wanted;
        awaited_bytes_ = bytes;
        awaited_since_ = Clock::now();
    }
    return true;
}

/// It has lost its parent by then, and is a child of ours (adopt_orphans).
bool WalFetch::is_asynchronous_alive() {
    if (!is_asynchronous_known_ && !running_) {
        is_asynchronous_known_ = true;
        for (const auto& process : system::process_table()) {
            auto arguments = process.parent == ::getpid() && !process.is_zombie() ? system::arguments_of(process.pid)
                                                                                  : std::vector<std::string>();
            if (is_fetching_into(arguments, options_.spool)) {
                asynchronous_ = Asynchronous{process.pid, process.start_time, std::move(arguments)};
            }
        }
    }
    if (asynchronous_ && !system::may_be_running(asynchronous_->pid, asynchronous_->start_time)) {
        asynchronous_.reset();
    }
    return asynchronous_.has_value();
}

fs::path WalFetch::delivered(const std::string& wanted) const {
    return options_.spool / "delivered" / wanted;
}

fs::path WalFetch::taken(const std::string& wanted) const {
    return options_.spool / "taken" / wanted;
}

void WalFetch::do_without_spool(const std::string& why) {
    log::warning("WAL is fetched segment by segment from now on, without archive-async: {}", why);
    options_.incoming.clear();
    end_asynchronous();  // what it brings is not looked at any more
}

void WalFetch::end_asynchronous() {
    if (is_asynchronous_alive()) {
        ::kill(asynchronous_->pid, SIGTERM);
    }
}

}  // namespace patroni_pgbackrest
