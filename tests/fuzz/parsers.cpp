// A libFuzzer target for everything that reads what others wrote. The first byte chooses the parser, the rest is its
// input. A Failure is an answer; any other exception, a signal or a report of a sanitizer is a finding.
#include "patroni/configuration.hpp"
#include "patroni/members.hpp"
#include "patroni/secrets.hpp"
#include "pgbackrest/archive.hpp"
#include "pgbackrest/info.hpp"
#include "postgres/control_data.hpp"
#include "postgres/file_effects.hpp"
#include "postgres/segment_facts.hpp"
#include "postgres/timeline_history.hpp"
#include "replay/ticket.hpp"
#include "staging/journal.hpp"
#include "system/failure.hpp"
#include "system/file.hpp"
#include "yaml/edit.hpp"
#include "yaml/readable.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

using namespace patroni_pgbackrest;

namespace {

void patroni_yml(const std::string& text) {
    patroni::configuration_in(*yaml::parse(text, "patroni.yml"), "patroni.yml");
}

/// What was set is there, and was the only change: set() and remove() compare the trees themselves.
void change_of_yaml(const std::string& text) {
    using yaml::NewNode;
    const yaml::Path path{"a", "b"};
    const auto document = yaml::read(text, "patroni.yml");
    patroni::lines_to_show(document);
    const auto changed = yaml::set(document, path, NewNode::of_text("value: #"));
    if (yaml::set(changed, path, NewNode::of_text("value: #")).text != changed.text) {
        std::abort();
    }
    yaml::require_readable_by_patroni(text, "patroni.yml");
    yaml::prepend(document, {"a"}, NewNode::of_text("item"), NewNode::of_list({}));
    yaml::remove(document, {"a"});
}

void info(const std::string& text) {
    pgbackrest::why_not_restorable(pgbackrest::parse_info(text, "demo"));
}

void listing(const std::string& text) {
    pgbackrest::parse_listing(text);
}

void members(const std::string& text) {
    patroni::leader_in(text);
    patroni::bootstrapping_in(text, patroni::InitializeKey::empty);
    patroni::members_in(text);
}

void ticket(const std::string& text) {
    Ticket::from_json(Ticket::from_json(text).to_json());
}

void journal(const std::string& text) {
    static const system::PrivateDirectory directory;
    const auto file = directory.path() / "journal";
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
    Journal::read(file);
}

void timeline_history(const std::string& text) {
    postgres::TimelineHistory::parse(postgres::Timeline{7}, text);
}

void control_data(const std::string& text) {
    postgres::ControlData::parse(text);
}

/// As segment 1 of a cluster with segments of 1 MiB, and as the one behind it. The checksum keeps a fuzzer from records
/// of its own, so what a record says is tried with the bytes alone as well.
void wal(const std::string& bytes) {
    const auto next = [&](std::uint64_t number, std::uint64_t /*bytes*/) {
        return number == 2 ? std::optional<std::string_view>(bytes) : std::nullopt;
    };
    postgres::facts_of_segment(1, bytes, {.segment_size = {1 << 20}}, next);
    postgres::file_effects(bytes, {{postgres::Timeline{1}, 1}, bytes}, {1 << 20});
    postgres::WalRecord record;
    record.bytes = bytes;
    record.major = 18;
    for (const int manager : {0, 1, 5}) {
        for (int info = 0; info < 256; info += 16) {
            record.resource_manager = static_cast<std::uint8_t>(manager);
            record.info = static_cast<std::uint8_t>(info);
            postgres::decode(record);
            postgres::lost_record(record);
        }
    }
}

constexpr std::array parsers = {patroni_yml, change_of_yaml,   info,         listing, members, ticket,
                                journal,     timeline_history, control_data, wal};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    try {
        // The committed corpus begins with a letter: `a` is the first parser.
        parsers[(data[0] + parsers.size() * 26 - 'a') % parsers.size()](
            std::string(reinterpret_cast<const char*>(data) + 1, size - 1));
    } catch (const Failure&) {
    }
    return 0;
}
