#include "postgres/server_log.hpp"

#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

namespace patroni_pgbackrest::postgres {

namespace {

constexpr std::size_t most_last_words = 20;

bool begins_with(std::string_view text, std::string_view beginning) {
    return text.substr(0, beginning.size()) == beginning;
}

template <std::size_t Count>
bool begins_with_one_of(std::string_view text, const std::array<std::string_view, Count>& beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](std::string_view beginning) { return begins_with(text, beginning); });
}

/// What follows `beginning`, up to a blank.
std::optional<std::string_view> word_after(std::string_view text, std::string_view beginning) {
    if (!begins_with(text, beginning)) {
        return {};
    }
    text.remove_prefix(beginning.size());
    return text.substr(0, text.find(' '));
}

/// `LOG:  text` → both; the words of elog.c, which lc_messages = C leaves untranslated.
std::optional<std::pair<std::string_view, std::string_view>> message_of(std::string_view line) {
    constexpr std::string_view separator = ":  ";
    const auto colon = line.find(separator);
    if (colon == 0 || colon == std::string_view::npos) {
        return {};
    }
    const auto severity = line.substr(0, colon);
    if (severity.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ12345") != std::string_view::npos) {
        return {};
    }
    return std::pair{severity, line.substr(colon + separator.size())};
}

bool is_part_of_a_message(std::string_view severity) {
    constexpr std::array<std::string_view, 7> parts = {"DETAIL", "HINT",     "CONTEXT",  "STATEMENT",
                                                       "QUERY",  "LOCATION", "BACKTRACE"};
    return std::find(parts.begin(), parts.end(), severity) != parts.end();
}

bool is_error(std::string_view severity) {
    return severity == "ERROR" || severity == "FATAL" || severity == "PANIC";
}

/// Messages of every replay, or of every segment. The caller reports the progress in fewer words.
bool is_routine(std::string_view text) {
    constexpr std::array<std::string_view, 11> routine = {
        "the database system is ",
        "restored log file ",
        "starting PostgreSQL ",
        "listening on ",
        "recovery restart point at ",
        "redo in progress, elapsed time: ",  // every 10 s from 15 on
        "archive_mode enabled, yet archiving is not configured",
        "checkpoint ",
        "restartpoint ",
        "background worker ",
        "terminating connection due to administrator command",
    };
    return begins_with_one_of(text, routine);
}

log::Level level_of(std::string_view severity, std::string_view text) {
    if (begins_with(severity, "DEBUG") || is_routine(text)) {
        return log::Level::debug;
    }
    if (is_error(severity)) {
        return log::Level::error;
    }
    return severity == "WARNING" ? log::Level::warning : log::Level::info;
}

/// With these, xlogreader.c and xlogrecovery.c (xlog.c until 14) end a replay, at level LOG. 16 and later say `WAL
/// segment` for `log segment`, and `expected at least` for `wanted`.
bool ends_the_replay(std::string_view text) {
    constexpr std::array<std::string_view, 25> beginnings = {
        "invalid record length at ",
        "invalid record offset at ",
        "invalid magic number ",
        "invalid info bits ",
        "invalid resource manager ID ",
        "invalid contrecord length ",
        "invalid block_id ",
        "incorrect resource manager data checksum in record at ",
        "record with incorrect prev-link ",
        "record with invalid length at ",
        "record length ",
        "contrecord is requested by ",
        "there is no contrecord flag at ",
        "missing contrecord at ",
        "unexpected pageaddr ",
        "unexpected timeline ID ",
        "out-of-sequence timeline ID ",
        "out-of-order block_id ",
        "BKPBLOCK_",
        "BKPIMAGE_",
        "neither BKPIMAGE_",
        "WAL file is from different database system",
        "out of memory while trying to decode a record",
        "could not read from log segment ",
        "could not read from WAL segment ",
    };
    return begins_with_one_of(text, beginnings);
}

/// Where a record is damaged: the segment that the message names, or else the segment of its last WAL location.
std::optional<std::uint64_t> segment_number_in(std::string_view text, SegmentSize size) {
    std::optional<std::uint64_t> number;
    for (auto word : system::split(text, ' ')) {
        word.erase(std::find_if(word.begin(), word.end(), [](char c) { return c == ':' || c == ','; }), word.end());
        if (const auto segment = Segment::parse(word, size)) {
            return segment->number;
        }
        if (const auto lsn = Lsn::parse(word)) {
            number = lsn->value / size.bytes;
        }
    }
    return number;
}

struct OwnLine {
    log::Level level;
    std::string_view text;
};

