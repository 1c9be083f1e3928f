#include "checks/verification.hpp"

#include "postgres/binaries.hpp"
#include "postgres/control_data.hpp"
#include "replay/ticket.hpp"
#include "system/file.hpp"
#include "system/log.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;

namespace {

constexpr const char* hint = "nothing was handed over; the next run copies what is wrong again";

class Verification {
  public:
    Verification(const Request& request, const Plan& plan, const fs::path& data, const fs::path& bin_directory)
        : request_(request), plan_(plan), data_(data), bin_directory_(bin_directory) {}

    std::vector<Problem> all() {
        const auto control = postgres::read_control_data(bin_directory_, data_);
        require(postgres::major_version(data_) == plan_.major_version, "PG_VERSION is not the backup's");
        require(control.system_identifier == plan_.database.system_identifier,
                fmt::format("system identifier {} is not the backup's, {}", control.system_identifier,
                            plan_.database.system_identifier));
        require(
            control.segment_size.bytes == plan_.segment_size.bytes,
            fmt::format("WAL segments have {} bytes, not {}", control.segment_size.bytes, plan_.segment_size.bytes));
        permissions();
        if (request_.recovery == Recovery::standalone) {
            require(control.state == postgres::ClusterState::shut_down,
                    "pg_control says " + control.state_text + " instead of shut down");
            require(control.timeline > plan_.timeline(),
                    fmt::format("timeline {} is not new", control.timeline.text()));
            for (const char* name : {"recovery.signal", "backup_label", "postmaster.pid", Ticket::file_name}) {
                absent(name);
            }
        } else {
            require(fs::exists(data_ / "backup_label"), "backup_label is missing");
            require(fs::exists(data_ / Ticket::file_name), "the ticket is missing");
        }
        absent("standby.signal");
        return std::move(problems_);
    }

  private:
    void require(bool condition, std::string message) {
        if (!condition) {
            problems_.push_back({data_.string() + ": " + std::move(message), hint});
        }
    }

    void absent(const std::string& name) { require(!fs::exists(data_ / name), name + " is there"); }

    void permissions() {
        // PostgreSQL refuses to start with anything else than u=rwx or u=rwx,g=rx.
        struct stat facts {};
        require(::stat(data_.c_str(), &facts) == 0 &&
                    ((facts.st_mode & 07777) == 0700 || (facts.st_mode & 07777) == 0750),
                fmt::format("permissions are {:o}, not 700 or 750", facts.st_mode & 07777U));
    }

    const Request& request_;
    const Plan& plan_;
    const fs::path& data_;
    const fs::path& bin_directory_;
    std::vector<Problem> problems_;
};

}  // namespace

void verify_directory(const Request& request, const Plan& plan, const StagingDirectory& staging,
                      const fs::path& bin_directory) {
    auto problems = Verification(request, plan, staging.path(), bin_directory).all();
    if (!problems.empty()) {
        throw Failure(ExitCode::verification_failed, std::move(problems));
    }
}

fs::path set_aside_dynamic_configuration(const StagingDirectory& staging) {
    const auto file = staging.path() / "patroni.dynamic.json";
    const auto content = system::read_file_if_present(file);
    if (!content) {
        return {};
    }
    if (staging.layout().inside) {
        system::remove_file(file);
        log::info(
            "the source's patroni.dynamic.json is left out: a restarted Patroni would load it; it is in the backup");
        return {};
    }
    const auto kept = staging.layout().workspace / "patroni.dynamic.json";
    system::replace_file(kept, *content);
    system::remove_file(file);
    log::info("the source's patroni.dynamic.json is kept in {}: a restarted Patroni would have loaded it",
              kept.string());
    return kept;
}

}  // namespace patroni_pgbackrest
