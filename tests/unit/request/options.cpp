#include "request/options.hpp"

#include "support/catch.hpp"

#include <set>
#include <string>

using namespace patroni_pgbackrest;

TEST_CASE("every option stands once in the table, with words for --help") {
    std::set<std::string_view> names;
    for (const auto& option : bootstrap_options()) {
        CAPTURE(std::string(option.name));
        CHECK(names.insert(option.name).second);
        CHECK(option.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos);
        CHECK_FALSE(option.help.empty());
        CHECK(option.help.back() != '.');
        CHECK(option.argument.empty() == (option.kind == OptionKind::flag));
        CHECK(find_option(option.name) == &option);
    }
}

TEST_CASE("an option that is refused is not in the table") {
    for (const std::string_view name : {"delta", "force", "recovery-option", "pg1-path", "lock-path", "spool-path",
                                        "log-level-console", "log-level-stderr", "config"}) {
        CAPTURE(std::string(name));
        CHECK(find_option(name) == nullptr);
        CHECK_FALSE(refusal_of(name).empty());
    }
    for (const auto& option : bootstrap_options()) {
        CAPTURE(std::string(option.name));
        CHECK(refusal_of(option.name).empty());
    }
    CHECK(refusal_of("no-such-option").empty());
}
