#include "postgres/configuration.hpp"

#include "cluster.hpp"
#include "process/child.hpp"
#include "support/catch.hpp"
#include "system/file.hpp"

#include <map>
#include <string>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::postgres;

namespace {

/// What the real server makes of a configuration file.
std::string real_value(const std::string& configuration, const std::string& name) {
    const system::PrivateDirectory directory;
    system::replace_file(directory.path() / "postgresql.conf", configuration);
    const auto asked =
        process::capture({(installed_binaries() / "postgres").string(), {"-C", name, "-D", directory.path().string()}});
    INFO(asked.errors);
    REQUIRE(process::succeeded(asked.outcome));
    REQUIRE_FALSE(asked.output.empty());
    return asked.output.substr(0, asked.output.size() - 1);
}

std::map<std::string, std::string> as_map(const std::vector<Setting>& settings) {
    std::map<std::string, std::string> values;
    for (const auto& setting : settings) {
        values[setting.name] = setting.value;
    }
    CHECK(values.size() == settings.size());
    return values;
}

const std::vector<std::string> nasty_values = {
    "",
    "plain",
    "it's",
    "''",
    "'",
    "\\",
    "\\'",
    "C:\\dir\\new",
    "ends with a backslash \\",
    "a # b",
    "a = b",
    "two\nlines",
    "windows\r\nlines\r\n",
    "tab\tbell\a",
    "\\n is not a line feed",
    "\\047",
    "$(rm -rf /) `x` \"y\" %f %p %%",
    "grün 数据",
};

}  // namespace

TEST_CASE("quotes and backslashes are doubled and line ends escaped") {
    CHECK(quote_value("") == "''");
    CHECK(quote_value("plain") == "'plain'");
    CHECK(quote_value("it's \\ here") == "'it''s \\\\ here'");
    CHECK(quote_value("two\nlines") == "'two\\nlines'");
}

TEST_CASE("the real server reads a quoted value as what it was") {
    const auto value = GENERATE(from_range(nasty_values));
    CAPTURE(value);
    const auto line = "archive_command = " + quote_value(value) + "\n";
    CHECK(real_value(line, "archive_command") == value);
    CHECK(as_map(settings_of(line)).at("archive_command") == value);
}

TEST_CASE("a shell reads a quoted word as what it was after PostgreSQL expanded it") {
    const auto word = GENERATE(from_range(nasty_values));
    CAPTURE(word);
    std::string expanded = quote_command_word(word);
    for (auto at = expanded.find("%%"); at != std::string::npos; at = expanded.find("%%", at + 1)) {
        expanded.erase(at, 1);
    }
    CHECK(process::capture({"sh", {"-c", "printf '%s.' " + expanded}}).output == word + ".");
}

TEST_CASE("only words that need it are quoted for the shell") {
    CHECK(quote_command_word("/usr/bin/pgbackrest") == "/usr/bin/pgbackrest");
    CHECK(quote_command_word("--log-level-console=warn") == "--log-level-console=warn");
    CHECK(quote_command_word("100%") == "100%%");
    CHECK(quote_command_word("a b") == "'a b'");
    CHECK(quote_command_word("it's") == "'it'\\''s'");
    CHECK(quote_command_word("~x") == "'~x'");
    CHECK(quote_command_word("") == "''");
}

TEST_CASE("settings are read as the real server reads them") {
    const std::string text = "# a comment\n"
                             "archive_command = 'first'\n"
                             "  ARCHIVE_command='it''s \\'last\\' \\\\ \\t\\101.' # and a comment\n"
                             "log_line_prefix 'no equals sign'\r\n"
                             "max_connections=17# comment\n"
                             "\tshared_buffers\t=\t8MB\t\n"
                             "wal_level = replica\n"
                             "ssl_ciphers = HIGH:x-y/z.pem\n"
                             "cluster_name'glued'\n"
                             "my.extension = -1.5e3\n"
                             "log_timezone = 'UTC'";
    const auto values = as_map(settings_of(text));
    CHECK(values.size() == 9);
    CHECK(values.at("archive_command") == "it's 'last' \\ \tA.");
    for (const std::string name : {"archive_command", "log_line_prefix", "max_connections", "wal_level", "ssl_ciphers",
                                   "cluster_name", "log_timezone"}) {
        CAPTURE(name);
        CHECK(values.at(name) == real_value(text, name));
    }
    CHECK(values.at("shared_buffers") == "8MB");
    CHECK(values.at("my.extension") == "-1.5e3");
}

TEST_CASE("lines that PostgreSQL would refuse and include directives are no settings") {
    CHECK(settings_of("include 'other.conf'\ninclude_dir = 'conf.d'\ninclude_if_exists 'x'\n").empty());
    CHECK(settings_of("archive_command = 'not closed\n").empty());
    CHECK(settings_of("archive_command = 'a' 'b'\n").empty());
    CHECK(settings_of("archive_command\n").empty());
    CHECK(settings_of("archive_command =\n").empty());
    CHECK(settings_of("9lives = 1\n").empty());
    CHECK(settings_of("archive-command = 1\n").empty());
    CHECK(settings_of("= 1\n").empty());
}

