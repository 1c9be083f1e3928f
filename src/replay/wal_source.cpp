#include "replay/wal_source.hpp"

#include "patroni/command_words.hpp"
#include "pgbackrest/configured_spool.hpp"
#include "pgbackrest/working_places.hpp"
#include "process/process_tree.hpp"
#include "replay/settings.hpp"
#include "system/file.hpp"
#include "system/machine.hpp"

#include <chrono>
#include <filesystem>
#include <string>

namespace patroni_pgbackrest {

std::vector<pgbackrest::Option> options_ahead(const Request& request, const Layout& layout, std::uint64_t queue) {
    const auto processes = processes_for(request, "archive-get", request.repository);
    return {{"archive-async"},
            {"archive-get-queue-max", std::to_string(queue)},
            {"process-max", std::to_string(processes)},
            {"spool-path", layout.spool().string()},
            {"lock-path", layout.pgbackrest_lock().string()}};
}

WalServer::Options wal_of(const Request& request, const Plan& plan, const StagingDirectory& staging) {
    const auto& data = staging.path();
    const auto spool = staging.layout().spool();
    const auto locks = staging.layout().pgbackrest_lock();
    std::filesystem::create_directories(spool);
    std::filesystem::create_directories(locks);
    const auto queue = archive_get_queue(system::free_bytes(data), system::available_memory());

    WalServer::Options wal;
    wal.data_directory = data;
    wal.ticket = make_ticket(request, plan);
    wal.ticket.places = staging.journal().places.owned().paths();
    wal.ticket.archive_get = archive_get_words(request, data, options_ahead(request, staging.layout(), queue));
    wal.fetch.archive_get = wal.ticket.command();
    wal.fetch.archive_get.writable = pgbackrest::working_places(request.pgbackrest);
    auto& writable = *wal.fetch.archive_get.writable;
    writable.insert(writable.end(), {spool, locks, data / "pg_wal"});
    // After a power cut the copy begins anew.
    wal.fetch.archive_get.flushes =
        pgbackrest::may_need_privileges_left(request.pgbackrest, "archive-get", request.repository);
    wal.fetch.spool = spool;
    wal.fetch.incoming = spool / "archive" / request.pgbackrest.stanza / "in";
    wal.fetch.size = plan.segment_size;
    wal.fetch.queue = queue;
    return wal;
}

namespace {

constexpr std::chrono::seconds grace_of_archive_get(2);

std::string word_of_spool(const Layout& layout) {
    return "--spool-path=" + layout.spool().string();
}

std::error_code remove_spool(const Layout& layout) {
    std::error_code error;
    std::filesystem::remove_all(layout.spool(), error);
    if (error == std::errc::directory_not_empty) {
        // A worker, which ends with its parent, but not before its file, has just begun one.
        std::filesystem::remove_all(layout.spool(), error);
    }
    return error;
}

}  // namespace

std::error_code empty_spool(const Layout& layout) {
    process::end_processes_with(word_of_spool(layout), grace_of_archive_get);
    return remove_spool(layout);
}

void leave_spool(const Layout& layout) {
    process::try_to_end_processes_with(word_of_spool(layout), grace_of_archive_get);
    remove_spool(layout);
}

void leave_spool(const Ticket& ticket) {
    pgbackrest::empty_incoming(ticket.incoming);
    const auto named = patroni::option_in(ticket.archive_get, "spool-path");
    if (!named) {
        return;
    }
    const std::filesystem::path spool(*named);
    Layout layout;
    layout.workspace = spool.parent_path();
    if (layout.spool() != spool || !layout.workspace.string().ends_with(".restoring.d")) {
        return;  // somebody else's
    }
    leave_spool(layout);
    std::error_code ignored;
    std::filesystem::remove_all(layout.pgbackrest_lock(), ignored);
    std::filesystem::remove(layout.workspace, ignored);  // while the journal is in it, it stays
}

}  // namespace patroni_pgbackrest
