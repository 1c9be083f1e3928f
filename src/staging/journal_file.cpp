#include "staging/journal.hpp"

#include "system/failure.hpp"
#include "system/file.hpp"
#include "system/text.hpp"
#include "system/whole_number.hpp"

#include <array>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace patroni_pgbackrest {

using nlohmann::json;
using system::whole_number;

namespace {

constexpr std::array<std::pair<Phase, const char*>, 6> phase_names{{{Phase::copying, "copying"},
                                                                    {Phase::copied, "copied"},
                                                                    {Phase::replaying, "replaying"},
                                                                    {Phase::recovered, "recovered"},
                                                                    {Phase::handing_over, "handing over"},
                                                                    {Phase::handed_over, "handed over"}}};

/// Of the file. It goes up when a program that knows only the one before would take what is in it for something else.
constexpr std::uint64_t journal_version = 1;

Phase phase_named(const std::string& name) {
    for (const auto& [phase, phase_name] : phase_names) {
        if (name == phase_name) {
            return phase;
        }
    }
    throw json::other_error::create(501, "unknown phase " + name, nullptr);
}

postgres::Lsn lsn_in(const json& content) {
    const auto lsn = postgres::Lsn::parse(content.get<std::string>());
    if (!lsn) {
        throw json::other_error::create(501, "unknown LSN " + content.get<std::string>(), nullptr);
    }
    return *lsn;
}

json json_of(const RestoreGoal& goal) {
    json content{{"type", goal.target.type()},
                 {"target", goal.target.value()},
                 {"exclusive", goal.target.exclusive},
                 {"ends_with_plan", goal.target.ends_with_plan},
                 {"timeline", goal.timeline.number},
                 {"last_segment", goal.last_segment},
                 {"segment_bytes", goal.segment_size.bytes},
                 {"checksums", goal.checksums}};
    if (goal.wal_end) {
        content["wal_end"] = goal.wal_end->text();
    }
    return content;
}

RestoreGoal goal_in(const json& content) {
    auto target = RecoveryTarget::parse(content.at("type").get<std::string>(), content.at("target").get<std::string>(),
                                        content.at("exclusive"));
    if (!target) {
        throw json::other_error::create(501, "unknown target " + content.at("type").get<std::string>(), nullptr);
    }
    target->ends_with_plan = content.value("ends_with_plan", false);
    RestoreGoal goal{*target,
                     {whole_number<std::uint32_t>(content.at("timeline"))},
                     content.at("last_segment"),
                     {whole_number<std::uint64_t>(content.at("segment_bytes"))},
                     content.at("checksums")};
    if (!goal.segment_size.is_possible()) {
        throw json::other_error::create(501, fmt::format("unknown segment size {}", goal.segment_size.bytes), nullptr);
    }
    if (content.contains("wal_end")) {
        goal.wal_end = lsn_in(content.at("wal_end"));
    }
    return goal;
}

void add_call(const std::optional<PatronisCall>& call, json& content) {
    if (call) {
        content["patronis_call"] = {{"block", call->block}, {"pgbackrest", call->origin}, {"given", call->given}};
    }
}

std::optional<PatronisCall> patronis_call_in(const json& content) {
    if (!content.contains("patronis_call")) {
        return std::nullopt;
    }
    const auto& call = content.at("patronis_call");
    return PatronisCall{call.at("block").get<std::string>(), call.at("pgbackrest").get<pgbackrest::Origin>(),
                        call.value("given", "")};
}

json json_of(const Reached& reached) {
    json content{{"timeline", reached.timeline.number}, {"lsn", reached.lsn.text()}, {"reason", reached.reason}};
    if (reached.time) {
        content["time"] = *reached.time;
    }
    return content;
}

Reached reached_in(const json& content) {
    Reached reached{{whole_number<std::uint32_t>(content.at("timeline"))},
                    lsn_in(content.at("lsn")),
                    content.at("reason"),
                    std::nullopt};
    if (content.contains("time")) {
        reached.time = content.at("time").get<std::string>();
    }
    return reached;
}

json json_of(const BootstrapCall& call) {
    json content{{"scope", call.scope}, {"member", call.member}, {"request", call.request}};
    add_call(call.of_patroni, content);
    return content;
}

BootstrapCall bootstrap_call_in(const json& content) {
    return BootstrapCall{content.at("scope"), content.at("member"), content.at("request"), patronis_call_in(content)};
}

json json_of(const HandedOver& directory) {
    json content{{"inode", directory.inode},
                 {"at", directory.at},
                 {"control_written_at", directory.control_written_at},
                 {"boot", directory.uptime.boot},
                 {"up", directory.uptime.seconds},
                 {"birth", directory.birth}};
    if (directory.redo) {
        content["redo"] = directory.redo->text();
    }
    return content;
}

HandedOver handed_over_in(const json& content) {
    return HandedOver{whole_number<std::uint64_t>(content.at("inode")),
                      whole_number<std::int64_t>(content.at("at")),
                      whole_number(content, "control_written_at", std::int64_t{0}),
                      {content.value("boot", ""), whole_number(content, "up", std::int64_t{0})},
                      content.value("birth", ""),
                      content.contains("redo") ? std::optional(lsn_in(content.at("redo"))) : std::nullopt};
}

json json_of(const BegunTimeline& begun) {
    return {{"number", begun.timeline.number}, {"history_written_at", begun.written_at}};
}

BegunTimeline begun_timeline_in(const json& content) {
    return BegunTimeline{{whole_number<std::uint32_t>(content.at("number"))},
                         whole_number<std::int64_t>(content.at("history_written_at"))};
}

json json_of(const Rejection& rejection) {
    return {{"message", rejection.message},
            {"hint", rejection.hint},
            {"configuration", rejection.configuration},
            {"at", rejection.at}};
}

Rejection rejection_in(const json& content) {
    return Rejection{content.at("message"), content.at("hint"), whole_number<std::size_t>(content.at("configuration")),
                     whole_number(content, "at", std::int64_t{0})};
}

json json_of(const KeptBase& base) {
    return {{"copy", base.copy}, {"boot", base.boot}, {"birth", base.birth}, {"taken", base.was_taken}};
}

KeptBase kept_base_in(const json& content) {
    return KeptBase{content.at("copy"), content.at("boot"), content.at("birth"), content.at("taken")};
}

/// What a journal need not have.
template <typename Part>
void add_part(json& content, const char* key, const std::optional<Part>& part) {
    if (part) {
        content[key] = json_of(*part);
    }
}

template <typename Part>
void read_part(const json& content, const char* key, Part (*part_in)(const json&), std::optional<Part>& part) {
    if (content.contains(key)) {
        part = part_in(content.at(key));
    }
}

}  // namespace

