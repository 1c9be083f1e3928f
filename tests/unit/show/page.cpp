#include "show/page.hpp"

#include "support/catch.hpp"
#include "system/text.hpp"

using namespace patroni_pgbackrest;
using State = RunStatus::State;

namespace {

constexpr std::int64_t begin = 1795330800;

RunStatus done() {
    RunStatus status;
    status.state = State::done;
    status.stanza = "demo";
    status.data_directory = "/data";
    status.target = "latest";
    status.started = begin;
    status.updated = begin + 100;
    status.plan = {"20261122-090000F",         1,         2, "standalone", 1900, "000000010000000000000005",
                   "0000000200000007000000CC", 3ULL << 30};
    status.phase.phase = "hand-over";
    status.phases = {{"plan", 0.01}, {"copy", 25}, {"replay", 75}};
    status.reached = "0/7000158 (no recovery target specified), new timeline 3";
    status.reached_time = begin - 60;
    return status;
}

bool has(const std::string& page, const std::string& part) {
    return page.find(part) != std::string::npos;
}

std::size_t count(const std::string& page, const std::string& part) {
    std::size_t found = 0;
    for (auto at = page.find(part); at != std::string::npos; at = page.find(part, at + part.size())) {
        ++found;
    }
    return found;
}

}  // namespace

TEST_CASE("the page of a restore shows outcome, phases as a chart, proof and findings") {
    const auto page = run_page("Restore", done(), {});
    CHECK(page.starts_with("<!DOCTYPE html>\n"));
    CHECK(has(page, "<title>Restore: done</title>"));
    CHECK(has(page, "<h1>Restore of demo: <span class=\"good\">done</span></h1>"));
    CHECK(has(page, instant(begin) + " to " + instant(begin + 100) + ", 1 min 40 s"));
    CHECK(count(page, "<rect ") == 3);
    CHECK(has(page, "<th scope=\"row\">copy</th><td class=\"chart\"><svg viewBox=\"0 0 100 10\" "
                    "preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect x=\"0.01\" y=\"1\" width=\"25.00\" "
                    "height=\"8\"/></svg></td><td class=\"time\">25 s</td>"));
    CHECK(has(page, "<rect x=\"0.00\" y=\"1\" width=\"0.50\""));  // the shortest can still be seen
    CHECK(has(page, "<th scope=\"row\">reached</th><td>0/7000158 (no recovery target specified), new timeline 3</td>"));
    CHECK(has(page, "<td>20261122-090000F of repository 1, 3.0 GiB</td>"));
    CHECK(has(page, "<td>1,900 segments, 000000010000000000000005 to 0000000200000007000000CC</td>"));
    CHECK(has(page, "<p>none</p>"));
}

TEST_CASE("the page of a failure has its problems with what to do, and what is not known is left out") {
    RunStatus status;
    status.state = State::failed;
    status.phase.phase = "request";
    status.last_error = RunStatus::Error{2, "one", "do this", begin};
    const auto page = run_page("Restore", status, {{"one", "do this", "--target"}, {"two", ""}});
    CHECK(has(page,
              "<span class=\"bad\">failed in the phase request (exit code 2, usage or configuration error)</span>"));
    CHECK(has(page, "<p class=\"bad\">--target: one</p>\n<p>What to do: do this</p>\n<p class=\"bad\">two</p>\n"));
    for (const auto* absent : {"backup set", "<th scope=\"row\">reached", "<rect "}) {
        CAPTURE(absent);
        CHECK_FALSE(has(page, absent));
    }
}

TEST_CASE("a page has what its kind of run adds to the proof, and warnings beside the findings") {
    const PageAdditions additions{{{"examined", "checksums, <dump>"}, {"lost now", "nothing"}},
                                  {{"no checksums", "switch them on"}}};
    const auto page = run_page("Rehearsal", done(), {}, additions);
    CHECK(has(page, "<tr><th scope=\"row\">examined</th><td>checksums, &lt;dump&gt;</td></tr>\n<tr><th "
                    "scope=\"row\">lost now</th><td>nothing</td></tr>\n</table>\n<h2>Findings</h2>"));
    CHECK(has(page, "<p>Warning: no checksums</p>\n<p>What to do: switch them on</p>\n"));
    CHECK_FALSE(has(page, "<p>none</p>"));
    const auto failed = run_page("Rehearsal", done(), {{"a false probe", ""}}, additions);
    CHECK(has(failed, "<p class=\"bad\">a false probe</p>\n<p>Warning: no checksums</p>"));
}

TEST_CASE("no value of a page is taken for HTML") {
    auto status = done();
    status.stanza = "<script>alert(1)</script>";
    status.target = "name \"a\" & 'b'\n\033[2J\xE9";
    status.phases.emplace_back("<b>", 1);
    const auto page = run_page("<i>", status, {{"</p><img src=x>", "{{title}}", "<"}});
    for (const auto* tag : {"<script", "<b>", "<i>", "<img", "\033"}) {
        CAPTURE(tag);
        CHECK_FALSE(has(page, tag));
    }
    CHECK(has(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    CHECK(has(page, "name &quot;a&quot; &amp; &#39;b&#39;  [2J\xEF\xBF\xBD"));
    CHECK(has(page, "<p>What to do: {{title}}</p>"));  // a value is not a template either
}

TEST_CASE("a page needs no other file, and fits a dark screen and a narrow one") {
    const auto page = run_page("Restore", done(), {});
    for (const auto* other : {"http:", "https:", "src=", "href=", "@import", "url("}) {
        CAPTURE(other);
        CHECK_FALSE(has(page, other));
    }
    CHECK(has(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"));
    CHECK(has(page, "@media (prefers-color-scheme: dark)"));
    CHECK(has(page, "@media (max-width: 30rem)"));
    for (const auto* tag : {"table", "tr", "td", "th", "svg", "p", "h1", "h2", "style", "body", "html"}) {
        CAPTURE(tag);
        const auto name = std::string(tag);
        CHECK(count(page, "<" + name + ">") + count(page, "<" + name + " ") == count(page, "</" + name + ">"));
    }
}

TEST_CASE("a person reads at the end what a restore came to, and how its time was spent") {
    CHECK(run_summary("restore", done()) ==
          "restore of demo: done in 1 min 40 s\n"
          "target        latest\n"
          "reached       0/7000158 (no recovery target specified), new timeline 3\n"
          "last commit   " +
              instant(begin - 60) +
              "\n"
              "backup set    20261122-090000F of repository 1, 3.0 GiB\n"
              "timeline      2\n"
              "WAL           1,900 segments, 000000010000000000000005 to 0000000200000007000000CC\n"
              "replayed by   standalone\n"
              "directory     /data\n"
              "plan                   0 s    0 %\n"
              "copy                  25 s   25 %\n"
              "replay          1 min 15 s   75 %");
}
