#include "show/page.hpp"

#include "show/progress_text.hpp"
#include "system/exit_code.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace patroni_pgbackrest {

namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view page_template =
#include "show/page.html.inc"
    ;

/// As text in a page, also within quotes.
std::string escaped(const std::string& text) {
    static const std::map<char, std::string_view> names = {
        {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    std::string html;
    for (const char letter : system::valid_utf8(text)) {
        const auto name = names.find(letter);
        const auto byte = static_cast<unsigned char>(letter);
        if (name != names.end()) {
            html += name->second;
        } else {
            html += byte < 0x20 || byte == 0x7f ? ' ' : letter;
        }
    }
    return html;
}

std::string filled(std::string_view form, const std::map<std::string, std::string>& values) {
    std::string text;
    for (auto begin = form.find("{{"); begin != std::string_view::npos; begin = form.find("{{")) {
        const auto end = form.find("}}", begin);
        const auto value = values.find(std::string(form.substr(begin + 2, end - begin - 2)));
        if (end == std::string_view::npos || value == values.end()) {
            throw std::logic_error("the page has a place for which there is no value");
        }
        text += std::string(form.substr(0, begin)) + value->second;
        form.remove_prefix(end + 2);
    }
    return text + std::string(form);
}

double seconds_in_all(const RunStatus& status) {
    double sum = 0;
    for (const auto& phase : status.phases) {
        sum += phase.second;
    }
    return sum;
}

std::string outcome_text(const RunStatus& status) {
    if (status.state == RunStatus::State::done) {
        return "done";
    }
    const auto code = exit_code_of(status);
    return fmt::format("{} in the phase {} (exit code {}, {})", text(status.state), status.phase.phase,
                       static_cast<int>(code), meaning_of(code).meaning);
}

/// What was asked for and what came of it; what is not known is left out.
Facts facts_of(const RunStatus& status) {
    Facts facts{{"target", status.target}, {"reached", status.reached}};
    if (status.reached_time) {
        facts.emplace_back("last commit", instant(*status.reached_time));
    }
    if (status.plan) {
        const auto& plan = *status.plan;
        const auto size = plan.backup_size > 0 ? ", " + bytes_text(static_cast<double>(plan.backup_size)) : "";
        facts.emplace_back("backup set", fmt::format("{} of repository {}{}", plan.backup_set, plan.repository, size));
        facts.emplace_back("timeline", std::to_string(plan.timeline));
        facts.emplace_back("WAL", plan.wal_segments == 0
                                      ? std::string("none")
                                      : fmt::format("{} segments, {} to {}", count_text(plan.wal_segments),
                                                    plan.first_segment, plan.last_segment));
        facts.emplace_back("replayed by", plan.recovery);
    }
    facts.emplace_back("directory", status.data_directory);
    facts.erase(std::remove_if(facts.begin(), facts.end(), [](const auto& fact) { return fact.second.empty(); }),
                facts.end());
    return facts;
}

/// Each phase begins where the one before ended.
std::string phase_rows(const RunStatus& status) {
    const auto all = std::max(seconds_in_all(status), 0.001);
    constexpr double narrowest = 0.5;  // percent: else nobody sees it
    std::string rows;
    double before = 0;
    for (const auto& [name, seconds] : status.phases) {
        const auto width = std::max(narrowest, 100 * seconds / all);
        const auto at = std::min(100 * before / all, 100 - width);
        rows += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"chart\"><svg viewBox=\"0 0 100 10\" "
                            "preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect x=\"{:.2f}\" y=\"1\" "
                            "width=\"{:.2f}\" height=\"8\"/></svg></td><td class=\"time\">{}</td></tr>\n",
                            escaped(name), at, width, escaped(duration_text(seconds)));
        before += seconds;
    }
    return rows;
}

std::string fact_rows(const Facts& facts) {
    std::string rows;
    for (const auto& [name, value] : facts) {
        rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escaped(name), escaped(value));
    }
    return rows;
}

/// `tag` begins the paragraph of a finding.
std::string finding_list(const std::vector<Problem>& findings, std::string_view tag) {
    std::string list;
    for (const auto& finding : findings) {
        const auto place = finding.place.empty() ? "" : finding.place + ": ";
        list += fmt::format("{}{}</p>\n", tag, escaped(place + finding.message));
        if (!finding.hint.empty()) {
            list += fmt::format("<p>What to do: {}</p>\n", escaped(finding.hint));
        }
    }
    return list;
}

}  // namespace

std::string run_page(const std::string& title, const RunStatus& status, const std::vector<Problem>& findings,
                     const PageAdditions& additions) {
    const auto took = duration_text(seconds_in_all(status));
    auto proof = facts_of(status);
    proof.insert(proof.end(), additions.proof.begin(), additions.proof.end());
    const auto found = finding_list(findings, "<p class=\"bad\">") + finding_list(additions.warnings, "<p>Warning: ");
    return filled(
        page_template,
        {{"title", escaped(title)},
         {"stanza", escaped(status.stanza.empty() ? "an unknown stanza" : status.stanza)},
         {"outcome", escaped(outcome_text(status))},
         {"class", status.state == RunStatus::State::done ? "good" : "bad"},
         {"when", escaped(fmt::format("{} to {}, {}", instant(status.started), instant(status.updated), took))},
         {"phases", phase_rows(status)},
         {"proof", fact_rows(proof)},
         {"findings", found.empty() ? "<p>none</p>" : found},
         {"version", escaped(PATRONI_PGBACKREST_VERSION)}});
}

std::string run_summary(const std::string& title, const RunStatus& status) {
    std::string table = fmt::format("{} of {}: {} in {}", title, status.stanza, outcome_text(status),
                                    duration_text(seconds_in_all(status)));
    for (const auto& [name, value] : facts_of(status)) {
        table += fmt::format("\n{:<13} {}", name, value);
    }
    const auto all = std::max(seconds_in_all(status), 0.001);
    for (const auto& [name, seconds] : status.phases) {
        table += fmt::format("\n{:<13} {:>12} {:>4.0f} %", name, duration_text(seconds), 100 * seconds / all);
    }
    return table;
}

}  // namespace patroni_pgbackrest
