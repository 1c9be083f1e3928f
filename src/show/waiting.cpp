#include "show/waiting.hpp"

#include "postgres/wal.hpp"
#include "process/process_tree.hpp"
#include "system/process_facts.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace patroni_pgbackrest {

namespace {

using Words = std::vector<std::string>;

bool has(const Words& words, const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// The file that PostgreSQL asks our archive-get for. What pgBackRest's is called for may be fetched ahead.
std::string wanted_file(const Words& words) {
    const auto is_socket = [](const std::string& word) { return word.starts_with("--socket="); };
    if (!has(words, "archive-get") || std::none_of(words.begin(), words.end(), is_socket)) {
        return {};
    }
    const auto is_file = [](const std::string& word) {
        return postgres::is_segment_name(word) || postgres::is_history_name(word);
    };
    const auto found = std::find_if(words.begin(), words.end(), is_file);
    return found == words.end() ? std::string() : *found;
}

}  // namespace

std::string waits_for(const std::vector<Words>& command_lines) {
    std::string restore, replay;
    for (const auto& words : command_lines) {
        if (const auto file = wanted_file(words); !file.empty()) {
            return "pgbackrest archive-get of " + file;
        }
        // The title that a server's process gives itself is one word.
        const std::string title = words.empty() ? std::string() : words.front();
        if (title.starts_with("postgres: startup")) {
            replay = "PostgreSQL, whose process is called " + title;
        } else if (has(words, "restore")) {
            restore = "pgbackrest restore";
        } else if (has(words, "repo-get") || has(words, "repo-ls") || has(words, "info")) {
            restore = "pgbackrest, which reads the repository";
        }
    }
    return replay.empty() ? restore : replay;
}

std::string what_this_run_waits_for() {
    std::vector<Words> command_lines;
    const process::ProcessTree tree(::getpid());
    for (const auto& [pid, process] : tree.members()) {
        command_lines.push_back(system::arguments_of(pid));
    }
    return waits_for(command_lines);
}

}  // namespace patroni_pgbackrest
