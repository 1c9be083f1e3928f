#include "postgres/living_server.hpp"

#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/interruption.hpp"
#include "system/refusal.hpp"
#include "system/text.hpp"

#include <chrono>
#include <csignal>
#include <fmt/format.h>

namespace patroni_pgbackrest::postgres {

namespace {

namespace fs = std::filesystem;

/// Every process of a server has the data directory as its working directory (ChangeToDataDir in miscinit.c), and its
/// name does not change with its title.
bool works_in(const fs::path& process, const fs::path& data_directory) {
    std::error_code error;
    if (!fs::equivalent(process / "cwd", data_directory, error) || error) {
        return false;
    }
    const auto name = fs::read_symlink(process / "exe", error).filename().string();
    return name.rfind("postgres", 0) == 0 || name.rfind("postmaster", 0) == 0 || name.rfind("edb-postgres", 0) == 0;
}

/// Its postmaster is gone, or says that it is stopping: it will be over in a moment, unless something holds it.
bool is_ending(const fs::path& data_directory) {
    const auto file = PostmasterFile::read(data_directory);
    return !file || file->pid == 0 || file->status == "stopping" || kill(file->pid, 0) != 0;
}

}  // namespace

std::optional<PostmasterFile> PostmasterFile::read(const fs::path& data_directory) {
    const auto text = system::read_file_if_present(data_directory / "postmaster.pid");
    if (!text) {
        return {};
    }
    const auto lines = system::lines(*text);
    PostmasterFile file;
    if (!lines.empty()) {
        file.pid = static_cast<pid_t>(system::number(system::trim(lines[0])).value_or(0));
    }
    if (lines.size() >= 5) {
        file.port = system::trim(lines[3]);
        file.socket_directory = system::trim(lines[4]);
    }
    if (lines.size() >= 6) {
        file.listen_address = system::trim(lines[5]);
    }
    if (lines.size() >= 8) {
        file.status = system::trim(lines[7]);
    }
    return file;
}

std::optional<pid_t> living_server(const fs::path& data_directory) {
    std::error_code error;
    fs::directory_iterator process("/proc", error);
    for (const fs::directory_iterator end; !error && process != end; process.increment(error)) {
        const auto pid = system::number(process->path().filename().string());
        if (pid && works_in(process->path(), data_directory)) {
            return static_cast<pid_t>(*pid);
        }
    }
    if (error) {
        throw system::refused("read the process table in", "/proc", error.value());
    }
    return {};
}

void remove_stale_postmaster_file(const fs::path& data_directory) {
    using namespace std::chrono_literals;
    const auto deadline = std::chrono::steady_clock::now() + 7s;
    auto living = living_server(data_directory);
    while (living && is_ending(data_directory) && std::chrono::steady_clock::now() < deadline) {
        interruption::sleep(50ms);
        living = living_server(data_directory);
    }
    if (living) {
        throw Failure(ExitCode::unsafe,
                      fmt::format("process {} of a PostgreSQL server works in {}", *living, data_directory.string()),
                      "stop that server first; if it does not stop, look at what holds it");
    }
    system::remove_file(data_directory / "postmaster.pid");
}

}  // namespace patroni_pgbackrest::postgres
