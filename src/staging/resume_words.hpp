#pragma once

#include "staging/resume_decision.hpp"
#include "system/failure.hpp"

#include <string>

namespace patroni_pgbackrest {

/// The verdicts of `resume` that tell a person why, and what to do. decide_resume() says which of them is due.

ResumeVerdict refuse_for(const Problem& problem);
/// What was handed over, and stands in its place. `is_marked`: as well by a mark in it, wherever it lies.
ResumeVerdict refuse_directory(const ResumeFacts& facts, const std::string& why, bool is_marked = false);
ResumeVerdict refuse_directory_from_now_on(const ResumeFacts& facts, const std::string& why);
/// An unfinished restore in patroni mode to what a server that Patroni starts again would miss.
ResumeVerdict refuse_as_only_patroni_can(const ResumeFacts& facts);
/// The initialize key of a bootstrap that nobody is at any more, whose data directory is gone.
ResumeVerdict refuse_left_over_key(const ResumeFacts& facts);

ResumeVerdict ask_until_it_answers(const ResumeFacts& facts);
ResumeVerdict ask_until_it_tells_the_key(const ResumeFacts& facts, const std::string& or_else);
ResumeVerdict ask_again(const ResumeFacts& facts);

// Patroni starts although a journal lies there that is not ended.

/// Its key is another node's, which may be down by now.
ResumeVerdict start_what_another_bootstraps(const ResumeFacts& facts);
Problem may_be_a_dead_pod(const ResumeFacts& facts, const std::string& other);
ResumeVerdict warn_of_gone_and_silent_dcs(const ResumeFacts& facts);
ResumeVerdict warn_of_gone_and_unknown_key(const ResumeFacts& facts);
/// Somebody's, where what was handed over belongs.
ResumeVerdict warn_of_other_data(const ResumeFacts& facts);

}  // namespace patroni_pgbackrest
