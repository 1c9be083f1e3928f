#include "packaging/tables.hpp"

#include "request/options.hpp"
#include "support/catch.hpp"
#include "system/exit_code.hpp"

#include <fmt/format.h>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::packaging;

namespace {

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("text breaks at spaces, and a word that is too long stays whole") {
    CHECK(wrapped("one two three", 7) == "one two\nthree");
    CHECK(wrapped("one two three", 7, "\n  ") == "one two\n  three");
    CHECK(wrapped("a-long-word and", 4) == "a-long-word\nand");
    CHECK(wrapped("", 4).empty());
}

TEST_CASE("roff takes no text for a request, and no hyphen for a dash") {
    CHECK(roff("--set C:\\x") == "\\-\\-set C:\\ex");
    CHECK(roff(".TH") == "\\&.TH");
    CHECK(roff("'quoted' text") == "\\&'quoted' text");
    CHECK(roff(std::string(70, 'x') + " .TH") == std::string(70, 'x') + "\n\\&.TH");
}

TEST_CASE("man page and completion have every option, and the exit codes are all there") {
    const auto page = manual_page_values("2026-11-22");
    const auto completion = completion_values();
    for (const auto& option : bootstrap_options()) {
        CHECK(contains(page.at("bootstrap_options"), fmt::format("\\fB\\-\\-{}\\fR", roff(option.name))));
        CHECK(contains(" " + completion.at("bootstrap_words"), fmt::format(" --{}", option.name)));
    }
    for (const auto& entry : exit_code_table) {
        CHECK(contains(page.at("exit_codes"), fmt::format(".B {}\n", static_cast<int>(entry.code))));
        CHECK(contains(exit_code_values().at("rows"), fmt::format("| {} | ", static_cast<int>(entry.code))));
    }
}

TEST_CASE("no value ends with a newline, as the template has its own") {
    for (const auto& values :
         {manual_page_values("2026-11-22"), completion_values(), exit_code_values(), check_values()}) {
        for (const auto& [name, value] : values) {
            CAPTURE(name);
            CHECK_FALSE(value.empty());
            CHECK(value.back() != '\n');
        }
    }
}
