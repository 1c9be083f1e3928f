#include "patroni/review_dynamic.hpp"

#include "support/catch.hpp"
#include "support/files.hpp"

using namespace patroni_pgbackrest;
using namespace patroni_pgbackrest::patroni;

namespace {

/// `id: message` of each.
Strings found(const std::string& dcs) {
    std::vector<Finding> findings;
    review_dynamic(*yaml::parse(dcs, "patroni.yml"), findings);
    Strings result;
    for (const auto& finding : findings) {
        result.push_back(finding.id + ": " + finding.problem.message);
    }
    return result;
}

}  // namespace

TEST_CASE("what Python's int() takes is a number of bootstrap.dcs") {
    for (const auto* value : {"30", "'30'", "' 30 '", "+30", "0x1e", "1_000", "30.5", "1:30", "true", "'030'", "08"}) {
        CAPTURE(value);
        CHECK(found(std::string("ttl: ") + value).size() <= 1);
        CHECK(found(std::string("maximum_lag_on_syncnode: ") + value) == Strings{});
    }
}

TEST_CASE("without a number among them all of bootstrap.dcs is ignored") {
    const auto says = [](const std::string& what) {
        return Strings{"dcs-ignored: " + what + ": Patroni ignores all of bootstrap.dcs"};
    };
    CHECK(found("ttl: 30s") == says("ttl is 30s, which is not a number"));
    CHECK(found("loop_wait: '1e1'") == says("loop_wait is 1e1, which is not a number"));
    CHECK(found("retry_timeout: .inf") == says("retry_timeout is .inf, which is not a number"));
    CHECK(found("ttl: '30.5'") == says("ttl is 30.5, which is not a number"));
    CHECK(found("ttl: 'true'") == says("ttl is true, which is not a number"));
    CHECK(found("ttl: 2026-11-27") == says("ttl is 2026-11-27, which is not a number"));
    CHECK(found("ttl: ''") == says("ttl has no value"));
    CHECK(found("ttl:") == says("ttl has no value"));
    CHECK(found("ttl: [30]") == says("ttl is not a number"));
    CHECK(found("postgresql: {parameters: [archive_mode=on]}") == says("parameters is not a map"));
    CHECK(found("postgresql: [a]") == says("postgresql is not a map"));
    CHECK(found("standby_cluster: 'yes'") == says("standby_cluster is not a map"));
    CHECK(found("{postgresql: {parameters: ''}, standby_cluster: {}}") == Strings{});
    CHECK(found("{ttl: 30s, retry_timeout: 15, maximum_lag_on_failover: -1}") ==
          says("ttl is 30s, which is not a number"));
}

TEST_CASE("of the other numbers only an old Patroni makes that much") {
    CHECK(
        found("maximum_lag_on_failover: 1MB") ==
        Strings{"dcs-value-ignored: maximum_lag_on_failover is 1MB, which is not a number: Patroni takes its default, "
                "and before 3.1 ignores all of bootstrap.dcs"});
    CHECK(found("check_timeline: 'on'") == Strings{});
    const auto of_parameter = [](const std::string& what) {
        return Strings{"dcs-value-ignored: " + what +
                       ": Patroni takes its default, and before 3.0.3 ignores all of bootstrap.dcs"};
    };
    CHECK(found("postgresql: {parameters: {max_connections: 100a}}") ==
          of_parameter("max_connections is 100a, which is not a number"));
    CHECK(found("postgresql: {parameters: {Max_WAL_Senders: ~}}") == of_parameter("Max_WAL_Senders has no value"));
    CHECK(found("postgresql: {parameters: {max_connections: '100', max_worker_processes: 8, work_mem: 4MB}}") ==
          Strings{});
    CHECK(found("postgresql: {parameters: {wal_keep_size: 5XB}}") ==
          of_parameter("wal_keep_size is 5XB, which is not a size"));
    CHECK(found("postgresql: {parameters: {wal_keep_size: 1gb}}") ==
          of_parameter("wal_keep_size is 1gb, which is not a size"));
    CHECK(found("postgresql: {parameters: {wal_keep_size: }}") == of_parameter("wal_keep_size has no value"));
    CHECK(found("postgresql: {parameters: {wal_keep_size: on}}") ==
          of_parameter("wal_keep_size is on, which is not a size"));
    for (const char* size : {"128", "'128'", "128MB", "'1 GB'", "1.5GB", "0x80", "1_024", "0"}) {
        CAPTURE(size);
        CHECK(found(std::string("postgresql: {parameters: {wal_keep_size: ") + size + "}}") == Strings{});
    }
    CHECK(found("postgresql: {parameters: {wal_level: 5}}") == of_parameter("wal_level is 5, which is not a level"));
    CHECK(found("postgresql: {parameters: {wal_level: ~}}") == of_parameter("wal_level has no value"));
    CHECK(found("postgresql: {parameters: {wal_level: logical}}") == Strings{});
}

TEST_CASE("with a negative maximum_lag_on_failover nobody becomes leader again") {
    for (const auto* value : {"-1", "-1000000", "'-1'"}) {
        CHECK(found(std::string("maximum_lag_on_failover: ") + value).size() == 1);
    }
    CHECK(
        found("maximum_lag_on_failover: -1") ==
        Strings{"leader-never-again: maximum_lag_on_failover is -1: once PostgreSQL was stopped on all nodes, none of "
                "them becomes leader again"});
    CHECK(found("maximum_lag_on_failover: 0") == Strings{});
    CHECK(found("maximum_lag_on_syncnode: -1") == Strings{});
}

TEST_CASE("timeouts that cannot be kept are told with the ttl that they need") {
    CHECK(found("{ttl: 30, loop_wait: 10, retry_timeout: 10}") == Strings{});
    CHECK(found("{loop_wait: 1, ttl: 20, retry_timeout: 10}") ==
          Strings{"leader-loses-lock: ttl is 20, less than loop_wait + 2 * retry_timeout, which is 21: Patroni 3.2 "
                  "and later take ttl 20, loop_wait 1 and retry_timeout 9 instead"});
    CHECK(found("{primary_start_timeout: 0, master_start_timeout: 0}") == Strings{});
}