/// A line that this program wrote itself, as restore_command: `2026-11-22 07:28:41,902 INFO: text`.
std::optional<OwnLine> own_line(std::string_view line) {
    constexpr std::string_view shape = "0000-00-00 00:00:00,000 ";
    if (line.size() < shape.size()) {
        return {};
    }
    for (std::size_t at = 0; at < shape.size(); ++at) {
        const bool digit = line[at] >= '0' && line[at] <= '9';
        if (shape[at] == '0' ? !digit : line[at] != shape[at]) {
            return {};
        }
    }
    const auto rest = line.substr(shape.size());
    const auto colon = rest.find(": ");
    if (colon == std::string_view::npos) {
        return {};
    }
    const auto level = log::parse_level(system::lower(rest.substr(0, colon)));
    if (!level) {
        return {};
    }
    return OwnLine{*level, rest.substr(colon + 2)};
}

}  // namespace

ServerLog::~ServerLog() {
    write_own_error();
}

void ServerLog::take(std::string_view line) {
    if (own_error_ && begins_with(line, "  ")) {
        *own_error_ += fmt::format("\n{}", system::trim(line));
        remember(std::string(line), false);
        return;
    }
    write_own_error();
    if (begins_with(line, server_log_prefix)) {
        if (const auto message = message_of(line.substr(server_log_prefix.size()))) {
            take_message(message->first, message->second);
            return;
        }
    }
    // PostgreSQL indents the further lines of a message with a tab (elog.c).
    if (in_message_ && begins_with(line, "\t")) {
        log::write(level_, fmt::format("{}{}", server_log_prefix, line));
        remember(std::string(line), in_error_);
        return;
    }
    pass_on_foreign(line);
}

void ServerLog::take_message(std::string_view severity, std::string_view text) {
    in_message_ = true;
    if (!is_part_of_a_message(severity)) {
        level_ = level_of(severity, text);
        in_error_ = level_ == log::Level::error;
        if (severity == "LOG") {
            take_recovery_message(text);
        }
    }
    auto line = fmt::format("{}:  {}", severity, text);
    log::write(level_, fmt::format("{}{}", server_log_prefix, line));
    remember(std::move(line), in_error_);
}

void ServerLog::take_recovery_message(std::string_view text) {
    if (const auto name = word_after(text, "restored log file ")) {
        const auto file = name->substr(name->size() < 2 ? 0 : 1, name->size() < 2 ? 0 : name->size() - 2);
        // After the replay, PostgreSQL fetches the segment with the last record once more; it may be an older one.
        if (is_segment_name(file) && !recovery_.redo_end) {
            recovery_.last_restored = std::string(file);
            ++recovery_.restored;
        }
    } else if (const auto start = word_after(text, "redo starts at ")) {
        recovery_.redo_start = Lsn::parse(*start);
        recovery_.redo_end.reset();
    } else if (const auto end = word_after(text, "redo done at ")) {
        recovery_.redo_end = Lsn::parse(*end);
    } else if (const std::string_view time = "last completed transaction was at log time "; begins_with(text, time)) {
        recovery_.last_transaction_time = std::string(text.substr(time.size()));
    } else if (begins_with(text, "recovery stopping ")) {
        recovery_.stop = std::string(text);
    } else if (const auto timeline = word_after(text, "selected new timeline ID: ")) {
        if (const auto number = system::number(*timeline)) {
            recovery_.new_timeline = Timeline{static_cast<std::uint32_t>(*number)};
        }
    } else if (begins_with(text, "consistent recovery state reached")) {
        recovery_.consistent = true;
    } else if (is_damage(text)) {
        recovery_.invalid_record = std::string(text);
    }
}

/// The same messages also end an undamaged replay whose next segment is in pg_wal, recycled or half written (seen on
/// 15: `unexpected pageaddr` and `invalid magic number` at its offset 0). Files from the archive are complete, so the
/// messages mean damage exactly if they name a place in such a file.
bool ServerLog::is_damage(std::string_view text) const {
    if (!ends_the_replay(text) || !recovery_.last_restored || recovery_.redo_end) {
        return false;
    }
    const auto place = segment_number_in(text, segment_size_);
    const auto last = Segment::parse(*recovery_.last_restored, segment_size_);
    return !place || !last || *place <= last->number;
}

void ServerLog::pass_on_foreign(std::string_view line) {
    in_message_ = false;
    if (system::trim(line).empty()) {
        return;
    }
    if (const auto own = own_line(line)) {
        if (own->level == log::Level::error) {
            own_error_ = std::string(own->text);
        } else {
            log::write(own->level, own->text);
        }
    } else {
        log::write(log::Level::info, line);
    }
    remember(std::string(line), false);
}

/// With the hint that belongs to it: nothing may come between.
void ServerLog::write_own_error() {
    if (own_error_) {
        log::write(log::Level::error, *own_error_);
        own_error_.reset();
    }
}

void ServerLog::remember(std::string line, bool is_error) {
    auto& words = recovery_.last_words;
    if (is_error && !had_error_) {
        words.clear();
    }
    had_error_ = had_error_ || is_error;
    if (had_error_ && !is_error) {
        return;
    }
    words.push_back(std::move(line));
    if (words.size() > most_last_words) {
        words.erase(words.begin());
    }
}

}  // namespace patroni_pgbackrest::postgres
