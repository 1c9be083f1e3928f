#include "replay/ticket.hpp"

#include "support/archives.hpp"
#include "support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest;
using postgres::Timeline;

namespace {

Problems damage(const std::string& text) {
    return problems_of(ExitCode::verification_failed, [&] { Ticket::from_json(text); });
}

Ticket full() {
    Ticket ticket;
    ticket.recovery = Recovery::patroni;
    ticket.scope = "demo";
    ticket.target = "name \"before\" the upgrade";
    ticket.latest = false;
    ticket.explicit_timeline = true;
    ticket.newest_timeline = false;
    ticket.timeline = Timeline{7};
    ticket.wal = {{segment(6, 2), segment(6, 5)}, {segment(7, 6), segment(7, 9)}};
    ticket.archive_get = {"/usr/bin/pgbackrest", "--stanza=demo", "archive-get"};
    ticket.retry.retries = 3;
    ticket.retry.wait = std::chrono::seconds(9);
    ticket.base_configuration = "/data/postgresql.base.conf";
    return ticket;
}

Ticket made(const Plan& plan) {
    auto ticket = make_ticket(request_for(), plan);
    ticket.archive_get = {"pgbackrest"};
    return ticket;
}

}  // namespace

TEST_CASE("a ticket comes back from its file as it was") {
    const auto written = full();
    const auto read = Ticket::from_json(written.to_json());
    CHECK(read.to_json() == written.to_json());
    CHECK(read.recovery == Recovery::patroni);
    CHECK(read.scope == "demo");
    CHECK(read.target == written.target);
    CHECK_FALSE(read.latest);
    CHECK(read.explicit_timeline);
    CHECK_FALSE(read.newest_timeline);
    CHECK(read.timeline == Timeline{7});
    REQUIRE(read.wal.size() == 2);
    CHECK(read.last_segment() == segment(7, 9));
    CHECK(read.archive_get == written.archive_get);
    CHECK(read.retry.retries == 3);
    CHECK(read.retry.wait.count() == 9);
    CHECK(read.base_configuration == "/data/postgresql.base.conf");
}

TEST_CASE("a ticket says where the backup ended, also where pgBackRest told no LSN") {
    CHECK_FALSE(Ticket::from_json(full().to_json()).backup_end);
    auto plan = make_plan(request_for(), one_timeline());
    const auto end_in = [&] { return Ticket::from_json(made(plan).to_json()).backup_end; };
    REQUIRE(plan.backup.lsn_stop);
    CHECK(end_in() == plan.backup.lsn_stop);
    plan.backup.lsn_stop.reset();
    CHECK(end_in() == postgres::Segment::parse(plan.backup.archive_stop, plan.segment_size)->end(plan.segment_size));
}

TEST_CASE("a ticket has its archive-get told by variables what the restore was planned with") {
    CHECK_FALSE(Ticket::from_json(full().to_json()).variables);
    auto told = full();
    told.variables = pgbackrest::Variables{{"PGBACKREST_CONFIG", "/etc/other.conf"}};
    const auto read = Ticket::from_json(told.to_json());
    CHECK(read.variables == told.variables);
    const auto command = read.command();
    CHECK(command.program == "/usr/bin/pgbackrest");
    CHECK(command.arguments == std::vector<std::string>{"--stanza=demo", "archive-get"});
    CHECK(command.environment.at("PGBACKREST_CONFIG") == "/etc/other.conf");
    CHECK(command.environment.at("PGBACKREST_REPO").empty());
    auto damaged = nlohmann::json::parse(told.to_json());
    damaged["variables"] = 7;
    CHECK(damage(damaged.dump()).size() == 1);
}

TEST_CASE("a ticket says whether the restore ends with its plan") {
    CHECK_FALSE(Ticket::from_json(full().to_json()).stop.ends_with_plan);
    auto ends_with_plan = full();
    ends_with_plan.stop.ends_with_plan = true;
    CHECK(Ticket::from_json(ends_with_plan.to_json()).stop.ends_with_plan);
    Request request;
    request.target.ends_with_plan = true;
    CHECK(make_ticket(request, make_plan(request, one_timeline())).stop.ends_with_plan);
}

TEST_CASE("a ticket says where the WAL ends") {
    CHECK_FALSE(Ticket::from_json(full().to_json()).wal_end);
    auto ending = full();
    ending.wal_end = postgres::Lsn{0x9000158};
    CHECK(Ticket::from_json(ending.to_json()).wal_end == postgres::Lsn{0x9000158});
}

TEST_CASE("a ticket needs the histories that the archive had, so that no number is taken twice") {
    auto ticket = full();
    CHECK_FALSE(Ticket::from_json(ticket.to_json()).needs_history(Timeline{8}));
    ticket.histories = {Timeline{7}, Timeline{8}};
    const auto read = Ticket::from_json(ticket.to_json());
    CHECK(read.histories == ticket.histories);
    CHECK(read.needs_history(Timeline{8}));
    CHECK_FALSE(read.needs_history(Timeline{9}));
    CHECK_FALSE(read.needs_history(Timeline{6}));
}

