#include "staging/resume_words.hpp"

#include "staging/rejected_directory.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

ResumeVerdict refuse(const std::string& why, const std::string& hint) {
    return {.action = ResumeAction::refuse, .failure = Failure(ExitCode::unsafe, why, hint)};
}

/// Patroni starts although a journal lies there that is not ended.
ResumeVerdict warn(const std::string& why, const std::string& hint) {
    return {.warning = Problem{why, hint}};
}

/// What has it refused at each start, wherever it lies.
std::string files_that_refuse(const ResumeFacts& facts, bool is_marked) {
    const auto journal = facts.layout.journal().string();
    return is_marked ? fmt::format("{} and, where it is, {}", journal,
                                   (facts.layout.data_directory / rejection_mark).string())
                     : journal;
}

std::string how_to_remove(const ResumeFacts& facts, const std::string& scope) {
    return facts.dcs.value_or(patroni::ScopeState{}).how_to_remove(scope);
}

/// The DCS may come up after this node.
ResumeVerdict ask_until_it_tells(const ResumeFacts& facts, const std::string& why, const std::string& hint) {
    return {.action = ResumeAction::ask_dcs_until_it_tells,
            .failure = Failure(ExitCode::repository_unreachable,
                               fmt::format("the DCS cannot be asked about scope {}: {}", facts.scope(), why), hint)};
}

/// What stands in the place of what was handed over.
std::string what_is_gone(const ResumeFacts& facts) {
    const auto directory = facts.layout.data_directory.string();
    return facts.in_place == InPlace::something_else ? directory + " holds other data than what was handed over there"
                                                     : directory + " was handed over and is gone";
}

}  // namespace

std::string ResumeFacts::how_to_begin_anew() const {
    return fmt::format("if no other node restores it, stop Patroni on every node, run {} and start Patroni here: it "
                       "calls the bootstrap method anew",
                       how_to_remove(*this, scope()));
}

ResumeVerdict refuse_for(const Problem& problem) {
    return refuse(problem.message, problem.hint);
}

ResumeVerdict refuse_directory(const ResumeFacts& facts, const std::string& why, bool is_marked) {
    const auto directory = facts.layout.data_directory.string();
    return refuse(fmt::format("{} was handed over, but {}: the next start would promote it, or take it for a replica",
                              directory, why),
                  fmt::format("read what Patroni and post_bootstrap said; if the data is right and no other node has "
                              "it, remove {}, else move {} away, to {} if Patroni gave it up: its timeline is not "
                              "followed then",
                              files_that_refuse(facts, is_marked),
                              facts.layout.inside ? "all but the dotfiles of the data directory" : "the data directory",
                              directory + (facts.layout.inside ? "/.given-up" : ".given-up")));
}

ResumeVerdict refuse_directory_from_now_on(const ResumeFacts& facts, const std::string& why) {
    auto verdict = refuse_directory(facts, why, true);
    verdict.action = ResumeAction::refuse_from_now_on;
    return verdict;
}

ResumeVerdict refuse_as_only_patroni_can(const ResumeFacts& facts) {
    const auto& request = *facts.request;
    return refuse(fmt::format("the restore of scope {} to {} was interrupted, and in patroni mode only Patroni's own "
                              "bootstrap can finish it",
                              request.scope, request.target.text()),
                  fmt::format("stop Patroni on every node, run {} and start Patroni here: it calls the bootstrap "
                              "method anew, which goes on with the copy",
                              how_to_remove(facts, request.scope)));
}

ResumeVerdict refuse_left_over_key(const ResumeFacts& facts) {
    return refuse(fmt::format("{} was handed over and is gone, and no node bootstraps scope {}: its initialize key is "
                              "left over, and Patroni would wait for a leader for ever",
                              facts.layout.data_directory.string(), facts.scope()),
                  facts.how_to_begin_anew());
}

ResumeVerdict ask_until_it_answers(const ResumeFacts& facts) {
    return ask_until_it_tells(
        facts, facts.dcs->leadership.why_unknown,
        "bring the DCS back, and see that patronictl works as the user of Patroni; nothing was changed");
}

ResumeVerdict ask_until_it_tells_the_key(const ResumeFacts& facts, const std::string& or_else) {
    return ask_until_it_tells(facts, "patronictl answers, but the initialize key cannot be read",
                              "let patronictl's first line name the Python that has Patroni's library" + or_else);
}

ResumeVerdict ask_again(const ResumeFacts& facts) {
    constexpr std::chrono::seconds cycle{5};  // what one takes beside its wait
    const auto pause = std::chrono::seconds(std::max(facts.loop_wait, facts.dcs->loop_wait)) + cycle;
    return {.action = ResumeAction::ask_dcs_again,
            .log = fmt::format("{} is there too: asking the DCS again in {} s, by when it will have said what it does "
                               "now",
                               facts.other_than_own(facts.dcs->members), pause.count()),
            .pause = pause};
}

ResumeVerdict start_what_another_bootstraps(const ResumeFacts& facts) {
    return warn(
        fmt::format("nothing to resume, Patroni gave that bootstrap of scope {} up: the one that is under way is "
                    "another node's",
                    facts.scope()),
        facts.how_to_begin_anew());
}

Problem may_be_a_dead_pod(const ResumeFacts& facts, const std::string& other) {
    return {fmt::format("{} bootstraps scope {} by what its pod says, which stays as it was where that pod's node is "
                        "down: Patroni would wait for it for ever",
                        other, facts.scope()),
            fmt::format("{}; else, once {} leads, start Patroni here again", facts.how_to_begin_anew(), other)};
}

ResumeVerdict warn_of_gone_and_silent_dcs(const ResumeFacts& facts) {
    return warn(fmt::format("{}, and the DCS cannot be asked what became of scope {}: {}", what_is_gone(facts),
                            facts.scope(), facts.dcs->leadership.why_unknown),
                "bring the DCS back, and see that patronictl works as the user of Patroni; if Patroni waits for a "
                "leader then, start it again");
}

ResumeVerdict warn_of_gone_and_unknown_key(const ResumeFacts& facts) {
    return warn(
        fmt::format("{}, and the initialize key of scope {} cannot be read: if a bootstrap left it empty, Patroni "
                    "waits for a leader for ever",
                    what_is_gone(facts), facts.scope()),
        "let patronictl's first line name the Python that has Patroni's library, and start Patroni again; or, " +
            facts.how_to_begin_anew());
}

ResumeVerdict warn_of_other_data(const ResumeFacts& facts) {
    return warn(
        fmt::format("{}, and nobody leads scope {}: Patroni starts it as it is", what_is_gone(facts), facts.scope()),
        fmt::format("if it is not the data that is wanted, stop Patroni and move {} away; if it is, remove {}",
                    system::shell_word(facts.layout.data_directory.string()),
                    system::shell_word(facts.layout.journal().string())));
}

}  // namespace patroni_pgbackrest
