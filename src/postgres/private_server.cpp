#include "postgres/private_server.hpp"

#include "postgres/control_data.hpp"
#include "postgres/living_server.hpp"
#include "postgres/server_log.hpp"
#include "postgres/server_progress.hpp"
#include "system/failure.hpp"
#include "system/log.hpp"
#include "system/text.hpp"

#include <chrono>
#include <csignal>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace patroni_pgbackrest::postgres {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// The settings that this class needs itself. The first decides how the log lines look.
std::vector<Setting> own_settings(const fs::path& directory) {
    return {
        {"log_line_prefix", std::string(server_log_prefix)},
        {"lc_messages", "C"},
        {"log_min_messages", "warning"},
        {"log_error_verbosity", "default"},
        {"log_destination", "stderr"},
        {"logging_collector", "off"},
        {"log_timezone", "UTC"},
        {"log_checkpoints", "off"},
        {"checkpoint_warning", "0"},
        {"config_file", directory / "postgresql.conf"},
        {"hba_file", directory / "pg_hba.conf"},
        {"ident_file", directory / "pg_ident.conf"},
        {"external_pid_file", directory / "postmaster.pid"},
        {"listen_addresses", ""},
        {"port", "5432"},
        {"unix_socket_directories", directory},
        {"unix_socket_permissions", "0700"},
        {"unix_socket_group", ""},
        {"ssl", "off"},
        {"cluster_name", ""},
        {"shared_preload_libraries", ""},
        {"session_preload_libraries", ""},
        {"local_preload_libraries", ""},
        // posix fails where /dev/shm is not writable, as in some containers.
        {"dynamic_shared_memory_type", "mmap"},
        {"hot_standby", "off"},
        {"autovacuum", "off"},
        {"jit", "off"},
        {"restart_after_crash", "off"},
        // Once promoted, it would otherwise connect to the publishers of the restored subscriptions and take their
        // changes.
        {"max_logical_replication_workers", "0"},
        // A recycled segment at the end of the archive looks like a damaged one.
        {"wal_recycle", "off"},
    };
}

process::Command command_for(const PrivateServer::Options& options, const fs::path& directory) {
    process::Command command{(options.bin_directory / "postgres").string(), {"-D", options.data_directory.string()}};
    auto settings = own_settings(directory);
    settings.insert(settings.end(), options.settings.begin(), options.settings.end());
    for (const auto& setting : with_wishes(std::move(settings), options.wishes)) {
        command.arguments.emplace_back("-c");
        command.arguments.push_back(fmt::format("{}={}", setting.name, setting.value));
    }
    command.writable = options.writable;
    command.writable->push_back(options.data_directory);
    command.writable->push_back(directory);
    command.environment = {{"LC_ALL", "C"}, {"LANGUAGE", ""}, {"PGDATA", ""}, {"PGOPTIONS", ""}};
    return command;
}

void write_own_files(const system::PrivateDirectory& directory) {
    directory.write("postgresql.conf", "");
    directory.write("pg_hba.conf", "local all all trust\n");
    directory.write("pg_ident.conf", "");
}

}  // namespace

struct PrivateServer::State {
    State(Options given, OnLine callback)
        : options(std::move(given)), log(read_control_data(options.bin_directory, options.data_directory).segment_size),
          on_line(std::move(callback)) {}

    void take(std::string_view line) {
        ++lines;
        log.take(line);
        if (on_line) {
            on_line(log.recovery());
        }
    }

    /// Runs the event loop until `done` returns true or the server has ended. Throws if nothing happens for `stall`.
    template <typename Done>
    void wait_for(Done done, std::chrono::seconds stall, std::string_view what) {
        ServerProgress progress(::getpid());  // what fetches WAL for the server is a child of ours, too
        auto lines_seen = lines;
        auto last_look = std::chrono::steady_clock::now();
        auto last_change = last_look;
        while (!child->wait_for_event(100ms) && !done()) {
            if (options.meanwhile) {
                options.meanwhile();
            }
            const auto now = std::chrono::steady_clock::now();
            // Each look walks over every process of the host.
            if (now - last_look < 500ms) {
                continue;
            }
            last_look = now;
            if (const bool spoke = lines != lines_seen; progress.advanced() || spoke) {
                last_change = now;
            }
            lines_seen = lines;
            if (now - last_change >= stall) {
                throw Failure(ExitCode::replay_failed,
                              fmt::format("PostgreSQL in {} did nothing for {} seconds {}: {}",
                                          options.data_directory.string(), stall.count(), what, last_words()),
                              "look at what it waits for (disk, restore_command, memory), then run it again");
            }
        }
    }

    std::string last_words() const {
        const auto& words = log.recovery().last_words;
        return words.empty() ? "it said nothing" : system::join(words, "\n");
    }

    bool is_ready() const {
        const auto file = PostmasterFile::read(options.data_directory);
        return file && file->pid == child->pid() && file->status == "ready";
    }

    Options options;
    system::PrivateDirectory directory;
    ServerLog log;
    OnLine on_line;
    unsigned long long lines = 0;
    std::unique_ptr<process::Child> child;  // the last member: its end calls take() once more
};

PrivateServer::PrivateServer(Options options, OnLine on_line)
    : state_(std::make_unique<State>(std::move(options), std::move(on_line))) {
    auto* const state = state_.get();
    remove_stale_postmaster_file(state->options.data_directory);
    write_own_files(state->directory);
    const auto command = command_for(state->options, state->directory.path());
    log::debug("starting {}", command.text());
    const auto take = [state](std::string_view line) { state->take(line); };
    // SIGQUIT: if this program dies, the server ends at once, without a checkpoint that nobody waits for.
    state->child = std::make_unique<process::Child>(command, take, take, SIGQUIT);
    if (const auto& outcome = state->child->outcome()) {
        process::require_resources(command.program, *outcome);
    }
}

/// ~Child ends it with SIGQUIT. A postmaster waits 5 s before it kills children that ignore that. It does not get so
/// much time.
PrivateServer::~PrivateServer() = default;

bool PrivateServer::wait_until_ready(std::chrono::seconds stall) {
    state_->wait_for([this] { return state_->is_ready(); }, stall, "while it started");
    return !state_->child->outcome();
}

void PrivateServer::stop(std::chrono::seconds stall) {
    if (!state_->child->outcome()) {
        state_->child->signal(SIGINT);
        state_->wait_for([] { return false; }, stall, "while it stopped");
    }
    const auto& outcome = state_->child->outcome();
    if (!process::succeeded(*outcome)) {
        throw Failure(ExitCode::replay_failed,
                      fmt::format("PostgreSQL in {} did not stop cleanly, it {}: {}",
                                  state_->options.data_directory.string(), process::describe(*outcome),
                                  state_->last_words()),
                      "nothing was handed over; run it again: the replay starts over if it has to");
    }
}

const fs::path& PrivateServer::socket_directory() const {
    return state_->directory.path();
}

const RecoveryLog& PrivateServer::log() const {
    return state_->log.recovery();
}

const std::optional<process::Outcome>& PrivateServer::outcome() const {
    return state_->child->outcome();
}

}  // namespace patroni_pgbackrest::postgres