TEST_CASE("a ticket says how large a segment is") {
    CHECK_FALSE(Ticket::from_json(full().to_json()).segment_size);
    auto sized = full();
    sized.segment_size = postgres::SegmentSize{1U << 20};
    CHECK(Ticket::from_json(sized.to_json()).segment_size == postgres::SegmentSize{1U << 20});
    Request request;
    CHECK(make_ticket(request, make_plan(request, one_timeline())).segment_size == segment_size);
}

TEST_CASE("a ticket is looked for in the data directory") {
    const Files files;
    CHECK_FALSE(Ticket::in(files.path()));
    files.write(Ticket::file_name, full().to_json());
    REQUIRE(Ticket::in(files.path()));
    CHECK(Ticket::in(files.path())->scope == "demo");
}

TEST_CASE("a damaged ticket is refused, and never taken for none") {
    const auto whole = full().to_json();
    for (const std::string& text : {std::string(), std::string("{}"), std::string("[]"), std::string("null"),
                                    whole.substr(0, whole.size() / 2), std::string("x") + whole}) {
        CAPTURE(text);
        const auto problems = damage(text);
        REQUIRE(problems.size() == 1);
        CHECK(problems[0].message.find("patroni_pgbackrest.ticket is damaged: ") == 0);
        CHECK(problems[0].hint == "do not start this data directory: restore it again");
    }
    auto wrong_type = whole;
    wrong_type.replace(wrong_type.find("\"demo\""), 6, "1");
    CHECK(damage(wrong_type).size() == 1);
    for (const std::string name : {"timeline", "retries", "retry_wait", "version"}) {
        for (const auto* number : {"1.76e58", "-1", "0.5", "true"}) {
            CAPTURE(name, number);
            auto ticket = nlohmann::json::parse(whole);
            ticket[name] = nlohmann::json::parse(number);
            CHECK(damage(ticket.dump()).front().message.find("patroni_pgbackrest.ticket is damaged: ") == 0);
        }
    }
}

TEST_CASE("a ticket of a newer version is refused, and an older one is read") {
    const std::string oldest = R"({"recovery": "patroni", "scope": "demo", "target": "latest", "latest": true,
        "explicit_timeline": false, "newest_timeline": true, "timeline": 7, "wal": [], "archive_get": ["pgbackrest"],
        "retries": 5, "retry_wait": 10, "base_configuration": ""})";
    const auto with_version = [&](const std::string& version) {
        return "{\"version\": " + version + ", " + oldest.substr(1);
    };
    CHECK(Ticket::from_json(oldest).scope == "demo");
    CHECK(Ticket::from_json(with_version("1")).scope == "demo");
    CHECK(damage(with_version("2")) ==
          Problems{{"patroni_pgbackrest.ticket has version 2, and this program reads version 1 and older",
                    "use the newer patroni_pgbackrest that wrote it, or move the data directory away and restore it "
                    "again"}});
}

TEST_CASE("a ticket plans the segments of its ranges and needs its own timeline's history") {
    const auto ticket = full();
    CHECK(ticket.plans(segment(6, 3)));
    CHECK(ticket.plans(segment(7, 9)));
    CHECK_FALSE(ticket.plans(segment(6, 6)));
    CHECK_FALSE(ticket.plans(segment(7, 10)));
    CHECK_FALSE(ticket.plans("00000007.history"));
    CHECK(ticket.needs_history(Timeline{7}));
    CHECK_FALSE(ticket.needs_history(Timeline{6}));
    CHECK_FALSE(ticket.needs_history(Timeline{8}));
    auto first = ticket;
    first.timeline = Timeline{1};
    CHECK_FALSE(first.needs_history(Timeline{1}));
    CHECK(Ticket{}.last_segment().empty());
}

TEST_CASE("behind a segment the replay goes on with the newest timeline that the plan has for the next") {
    Ticket ticket;
    ticket.timeline = Timeline{2};
    ticket.wal = {{segment(1, 2), segment(1, 6)}, {segment(2, 7), segment(2, 9)}};
    CHECK(ticket.segment_after(segment(1, 2), {}) == segment(1, 3));
    CHECK(ticket.segment_after(segment(1, 6), {}) == segment(2, 7));
    CHECK(ticket.segment_after(segment(2, 8), {}) == segment(2, 9));
    CHECK_FALSE(ticket.segment_after(segment(2, 9), {}));
    CHECK_FALSE(ticket.segment_after("00000002.history", {}));
    CHECK_FALSE(ticket.segment_after("", {}));
}

