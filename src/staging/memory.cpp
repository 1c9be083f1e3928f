#include "staging/memory.hpp"

#include "pgbackrest/configuration_files.hpp"
#include "postgres/binaries.hpp"
#include "staging/journal.hpp"
#include "staging/named_state.hpp"
#include "staging/rejected_directory.hpp"
#include "system/file.hpp"
#include "system/log.hpp"
#include "system/text.hpp"
#include "system/whole_number.hpp"

#include <algorithm>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

namespace patroni_pgbackrest {

using nlohmann::json;
using system::whole_number;

namespace {

constexpr std::uint64_t memory_version = 1;  // of the file
constexpr std::chrono::seconds first_pause{10};
constexpr std::chrono::seconds longest_pause{300};

std::size_t fingerprint(const std::optional<patroni::Configuration>& patroni) {
    return patroni ? patroni->fingerprint : 0;
}

/// Of what pgBackRest would read now: its variables and its files, wherever they are.
std::size_t fingerprint(const pgbackrest::Pgbackrest& pgbackrest) {
    const auto text_of = [](const pgbackrest::ConfigurationLine& line) {
        return fmt::format("{}\n{}\n{}\n", line.section, line.key, line.value);
    };
    std::set<std::string> variables;
    for (const auto& variable : pgbackrest::environment_options()) {
        if (!variable.key.ends_with("s3-token")) {  // of one session: another one at each start
            variables.insert(text_of(variable));
        }
    }
    auto text = system::join({variables.begin(), variables.end()}, "");
    try {
        for (const auto& line : pgbackrest::read_configuration(pgbackrest)) {
            text += text_of(line);
        }
    } catch (const Failure& failure) {
        text += failure.what();
    }
    return std::hash<std::string>{}(text);
}

/// The plan's own new timeline may be in the archive meanwhile, so the one that was followed is looked at.
bool is_same_archive(const Plan& plan, const Journal& journal) {
    const auto& goal = *journal.goal;
    const auto last = plan.archive_end.last_segments.find(goal.timeline);
    const auto name = plan.timeline() == goal.timeline || last == plan.archive_end.last_segments.end()
                          ? plan.last_segment()
                          : last->second.name;
    return plan.backup.label == journal.backup_set && name == goal.last_segment;
}

}  // namespace

bool is_interruption(ExitCode code) {
    return code == ExitCode::terminated || code == ExitCode::interrupted || code == ExitCode::hangup;
}

void EarlierFailure::save(const std::filesystem::path& file) const {
    const json content{{"version", memory_version},
                       {"request", request},
                       {"exit_code", exit_code},
                       {"message", message},
                       {"hint", hint},
                       {"lasts", lasts},
                       {"facts", facts},
                       {"in_a_row", in_a_row},
                       {"at", at},
                       {"words", words}};
    system::replace_file(file, content.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

std::optional<EarlierFailure> EarlierFailure::read(const std::filesystem::path& file) {
    try {
        const auto content = system::read_file_if_present(file);
        if (!content) {
            return std::nullopt;
        }
        const auto read = json::parse(*content);
        if (const auto written = whole_number(read, "version", memory_version); written > memory_version) {
            log::warning("{}: it counts for nothing",
                         system::newer_file(file.string(), "version", written, memory_version));
            return std::nullopt;
        }
        return EarlierFailure{read.at("request"),
                              whole_number<int>(read.at("exit_code")),
                              read.at("message"),
                              read.at("hint"),
                              read.at("lasts"),
                              read.at("facts"),
                              whole_number<unsigned>(read.at("in_a_row")),
                              whole_number<std::uint32_t>(read.at("at")),
                              read.value("words", "")};
    } catch (const json::exception& error) {
        log::warning("{} is damaged and counts for nothing: {}", file.string(), error.what());
        return std::nullopt;
    }
}

std::string circumstances_of(const Request& request) {
    return fmt::format("patroni.yml {}, pgBackRest's configuration {}, program {}",
                       request.patroni ? request.patroni->fingerprint_in_force : 0, fingerprint(request.pgbackrest),
                       PATRONI_PGBACKREST_VERSION);
}

std::string facts_of(const Request& request, const Plan& plan) {
    auto facts = fmt::format("backup set {} of repository {}, timeline {}, {} WAL segments from {} to {}, {}",
                             plan.backup.label, plan.backup.repository, plan.timeline().text(), plan.wal.segments,
                             plan.wal.first(), plan.wal.last(), circumstances_of(request));
    for (const auto& setting : request.replay_settings) {
        facts += fmt::format(", replay-setting {}={}", setting.name, setting.value);
    }
    return facts;
}

std::optional<Failure> repeated(const EarlierFailure& earlier, const std::string& facts,
                                const std::filesystem::path& file) {
    if (!earlier.lasts || earlier.facts != facts) {
        return std::nullopt;
    }
    const auto at = fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(static_cast<std::time_t>(earlier.at)));
    return Failure(
               static_cast<ExitCode>(earlier.exit_code),
               fmt::format("the same restore failed at {} UTC, and nothing has changed since: {}", at, earlier.message),
               fmt::format("remove {} to try it again, when this is done: {}", file.string(), earlier.hint))
        .lasting();
}

void remember_rejection(const Layout& layout, const Problem& problem,
                        const std::optional<patroni::Configuration>& patroni) {
    auto journal = Journal::read(layout.journal());
    if (journal && journal->phase == Phase::handed_over) {
        journal->rejected = Rejection{problem.message, problem.hint, fingerprint(patroni), std::time(nullptr)};
        journal->save(layout.journal());  // first: what follows reads a directory, and may fail
        note_rejected_directory(*journal, layout.data_directory);
        journal->save(layout.journal());
        mark_rejected_directory(*journal, layout.data_directory);
    }
}

void refuse_rejected(const Request& request, const Plan& plan, const Layout& layout) {
    const auto journal = Journal::read(layout.journal());
    if (!journal || !journal->rejected || !journal->goal || journal->request != identity_of(request) ||
        journal->rejected->configuration != fingerprint(request.patroni) || !is_same_archive(plan, *journal)) {
        return;
    }
    const auto& rejected = *journal->rejected;
    throw Failure(
        ExitCode::verification_failed,
        fmt::format("the same restore was rejected by verify, and nothing has changed since: {}", rejected.message),
        fmt::format("{}; or remove {} to have the same restored again", rejected.hint, layout.journal().string()))
        .lasting();
}

std::chrono::seconds pause_after(unsigned failures, std::int64_t last, std::int64_t now) {
    if (failures < 2) {
        return std::chrono::seconds(0);
    }
    const auto doublings = std::min(failures - 2, 10U);
    const auto pause = std::min(first_pause * (1U << doublings), longest_pause);
    const std::chrono::seconds passed(std::max<std::int64_t>(now - last, 0));
    return std::max(pause - passed, std::chrono::seconds(0));
}

std::optional<EarlierFailure> remembered(const Failure& failure, const std::optional<EarlierFailure>& earlier,
                                         const std::string& request, const std::string& facts, std::int64_t now) {
    if (is_interruption(failure.code())) {
        return earlier;
    }
    const auto& problem = failure.problems().front();
    return EarlierFailure{request,
                          static_cast<int>(failure.code()),
                          problem.message,
                          problem.hint,
                          failure.is_lasting(),
                          facts,
                          (earlier ? earlier->in_a_row : 0) + 1,
                          now,
                          {}};
}

FailureMemory::FailureMemory(const Request& request, const Plan& plan, const Layout& layout,
                             const std::filesystem::path& binaries)
    : file_(layout.failure()), request_(identity_of(request)), facts_(facts_of(request, plan)),
      libraries_(postgres::library_directory(binaries)), port_(request.patroni ? request.patroni->port : std::nullopt),
      last_(EarlierFailure::read(file_)) {
    if (last_ && last_->request != request_) {
        last_.reset();
    }
}

std::string FailureMemory::facts_with(const std::string& words) const {
    return facts_ + state_named_by(words);
}

std::string FailureMemory::state_named_by(const std::string& words) const {
    return named_state(words, libraries_, port_);
}

void FailureMemory::refuse_repetition() const {
    if (const auto again = last_ ? repeated(*last_, facts_with(last_->words), file_) : std::nullopt) {
        throw Failure(*again);
    }
}

void FailureMemory::remember(const Failure& failure, const std::string& words) const {
    auto kept = remembered(failure, last_, request_, facts_with(words), std::time(nullptr));
    if (!kept) {
        return;
    }
    if (!is_interruption(failure.code())) {
        kept->words = words;
    }
    try {
        kept->save(file_);
    } catch (const Failure& error) {
        log::warning("the next run will not know of this failure: {}", error.what());
    }
}

}  // namespace patroni_pgbackrest
