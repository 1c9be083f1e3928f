#include "replay/ticket.hpp"

#include "plan/timeline_choice.hpp"
#include "system/file.hpp"
#include "system/text.hpp"
#include "system/whole_number.hpp"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <system_error>

namespace patroni_pgbackrest {

using nlohmann::json;
using system::whole_number;

namespace {

[[noreturn]] void damaged(const char* file, const std::string& what) {
    throw Failure(ExitCode::verification_failed, std::string(file) + " is damaged: " + what,
                  "do not start this data directory: restore it again");
}

constexpr std::uint64_t ticket_version = 1;  // of the ticket, and of what lies beside it for as long

/// What a newer program wants to be guarded is not known here: the guard delivers nothing.
void refuse_newer_ticket(std::uint64_t written) {
    if (written > ticket_version) {
        throw Failure(ExitCode::verification_failed,
                      system::newer_file(Ticket::file_name, "version", written, ticket_version),
                      "use the newer patroni_pgbackrest that wrote it, or move the data directory away and restore it "
                      "again");
    }
}

/// pgBackRest before 2.36 tells no LSN.
std::optional<postgres::Lsn> end_of_backup(const Plan& plan) {
    const auto last = postgres::Segment::parse(plan.backup.archive_stop, plan.segment_size);
    return plan.backup.lsn_stop ? plan.backup.lsn_stop
           : last               ? std::optional(last->end(plan.segment_size))
                                : std::nullopt;
}

postgres::Lsn lsn_of(const json& text) {
    const auto lsn = postgres::Lsn::parse(text.get<std::string>());
    if (!lsn) {
        damaged(OnlyOnce::file_name, "it does not say where");
    }
    return *lsn;
}

}  // namespace

bool Ticket::plans(const std::string& segment) const {
    PlannedWal planned;
    planned.ranges = wal;
    return planned.contains(segment);
}

std::optional<std::string> Ticket::segment_after(const std::string& segment, postgres::SegmentSize size) const {
    const auto parsed = postgres::Segment::parse(segment, size);
    if (!parsed) {
        return std::nullopt;
    }
    auto next = parsed->next();
    for (next.timeline = timeline; next.timeline >= parsed->timeline && next.timeline.number > 0;
         --next.timeline.number) {
        if (const auto name = next.name(size); plans(name)) {
            return name;
        }
    }
    return std::nullopt;
}

bool Ticket::needs(const std::string& segment, postgres::SegmentSize size) const {
    const auto parsed = postgres::Segment::parse(segment, size);
    return latest && parsed && plans(segment) && (!wal_end || parsed->start(size) < *wal_end);
}

bool Ticket::is_in_its_place() const {
    std::error_code error;
    return data_directory.empty() || std::filesystem::equivalent(".", data_directory, error);
}

process::Command Ticket::command() const {
    process::Command command{archive_get.front(), {archive_get.begin() + 1, archive_get.end()}};
    pgbackrest::ignore_environment(command);
    if (variables) {
        pgbackrest::tell_by(*variables, command);
    }
    return command;
}

std::string Ticket::to_json() const {
    json ranges = json::array();
    for (const auto& range : wal) {
        ranges.push_back({range.first, range.last});
    }
    json content{{"version", ticket_version},
                 {"recovery", text(recovery)},
                 {"scope", scope},
                 {"target", target},
                 {"latest", latest},
                 {"explicit_timeline", explicit_timeline},
                 {"newest_timeline", newest_timeline},
                 {"timeline", timeline.number},
                 {"past", past},
                 {"wal", ranges},
                 {"wal_end", wal_end ? wal_end->text() : ""},
                 {"backup_end", backup_end ? backup_end->text() : ""},
                 {"archive_get", archive_get},
                 {"incoming", incoming},
                 {"retries", retry.retries},
                 {"retry_wait", retry.wait.count()},
                 {"target_type", stop.type()},
                 {"target_value", stop.value()},
                 {"target_exclusive", stop.exclusive},
                 {"ends_with_plan", stop.ends_with_plan},
                 {"data_directory", data_directory},
                 {"places", places},
                 {"scratch", scratch},
                 {"base_configuration", base_configuration}};
    for (const auto history : histories) {
        content["histories"].push_back(history.number);
    }
    if (segment_size) {
        content["segment_size"] = segment_size->bytes;
    }
    if (variables) {
        content["variables"] = *variables;
    }
    return content.dump(2) + "\n";
}

Ticket Ticket::from_json(const std::string& content) {
    try {
        const auto read = json::parse(content);
        refuse_newer_ticket(whole_number(read, "version", ticket_version));
        Ticket ticket;
        ticket.recovery = read.at("recovery") == "patroni" ? Recovery::patroni : Recovery::standalone;
        ticket.scope = read.at("scope");
        ticket.target = read.at("target");
        ticket.latest = read.at("latest");
        ticket.explicit_timeline = read.at("explicit_timeline");
        ticket.newest_timeline = read.at("newest_timeline");
        ticket.timeline.number = whole_number<std::uint32_t>(read.at("timeline"));
        ticket.past = read.value("past", "");
        for (const auto& range : read.at("wal")) {
            ticket.wal.push_back({range.at(0), range.at(1)});
        }
        ticket.wal_end = postgres::Lsn::parse(read.value("wal_end", ""));
        ticket.backup_end = postgres::Lsn::parse(read.value("backup_end", ""));
        if (read.contains("segment_size")) {
            ticket.segment_size = postgres::SegmentSize{whole_number<std::uint64_t>(read.at("segment_size"))};
        }
        ticket.archive_get = read.at("archive_get").get<std::vector<std::string>>();
        ticket.incoming = read.value("incoming", "");
        if (read.contains("histories")) {
            for (const auto& number : read.at("histories")) {
                ticket.histories.insert(postgres::Timeline{whole_number<std::uint32_t>(number)});
            }
        }
        if (read.contains("variables")) {
            ticket.variables = read.at("variables").get<pgbackrest::Variables>();
        }
        ticket.retry.retries = whole_number<unsigned>(read.at("retries"));
        ticket.retry.wait = std::chrono::seconds(whole_number<unsigned>(read.at("retry_wait")));
        const auto stop = RecoveryTarget::parse(read.value("target_type", "default"), read.value("target_value", ""),
                                                read.value("target_exclusive", false));
        ticket.stop = stop.value_or(RecoveryTarget{Latest{}});
        ticket.stop.ends_with_plan = read.value("ends_with_plan", false);
        ticket.data_directory = read.value("data_directory", "");
        ticket.places = read.value("places", std::vector<std::string>());
        ticket.scratch = read.value("scratch", "");
        ticket.base_configuration = read.at("base_configuration");
        if (ticket.archive_get.empty()) {
            damaged(file_name, "archive_get is empty");
        }
        return ticket;
    } catch (const json::exception& error) {
        damaged(file_name, error.what());
    }
}

std::optional<Ticket> Ticket::in(const std::filesystem::path& data_directory) {
    const auto content = system::read_file_if_present(data_directory / file_name);
    return content ? std::optional(from_json(*content)) : std::nullopt;
}

Ticket make_ticket(const Request& request, const Plan& plan) {
    Ticket ticket;
    ticket.recovery = request.recovery;
    ticket.scope = request.scope;
    ticket.target = request.target.text();
    ticket.latest = request.target.is_latest();
    ticket.stop = request.target;
    ticket.data_directory = request.data_directory.string();
    ticket.scratch = request.scratch.value_or("").string();
    ticket.explicit_timeline = plan.explicit_timeline;
    ticket.newest_timeline = plan.newest_timeline && !first_timeline_without_history(plan);
    ticket.timeline = plan.timeline();
    ticket.past = plan.history.text();
    ticket.wal = plan.wal.ranges;
    ticket.wal_end = plan.wal_end;
    ticket.segment_size = plan.segment_size;
    ticket.backup_end = end_of_backup(plan);
    ticket.variables = pgbackrest::variables_of_origin();
    ticket.retry = request.retry;
    return ticket;
}

std::optional<postgres::Timeline> first_timeline_without_history(const Plan& plan) {
    for (postgres::Timeline timeline{starting_timeline(plan.backup).number + 1}; timeline < plan.timeline();
         ++timeline.number) {
        if (!plan.archive_end.histories.contains(timeline)) {
            return timeline;
        }
    }
    return std::nullopt;
}

std::vector<std::string> archive_get_words(const Request& request, const std::filesystem::path& data_directory,
                                           const std::vector<pgbackrest::Option>& more) {
    std::vector<pgbackrest::Option> options = {{"pg1-path", data_directory.string()},
                                               {"reset-pg1-host"},
                                               {"log-level-console", "off"},
                                               {"log-level-stderr", "warn"},
                                               // For the asynchronous process; the guard asks without it after that.
                                               {"archive-timeout", "10"}};
    if (request.repository) {
        options.push_back({"repo", std::to_string(*request.repository)});
    }
    options.insert(options.end(), more.begin(), more.end());
    const auto command = request.pgbackrest.command("archive-get", options);
    std::vector<std::string> words = {command.program};
    words.insert(words.end(), command.arguments.begin(), command.arguments.end());
    return words;
}

void OnlyOnce::save(const std::filesystem::path& data_directory) const {
    json content{{"at", at.text()}, {"startup_process", startup_process}};
    for (const auto& copy : copies) {
        content["copies"].push_back({{"at", copy.at.text()},
                                     {"database", copy.database},
                                     {"source", copy.source},
                                     {"source_tablespace", copy.source_tablespace}});
    }
    system::replace_file(data_directory / file_name, content.dump() + "\n");
}

std::optional<OnlyOnce> OnlyOnce::in(const std::filesystem::path& data_directory) {
    const auto content = system::read_file_if_present(data_directory / file_name);
    if (!content) {
        return std::nullopt;
    }
    try {
        const auto read = json::parse(*content);
        OnlyOnce once{lsn_of(read.at("at")), read.value("startup_process", "")};
        for (const auto& copy : read.value("copies", json::array())) {
            once.copies.push_back({lsn_of(copy.at("at")), whole_number<std::uint32_t>(copy.at("database")),
                                   whole_number<std::uint32_t>(copy.at("source")),
                                   whole_number<std::uint32_t>(copy.at("source_tablespace"))});
        }
        return once;
    } catch (const json::exception& error) {
        damaged(file_name, error.what());
    }
}

void ReplayNotes::save(const std::filesystem::path& data_directory) const {
    json notes{{"startup_process", startup_process}, {"served", served}, {"served_last", served_last}};
    if (aborted_with) {
        notes["aborted_with"] = *aborted_with;
        notes["abort_message"] = abort_message;
        notes["abort_hint"] = abort_hint;
        notes["abort_lasts"] = abort_lasts;
        notes["wanted_places"] = wanted_places;
    }
    system::replace_file(data_directory / file_name, notes.dump() + "\n");
}

std::optional<ReplayNotes> ReplayNotes::in(const std::filesystem::path& data_directory) {
    const auto content = system::read_file_if_present(data_directory / file_name);
    if (!content) {
        return std::nullopt;
    }
    try {
        const auto read = json::parse(*content);
        ReplayNotes notes;
        notes.startup_process = read.at("startup_process");
        notes.served = read.at("served");
        notes.served_last = read.at("served_last");
        if (read.contains("aborted_with")) {
            notes.aborted_with = whole_number<int>(read.at("aborted_with"));
            notes.abort_message = read.at("abort_message");
            notes.abort_hint = read.at("abort_hint");
            notes.abort_lasts = read.value("abort_lasts", false);
            notes.wanted_places = read.value("wanted_places", std::vector<std::string>());
        }
        return notes;
    } catch (const json::exception& error) {
        damaged(file_name, error.what());
    }
}

}  // namespace patroni_pgbackrest
