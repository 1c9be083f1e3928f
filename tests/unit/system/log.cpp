#include "system/log.hpp"

#include "support/catch.hpp"
#include "support/forked.hpp"

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <unistd.h>

namespace patroni_pgbackrest {

using system::Forked;

namespace {

std::string logged(const std::function<void()>& work) {
    Forked process([&] {
        work();
        return 0;
    });
    REQUIRE(process.wait() == 0);
    return process.errors();
}

/// Of the one entry that is written.
nlohmann::json json_of(const std::function<void()>& work) {
    const auto entry = logged(work);
    CHECK(entry.find('\n') == entry.size() - 1);
    return nlohmann::json::parse(entry);
}

/// Without the time, which has 23 characters.
std::string text_of(const std::function<void()>& work) {
    return logged(work).substr(24);
}

}  // namespace

TEST_CASE("an entry looks like one of Patroni's") {
    const std::string entry = logged([] { log::info("restoring {} of {}", 1, "demo"); });
    CHECK(std::regex_match(entry, std::regex(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO: restoring 1 of demo\n)")));
}

TEST_CASE("the time is that of TZ") {
    const std::string west = logged([] {
        ::setenv("TZ", "WEST12", 1);
        log::info("x");
    });
    const std::string east = logged([] {
        ::setenv("TZ", "EAST-12", 1);
        log::info("x");
    });
    CHECK(west.substr(0, 10) < east.substr(0, 10));  // a day apart, whatever the hour
}

TEST_CASE("each level has Python's name") {
    CHECK(text_of([] { log::warning("x"); }) == "WARNING: x\n");
    CHECK(text_of([] { log::error("x"); }) == "ERROR: x\n");
    CHECK(text_of([] {
              log::set_level(log::Level::debug);
              log::debug("x");
          }) == "DEBUG: x\n");
}

TEST_CASE("entries below the level are not written") {
    CHECK(logged([] { log::debug("x"); }).empty());
    CHECK(logged([] {
              log::set_level(log::Level::error);
              log::warning("x");
          }).empty());
}

TEST_CASE("line breaks inside an entry are kept and indented") {
    CHECK(text_of([] { log::info("one\ntwo\n\n"); }) == "INFO: one\n  two\n");
}

TEST_CASE("control characters of a child do not reach the terminal") {
    CHECK(text_of([] { log::info("a\x1b[2J\tb\r\nc"); }) == "INFO: a?[2J\tb\n  c\n");
}

TEST_CASE("a problem is written with its place and its hint") {
    CHECK(text_of([] {
              log::write({"unknown key `x`", "remove it", "patroni.yml:17"});
          }) == "ERROR: patroni.yml:17: unknown key `x`\n  HINT: remove it\n");
    CHECK(text_of([] {
              log::write({"no space", "make some"}, log::Level::warning);
          }) == "WARNING: no space\n  HINT: make some\n");
    CHECK(text_of([] { log::write(Problem{"no hint", ""}); }) == "ERROR: no hint\n");
}

TEST_CASE("levels are known by name, in any case") {
    CHECK(log::parse_level("debug") == log::Level::debug);
    CHECK(log::parse_level("INFO") == log::Level::info);
    CHECK(log::parse_level("Warning") == log::Level::warning);
    CHECK(log::parse_level("error") == log::Level::error);
    CHECK_FALSE(log::parse_level("loud").has_value());
}

TEST_CASE("a line that is shown below the log stays there, and no entry is mixed with it") {
    const auto shown = logged([] {
        log::show_below("copy [##--]\033[2J");
        log::info("x");
        log::show_below("copy [###-]");
        log::show_below("");
        log::show_below("");
        log::info("y");
    });
    const std::string begin = "\r\033[K";
    const auto entry = [](const std::string& text) { return R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO: )" + text; };
    const auto first = begin + "copy [##--]?[2J" + begin;
    REQUIRE(shown.substr(0, first.size()) == first);
    const auto second = "\n"
                        "copy [##--]?[2J" +
                        begin + "copy [###-]" + begin;
    const auto at = shown.find(second);
    REQUIRE(at != std::string::npos);
    CHECK(std::regex_match(shown.substr(first.size(), at - first.size()), std::regex(entry("x"))));
    CHECK(std::regex_match(shown.substr(at + second.size()), std::regex(entry("y\n"))));
}

TEST_CASE("no character of an entry moves a terminal's cursor") {
    CHECK(text_of([] { log::info("{}", "a\x1B[2J\xC2\x9B\x32J\x7F\r\tb\xC3\xA4"); }) == "INFO: a?[2J?2J?\tb\xC3\xA4\n");
}

TEST_CASE("a line below the log is for terminals that can move their cursor") {
    CHECK(text_of([] { log::info("{}", log::terminal_columns().has_value()); }) == "INFO: false\n");
}

TEST_CASE("a log for a program is an object a line, with time, zone and level") {
    const auto entry = json_of([] {
        ::setenv("TZ", "EAST-05:30", 1);
        log::set_format(log::Format::json);
        log::warning("one\ntwo \"{}\" \x1b[2J\n", "caf\xE9");
    });
    CHECK(std::regex_match(entry.at("time").get<std::string>(),
                           std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:30)")));
    CHECK(entry.at("schema") == 1);
    CHECK(entry.at("level") == "warning");
    CHECK(entry.at("message") == "one\ntwo \"caf\xEF\xBF\xBD\" \x1b[2J");
    CHECK(entry.size() == 4);
}

TEST_CASE("in a log for a program a problem's place and hint, and other facts, have fields of their own") {
    const auto problem = json_of([] {
        log::set_format(log::Format::json);
        log::write({"unknown key `x`", "remove it", "patroni.yml:17"});
    });
    CHECK(problem.at("level") == "error");
    CHECK(problem.at("message") == "unknown key `x`");
    CHECK(problem.at("hint") == "remove it");
    CHECK(problem.at("place") == "patroni.yml:17");
    const auto facts = json_of([] {
        log::set_format(log::Format::json);
        log::write(log::Level::info, "x", {{"phase", "copy"}, {"done", std::int64_t{5}}, {"percent", 12.5}});
    });
    CHECK(facts.at("phase") == "copy");
    CHECK(facts.at("done") == 5);
    CHECK(facts.at("percent") == 12.5);
    CHECK_FALSE(facts.contains("hint"));
    CHECK(text_of([] { log::write(log::Level::info, "x", {{"phase", "copy"}}); }) == "INFO: x\n");
}

TEST_CASE("the exit code is the last entry, whatever the level is") {
    const auto end = json_of([] {
        log::set_format(log::Format::json);
        log::set_level(log::Level::error);
        log::write_end(0, "done");
    });
    CHECK(end.at("exit_code") == 0);
    CHECK(end.at("level") == "info");
    CHECK(end.at("message") == "exit code 0: done");
    CHECK(text_of([] { log::write_end(9, "refused for safety"); }) == "ERROR: exit code 9: refused for safety\n");
}

TEST_CASE("formats are known by name") {
    CHECK(log::parse_format("json") == log::Format::json);
    CHECK(log::parse_format("text") == log::Format::text);
    CHECK_FALSE(log::parse_format("JSON"));
    CHECK_FALSE(log::parse_format(""));
}

TEST_CASE("a log that nobody reads does not end the program") {
    Forked process([] {
        ::signal(SIGPIPE, SIG_IGN);
        int ends[2];
        if (::pipe(ends) != 0) {
            return 1;
        }
        ::close(ends[0]);
        ::dup2(ends[1], STDERR_FILENO);
        log::info("x");
        return 7;
    });
    CHECK(process.wait() == 7);
}

}  // namespace patroni_pgbackrest