TEST_CASE("the lines that set a name are removed and nothing else") {
    const std::vector<std::string> names = {"restore_command", "Recovery_Target_Time"};
    CHECK(without_settings("a = 1\nrestore_command = 'x'\nb = 2\n", names) == "a = 1\nb = 2\n");
    CHECK(without_settings("a = 1\r\n  RESTORE_COMMAND 'x'\r\nb = 2\r\n", names) == "a = 1\r\nb = 2\r\n");
    CHECK(without_settings("a = 1\nrestore_command='x'", names) == "a = 1\n");
    CHECK(without_settings("restore_command'x'\na = 1", names) == "a = 1");
    CHECK(without_settings("recovery_target_time = '2026-11-22 07:28:41+00' # why\n", names).empty());
    CHECK(without_settings("restore_command = 'torn\n", names).empty());
    const std::string kept = "#restore_command = 'x'\n"
                             "restore_command_x = 1\n"
                             "my.restore_command = 1\n"
                             "x = 'restore_command = 1'\n"
                             "\n"
                             "   \t\n"
                             "recovery_target_timeline = 'latest'";
    CHECK(without_settings(kept, names) == kept);
    CHECK(without_settings("", names).empty());
}

TEST_CASE("pgBackRest's comments go with its settings") {
    CHECK(without_settings("# Do not edit this file manually!\n"
                           "# Recovery settings generated by pgBackRest restore on 2026-11-22 07:28:41\n"
                           "restore_command = 'pgbackrest --stanza=main archive-get %f \"%p\"'\n"
                           "# Removed by pgBackRest restore on 2026-11-22 07:28:41 # recovery_target_time = 'x'\n"
                           "archive_command = 'y'\n",
                           recovery_settings()) == "# Do not edit this file manually!\narchive_command = 'y'\n");
}

TEST_CASE("every recovery setting of the installed server is known") {
    for (const auto& name : recovery_settings()) {
        CAPTURE(name);
        // Gone since 16.
        if (name != "promote_trigger_file") {
            CHECK_NOTHROW(real_value("", name));
        }
    }
}

TEST_CASE("a block is written after the text and read back") {
    CHECK(with_block("a = 1\n", "recovery block", {{"restore_command", "it's %f"}, {"recovery_target_xid", ""}}) ==
          "a = 1\n"
          "# patroni_pgbackrest: recovery block, begin\n"
          "restore_command = 'it''s %f'\n"
          "recovery_target_xid = ''\n"
          "# patroni_pgbackrest: recovery block, end\n");
}

TEST_CASE("a text without its block is what it was, byte for byte") {
    const auto text =
        GENERATE(as<std::string>{}, "", "\n", "a = 1", "a = 1\n", "a = 1\r\n", "a = 1\r", "\n\na = 1\n\n\n",
                 "# patroni_pgbackrest: other, begin\nx = 1\n# patroni_pgbackrest: other, end\n");
    CAPTURE(text);
    const auto once = with_block(text, "recovery block", {{"a", "1"}});
    CHECK(without_block(text, "recovery block") == text);
    CHECK(without_block(once, "recovery block") == text);
    const auto again = with_block(once, "recovery block", {{"b", "2"}});
    CHECK(again == with_block(text, "recovery block", {{"b", "2"}}));
    CHECK(without_block(again, "recovery block") == text);
}

TEST_CASE("what somebody wrote behind a block stays, on a line of its own") {
    const auto text = with_block("a = 1", "recovery block", {{"x", "1"}}) + "b = 2\n";
    CHECK(without_block(text, "recovery block") == "a = 1\nb = 2\n");
}

TEST_CASE("a block without its end is left alone") {
    const std::string torn = "a = 1\n# patroni_pgbackrest: recovery block, begin\nx = 1\n";
    CHECK(without_block(torn, "recovery block") == torn);
    const auto whole = with_block(torn, "recovery block", {{"y", "2"}});
    CHECK(without_block(whole, "recovery block") == torn);
}

TEST_CASE("a wish stands in the place of the setting of its name, and one without a value leaves it to PostgreSQL") {
    const std::vector<Setting> settings = {{"fsync", "off"}, {"jit", "off"}, {"jit", "on"}, {"archive_command", ""}};
    CHECK(with_wishes(settings, {}).size() == settings.size());
    const auto wished = with_wishes(settings, {{"jit", "yes"}, {"shared_buffers", "1GB"}, {"fsync", ""}});
    CHECK(as_map(wished) ==
          std::map<std::string, std::string>{{"archive_command", ""}, {"jit", "yes"}, {"shared_buffers", "1GB"}});
    CHECK(with_wishes({}, {{"jit", ""}}).empty());
}
