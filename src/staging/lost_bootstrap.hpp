#pragma once

#include "staging/resume_decision.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// As choose_layout(). But where what was handed over is in place, and its journal lies where none would be made by now
/// (the directory is a mount point since, or none any more, or who may write around it has changed), it is that one.
Layout layout_with_journal(const std::filesystem::path& data_directory);

/// What `resume` does where no journal lies beside an empty data directory, and Patroni would wait for the end of a
/// bootstrap that nobody is at: the directory was another one then, or its disk is gone. `elsewhere`: the data
/// directory of an unfinished restore of this scope that was found; the same one if its journal lies where none would
/// be made by now.
ResumeVerdict decide_without_journal(const BootstrapCall& call, const Layout& layout, const patroni::ScopeState& dcs,
                                     const std::optional<std::filesystem::path>& elsewhere);

/// Whether the data directory is what a journal of another directory refuses: it was renamed, or copied, after `verify`
/// rejected it. Two mount points have one inode, so that alone tells nothing there.
bool is_refused_by(const Journal& journal, const std::filesystem::path& data_directory);

/// Patroni would start it, whatever data_dir, scope and member are now. `journal_file` has what is known of it: a
/// journal, or the directory's own rejection_mark.
Failure refusal_of_rejected(const std::filesystem::path& data_directory, const std::filesystem::path& journal_file,
                            const Journal& journal);

/// A journal that is no business of this call's: one that is damaged, or a newer program's, is a warning, since it is
/// for its own node to say. Empty then, and where there is none.
std::optional<Journal> read_journal_or_warn(const std::filesystem::path& file);

/// Why the data directory must not be started: a journal of another directory, or place, refuses it, or its own
/// rejection_mark where the journal in its place does not.
std::optional<Failure> find_rejection_elsewhere(const Layout& layout);
/// The same, and what the journal in its place refuses.
std::optional<Failure> find_rejection(const Layout& layout);

/// Whether the data directory is what another member was handed over: a snapshot of its disk. A base backup of it has
/// the journal as well, in a mount point, and another directory.
bool is_handed_over_to_another(const Journal& journal, const std::string& own_name,
                               const std::filesystem::path& data_directory);

/// Then there would be a second history, unless a leader is there to be followed. The DCS is asked when the decision
/// wants it.
ResumeVerdict decide_on_anothers(const ResumeFacts& facts);

}  // namespace patroni_pgbackrest