std::string text(Phase phase) {
    for (const auto& [candidate, name] : phase_names) {
        if (candidate == phase) {
            return name;
        }
    }
    return {};
}

void Journal::save(const std::filesystem::path& file) const {
    json content{{"version", journal_version},
                 {"lies_in", system::birth_of(file.parent_path()).value_or("")},
                 {"path", file.parent_path().string()},
                 {"scope", scope},
                 {"member", member},
                 {"request", request},
                 {"backup_set", backup_set},
                 {"system_identifier", system_identifier},
                 {"boot", boot},
                 {"phase", text(phase)},
                 {"outside", places.paths()},
                 {"births", places.births()},
                 {"never_led", never_led},
                 {"given_up", given_up},
                 {"hand_overs", hand_overs},
                 {"named", named},
                 {"circumstances", circumstances},
                 {"not_accepted", not_accepted},
                 {"control_inode", control_inode},
                 {"followed", followed},
                 {"is_copy", is_copy}};
    for (const auto& [timeline, checksum] : rejected_timelines) {
        content["rejected_timelines"].push_back({{"timeline", timeline.number}, {"last_segment_sha1", checksum}});
    }
    add_call(of_patroni, content);
    add_part(content, "begun", planning);
    add_part(content, "handed_over", handed_over);
    add_part(content, "begun_timeline", begun_timeline);
    add_part(content, "asked", goal);
    add_part(content, "reached", reached);
    add_part(content, "rejected", rejected);
    add_part(content, "base", base);
    system::replace_file(file, content.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

namespace {

void refuse_newer_journal(std::uint64_t written, const std::filesystem::path& file) {
    if (written > journal_version) {
        throw Failure(ExitCode::unsafe,
                      system::newer_file("the journal " + file.string(), "version", written, journal_version),
                      "use the newer patroni_pgbackrest that wrote it, or move it and the staging directory beside it "
                      "away: the next run starts over then");
    }
}

}  // namespace

std::optional<Journal> Journal::read(const std::filesystem::path& file) {
    const auto content = system::read_file_if_present(file);
    if (!content) {
        return std::nullopt;
    }
    try {
        const auto read = json::parse(*content);
        refuse_newer_journal(whole_number(read, "version", journal_version), file);
        Journal journal;
        journal.scope = read.value("scope", "");
        journal.member = read.value("member", "");
        journal.never_led = read.value("never_led", false);
        journal.given_up = read.value("given_up", false);
        journal.not_accepted = read.value("not_accepted", false);
        journal.hand_overs = whole_number(read, "hand_overs", 0U);
        journal.named = read.value("named", "");
        journal.circumstances = read.value("circumstances", "");
        for (const auto& timeline : read.value("rejected_timelines", json::array())) {
            journal.rejected_timelines[{whole_number<std::uint32_t>(timeline.at("timeline"))}] =
                timeline.at("last_segment_sha1");
        }
        journal.control_inode = whole_number(read, "control_inode", std::uint64_t{0});
        journal.followed = read.value("followed", "");
        journal.is_copy = read.value("is_copy", false);
        journal.request = read.at("request");
        journal.of_patroni = patronis_call_in(read);
        journal.backup_set = read.at("backup_set");
        journal.system_identifier = read.at("system_identifier");
        journal.boot = read.at("boot");
        journal.phase = phase_named(read.at("phase"));
        journal.places = Places(read.at("outside"), read.value("births", std::map<std::string, std::string>()));
        read_part(read, "begun", bootstrap_call_in, journal.planning);
        read_part(read, "handed_over", handed_over_in, journal.handed_over);
        read_part(read, "begun_timeline", begun_timeline_in, journal.begun_timeline);
        read_part(read, "asked", goal_in, journal.goal);
        read_part(read, "reached", reached_in, journal.reached);
        read_part(read, "rejected", rejection_in, journal.rejected);
        read_part(read, "base", kept_base_in, journal.base);
        const auto directory = file.parent_path();
        const auto lies_in = read.value("lies_in", "");
        // A snapshot of the disk keeps inodes and births; older journals have no path.
        if ((!lies_in.empty() && !system::is_same_birth(lies_in, system::birth_of(directory).value_or(""))) ||
            read.value("path", directory.string()) != directory.string()) {
            journal.take_as_copy();
        }
        return journal;
    } catch (const json::exception& error) {
        throw Failure(ExitCode::unsafe, fmt::format("the journal {} is damaged: {}", file.string(), error.what()),
                      "move it and the staging directory beside it away; the next run starts over");
    }
}

}  // namespace patroni_pgbackrest