TEST_CASE("only a restore to the latest point of the newest timeline survives a restart as a standby") {
    Ticket ticket;
    CHECK(ticket.survives_restart_as_standby());
    ticket.latest = false;
    CHECK_FALSE(ticket.survives_restart_as_standby());
    ticket = {};
    ticket.explicit_timeline = true;
    CHECK_FALSE(ticket.survives_restart_as_standby());
    ticket = {};
    ticket.newest_timeline = false;
    CHECK_FALSE(ticket.survives_restart_as_standby());
}

TEST_CASE("a ticket is made from request and plan") {
    Request request;
    request.scope = "demo";
    request.recovery = Recovery::standalone;
    request.retry.retries = 2;
    const auto plan = make_plan(request, two_timelines());
    const auto ticket = make_ticket(request, plan);
    CHECK(ticket.recovery == Recovery::standalone);
    CHECK(ticket.scope == "demo");
    CHECK(ticket.target == "latest");
    CHECK(ticket.latest);
    CHECK(ticket.newest_timeline);
    CHECK(ticket.timeline == Timeline{2});
    CHECK(ticket.past == plan.history.text());
    CHECK(ticket.plans(segment(1, 5)));
    CHECK(ticket.plans(segment(2, 10)));
    CHECK(ticket.retry.retries == 2);
    CHECK(ticket.base_configuration.empty());
}

TEST_CASE("with a gap in the histories a standby would end up on an older timeline, and is not let go on") {
    Request request;
    auto plan = make_plan(request, two_timelines());
    CHECK(make_ticket(request, plan).survives_restart_as_standby());
    plan.history.timeline = Timeline{3};
    plan.archive_end.histories = {Timeline{3}};
    CHECK(first_timeline_without_history(plan) == Timeline{2});
    CHECK_FALSE(make_ticket(request, plan).survives_restart_as_standby());
    plan.archive_end.histories.insert(Timeline{2});
    CHECK(make_ticket(request, plan).survives_restart_as_standby());
}

TEST_CASE("notes of a replay come back as they were, damaged ones are refused") {
    const Files files;
    CHECK_FALSE(ReplayNotes::in(files.path()));
    ReplayNotes notes;
    notes.startup_process = "4711 815";
    notes.served = true;
    notes.save(files.path());
    auto read = ReplayNotes::in(files.path());
    REQUIRE(read);
    CHECK(read->startup_process == "4711 815");
    CHECK(read->served);
    CHECK_FALSE(read->served_last);
    CHECK_FALSE(read->aborted_with);

    notes.served_last = true;
    notes.aborted_with = 6;
    notes.abort_message = "gone";
    notes.abort_hint = "bring it back";
    notes.save(files.path());
    read = ReplayNotes::in(files.path());
    REQUIRE(read);
    CHECK(read->served_last);
    CHECK(read->aborted_with == 6);
    CHECK(read->abort_message == "gone");
    CHECK(read->abort_hint == "bring it back");

    files.write(ReplayNotes::file_name, "{");
    CHECK(problems_of(ExitCode::verification_failed, [&] { ReplayNotes::in(files.path()); }).size() == 1);
}

TEST_CASE("a damaged note of what is replayed only once is refused, and never taken for none") {
    const Files files;
    CHECK_FALSE(OnlyOnce::in(files.path()));
    OnlyOnce{postgres::Lsn{0x6000}, "12 345"}.save(files.path());
    CHECK(OnlyOnce::in(files.path()).value().startup_process == "12 345");
    CHECK(OnlyOnce::in(files.path()).value().copies.empty());
    const std::vector<postgres::DatabaseCopy> copies{{postgres::Lsn{0x5000}, 16400, 1, 1663},
                                                     {postgres::Lsn{0x6000}, 4000000000, 16400, 1663}};
    OnlyOnce{postgres::Lsn{0x6000}, "12 345", copies}.save(files.path());
    CHECK(OnlyOnce::in(files.path()).value().copies == copies);
    for (const char* text :
         {"", "[]", "{}", R"({"at": 7})", R"({"at": "7"})", R"({"at": "0/7", "startup_process": 7})",
          R"({"at": "0/7", "copies": 7})", R"({"at": "0/7", "copies": [{"at": "7"}]})",
          R"({"at": "0/7", "copies": [{"at": "0/7", "database": -1, "source": 1, "source_tablespace": 1}]})"}) {
        CAPTURE(text);
        files.write(OnlyOnce::file_name, text);
        const auto problems = problems_of(ExitCode::verification_failed, [&] { OnlyOnce::in(files.path()); });
        REQUIRE(problems.size() == 1);
        CHECK(problems[0].message.find("patroni_pgbackrest.once is damaged: ") == 0);
    }
}

TEST_CASE("a ticket without a command is damaged") {
    Ticket ticket;
    CHECK_THROWS_AS(Ticket::from_json(ticket.to_json()), Failure);
}
