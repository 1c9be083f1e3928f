#include "commands/drill.hpp"

#include "checks/checks.hpp"
#include "commands/preflight.hpp"
#include "commands/run_outputs.hpp"
#include "staging/memory.hpp"
#include "staging/unarchived_wal.hpp"
#include "system/file.hpp"
#include "system/log.hpp"

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <string_view>

namespace patroni_pgbackrest::commands {

namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Where a sentence of the next run begins, with what stands before it.
std::size_t begin_of_next_run(const std::string& hint) {
    std::size_t begin = hint.size();
    for (const std::string_view words : {"the next run ", "it goes on from here", "it continues where it stopped"}) {
        begin = std::min(begin, hint.find(words));
    }
    return begin;
}

std::string hint_of_a_rehearsal(const std::string& hint) {
    const auto begin = begin_of_next_run(hint);
    if (begin == hint.size()) {
        return hint;
    }
    const auto last = hint.find_last_not_of(" ,;:", begin == 0 ? 0 : begin - 1);
    const auto rest = begin == 0 || last == std::string::npos ? std::string() : hint.substr(0, last + 1);
    return rest.empty() || rest == "nothing was handed over" ? "rehearse again: all of it is copied anew" : rest;
}

}  // namespace

Failure of_a_rehearsal(const Failure& failure) {
    auto problems = failure.problems();
    for (auto& problem : problems) {
        problem.hint = hint_of_a_rehearsal(problem.hint);
    }
    Failure told(failure.code(), problems);
    return failure.is_lasting() ? told.lasting() : told;
}

Drill::Drill(const RehearsalSettings& settings)
    : view("rehearse", true), began_(std::chrono::steady_clock::now()), phase_began_(began_) {
    told.at = std::time(nullptr);
    told.stanza = settings.request.pgbackrest.stanza;
    told.target = settings.seed ? std::string() : settings.request.target.text();
    told.seed = settings.seed;
    told.not_archived = settings.data_directory ? segments_not_archived(*settings.data_directory) : std::nullopt;
    view.about(settings.request);
}

void Drill::phase(const std::string& name) {
    end_phase();
    told.phase = name;
    view.phase(name);
    write_note();
}

void Drill::judge(const std::vector<Finding>& findings) {
    for (const auto& finding : findings) {
        if (!is_error(finding)) {
            warn(finding.problem);
        }
    }
    if (has_error(findings)) {
        throw Failure(ExitCode::verification_failed, errors_in(findings));
    }
}

void Drill::judge_node(const BootstrapArguments& given) {
    if (!given.patroni || !given.patroni->method) {
        return;
    }
    try {
        refuse_configuration(given, make_request(options_of_node(given), given.patroni));
    } catch (const Failure& failure) {
        if (is_interruption(failure.code())) {
            throw;
        }
        warn_of_node(failure);
    }
}

void Drill::warn_of_node(const Failure& failure) {
    for (auto problem : failure.problems()) {
        problem.message = "a restore of this node would be refused: " + problem.message;
        warn(problem);
    }
}

void Drill::keep_note(const std::filesystem::path& file) {
    note_ = file;
    write_note();
}

void Drill::remove_note() {
    if (!note_.empty()) {
        write_or_warn([&] { system::remove_file(note_); });
    }
}

void Drill::end(const std::optional<Failure>& failure) {
    end_phase();
    told.seconds = seconds_since(began_);
    if (failure) {
        told.exit_code = static_cast<int>(failure->code());
        told.message = failure->what();
        view.display.failed(*failure);
    } else {
        told.phase.clear();
        view.display.done();
    }
}

void Drill::warn(const Problem& problem) {
    log::write(problem, log::Level::warning);
    told.warnings.push_back(problem);
}

/// The lock that the status tells of is the one on the history's directory, in which the note lies.
void Drill::write_note() const {
    if (!note_.empty()) {
        auto status = view.display.status();
        status.process.has_lock = true;
        write_or_warn([&] { write_status(status, note_); }, log::Level::debug);
    }
}

void Drill::end_phase() {
    if (!told.phase.empty()) {
        told.phases.emplace_back(told.phase, seconds_since(phase_began_));
    }
    phase_began_ = std::chrono::steady_clock::now();
}

}  // namespace patroni_pgbackrest::commands
