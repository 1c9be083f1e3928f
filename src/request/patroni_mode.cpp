#include "request/patroni_mode.hpp"

#include "patroni/dcs_configuration.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace patroni_pgbackrest {

namespace {

using RecoveryConf = std::map<std::string, patroni::Value>;

std::string value_of(const RecoveryConf& conf, const std::string& name) {
    const auto found = conf.find(name);
    return found == conf.end() ? std::string() : std::string(system::trim(found->second.text));
}

std::string place_of(const RecoveryConf& conf, const std::string& name, const std::string& otherwise) {
    const auto found = conf.find(name);
    return found == conf.end() ? otherwise : found->second.place;
}

bool same_point(const RecoveryTarget& target, const std::string& value) {
    if (const auto* time = std::get_if<Time>(&target.point)) {
        const auto other = Time::parse(value);
        return other && other->at == time->at;
    }
    if (const auto* lsn = std::get_if<LsnTarget>(&target.point)) {
        return postgres::Lsn::parse(value) == lsn->lsn;
    }
    if (const auto* xid = std::get_if<Xid>(&target.point)) {
        return value == std::to_string(xid->number);  // PostgreSQL reads 010 as 8
    }
    return target.is_immediate() ? system::lower(value) == "immediate" : value == target.value();
}

bool is_false(const std::string& value) {
    const auto word = system::lower(value);
    return word == "false" || word == "off" || word == "no" || word == "n" || word == "0" || word == "f";
}

/// Patroni makes recovery_target_action of pause_at_recovery_target where it is not set itself.
std::string action_in(const RecoveryConf& conf) {
    const auto pause = patroni::parse_bool(value_of(conf, "pause_at_recovery_target"));
    return conf.contains("recovery_target_action") || !pause ? value_of(conf, "recovery_target_action")
           : *pause                                          ? "pause"
                                                             : "promote";
}

bool same_timeline(const Request& request, const std::string& value) {
    if (!request.timeline) {
        return value.empty() || value == "latest";
    }
    const auto other = TimelineWish::parse(value.empty() ? "latest" : value);
    const bool is_octal = value.size() > 1 && value.front() == '0' && value[1] != 'x' && value[1] != 'X';
    return other && !is_octal && other->choice.index() == request.timeline->choice.index() &&
           (!std::holds_alternative<postgres::Timeline>(other->choice) ||
            std::get<postgres::Timeline>(other->choice) == std::get<postgres::Timeline>(request.timeline->choice));
}

constexpr const char* plain_guard = "patroni_pgbackrest archive-get %f \"%p\"";

/// What the block's recovery_conf says; empty where there is none.
std::string said_in_block(const Request& request, const std::string& name) {
    const bool has_block = request.patroni && request.patroni->method && request.patroni->method->recovery_conf;
    return has_block ? value_of(*request.patroni->method->recovery_conf, name) : std::string();
}

/// The block's own, where it is right: the program may lie outside of PATH.
std::string guard_of(const Request& request) {
    const auto own = said_in_block(request, "restore_command");
    return is_guard(own) ? own : plain_guard;
}

/// With a target PostgreSQL would read ahead of it.
bool is_fit_prefetch(const Request& request, const std::string& value) {
    return request.target.is_latest() || value.empty() || is_false(value);
}

class Review {
  public:
    explicit Review(const Request& request)
        : request_(request), block_(*request.patroni->method), conf_(*block_.recovery_conf) {}

    std::vector<Problem> all() {
        guard();
        target();
        nothing_else_set();
        nothing_else_replays();
        return std::move(problems_);
    }

  private:
    void add(const std::string& place, std::string message, std::string hint) {
        problems_.push_back({std::move(message), std::move(hint), place});
    }

    std::string corrected() const {
        return "write this recovery_conf:\n" + yaml::written_path({"recovery_conf"}, corrected_recovery_conf(request_));
    }

    void guard() {
        if (!is_guard(value_of(conf_, "restore_command"))) {
            add(place_of(conf_, "restore_command", block_.place),
                "restore_command in recovery_conf is not patroni_pgbackrest archive-get",
                "every error code of pgbackrest archive-get would end the recovery as if the archive had no more; " +
                    corrected());
        }
    }

    void target() {
        const auto& wanted = request_.target;
        if (request_.nearest) {
            add(block_.place, "nearest is set, and recovery_conf holds the target",
                "leave nearest out, or take recovery_conf out, so that a private PostgreSQL replays");
        }
        for (const std::string name : {"recovery_target", "recovery_target_time", "recovery_target_xid",
                                       "recovery_target_lsn", "recovery_target_name"}) {
            const auto value = value_of(conf_, name);
            if (name == wanted.parameter() ? !same_point(wanted, value) : !value.empty()) {
                add(place_of(conf_, name, block_.place),
                    fmt::format("{} in recovery_conf is '{}', but the request's target is {}", name, value,
                                wanted.text()),
                    corrected());
            }
        }
        if (is_false(value_of(conf_, "recovery_target_inclusive")) != wanted.exclusive) {
            add(place_of(conf_, "recovery_target_inclusive", block_.place),
                "recovery_target_inclusive in recovery_conf disagrees with target-exclusive", corrected());
        }
        const auto action = action_in(conf_);
        if (action != "promote") {
            // Patroni turns hot_standby off with it alone (effective_configuration in postgresql/config.py).
            const bool matters_for_limits = action.empty() && wanted.is_latest();
            add(place_of(conf_, "recovery_target_action", block_.place),
                "recovery_target_action in recovery_conf is not promote",
                (matters_for_limits ? "without it Patroni leaves hot_standby on, and PostgreSQL pauses for ever, or "
                                      "ends, where the WAL raises max_connections or another limit; "
                                    : "the default, pause, is a shutdown at the target under Patroni; ") +
                    corrected());
        }
        if (!same_timeline(request_, value_of(conf_, "recovery_target_timeline"))) {
            add(place_of(conf_, "recovery_target_timeline", block_.place),
                "recovery_target_timeline in recovery_conf disagrees with target-timeline", corrected());
        }
    }

    /// It stands behind our block, and counts. The default of each is what a restore needs.
    void nothing_else_set() {
        for (const std::string name :
             {"recovery_end_command", "archive_cleanup_command", "recovery_min_apply_delay", "primary_conninfo",
              "primary_slot_name", "promote_trigger_file", "standby_mode"}) {
            const auto value = value_of(conf_, name);
            // Patroni writes no standby_mode, and makes standby.signal of it if it is on.
            if (name == "standby_mode" ? patroni::parse_bool(value) == true : !value.empty()) {
                add(place_of(conf_, name, block_.place),
                    fmt::format("{} in recovery_conf counts more than what this program sets for the replay", name),
                    corrected());
            }
        }
        const auto prefetch = value_of(conf_, "recovery_prefetch");
        if (!is_fit_prefetch(request_, prefetch)) {
            refuse_prefetch({prefetch, place_of(conf_, "recovery_prefetch", block_.place)});
        }
    }

    /// The block in the base file says off, and all of this stands behind it.
    void refuse_prefetch(const patroni::Value& setting) {
        add(setting.place,
            fmt::format("recovery_prefetch is {}, and there is a recovery target: PostgreSQL would ask for WAL behind "
                        "the target, and the recovery fails where that is not in the archive",
                        setting.text),
            "remove it, or set it to off, until the cluster is up");
    }

    void nothing_else_replays() {
        const auto& patroni = *request_.patroni;
        for (const auto& other : patroni.restore_commands) {
            if (!is_guard(other.text)) {
                add(other.place, "another restore_command than the guard's would replay after a restart of Patroni",
                    "remove it, or make it the guard's: " + guard_of(request_));
            }
        }
        if (patroni.custom_conf) {
            add(patroni.custom_conf->place, "custom_conf keeps PostgreSQL from reading the base configuration file",
                "remove custom_conf, or remove recovery_conf to let this program replay (standalone mode): there is no "
                "other place where a restore_command survives a restart of Patroni");
        }
        if (!patroni.has_pg_hba) {
            add(block_.place, "neither postgresql.pg_hba nor hba_file is set",
                "set postgresql.pg_hba: Patroni's temporary trust rules would stay after an interrupted bootstrap");
        }
        if (!request_.target.is_latest()) {
            for (const auto& setting : patroni.prefetches) {
                if (!is_false(setting.text)) {
                    refuse_prefetch(setting);
                }
            }
            for (const auto& method : patroni.leaderless_replica_methods) {
                add(method.place,
                    fmt::format("replica method {} works without a leader, and there is a recovery target",
                                method.text),
                    "remove no_leader until the cluster is up: another node could replay past the target and become "
                    "leader");
            }
        }
    }

    const Request& request_;
    const patroni::MethodBlock& block_;
    const RecoveryConf& conf_;
    std::vector<Problem> problems_;
};

}  // namespace

std::vector<Problem> problems_of_patroni_mode(const Request& request) {
    if (request.recovery != Recovery::patroni) {
        return {};
    }
    return patroni::said_of_dcs(Review(request).all(), request.patroni->dcs_edit);
}

yaml::NewNode corrected_recovery_conf(const Request& request) {
    auto conf = yaml::NewNode::of_map({});
    const auto add = [&](const std::string& name, const std::string& value) {
        conf.entries.emplace_back(name, yaml::NewNode::of_text(value));
    };
    add("restore_command", guard_of(request));
    const auto& target = request.target;
    if (!target.is_latest()) {
        add(target.parameter(), target.is_immediate() ? "immediate" : target.value());
    }
    if (target.exclusive) {
        add("recovery_target_inclusive", "false");
    }
    if (request.timeline) {
        if (const auto* number = std::get_if<postgres::Timeline>(&request.timeline->choice)) {
            add("recovery_target_timeline", number->text());
        } else if (std::holds_alternative<Immediate>(request.timeline->choice)) {
            add("recovery_target_timeline", "current");
        }
    }
    const auto prefetch = said_in_block(request, "recovery_prefetch");
    if (!prefetch.empty() && is_fit_prefetch(request, prefetch)) {
        add("recovery_prefetch", prefetch);
    }
    add("recovery_target_action", "promote");
    return conf;
}

bool is_guard(const std::string& restore_command) {
    // Anything the shell could make of the exit code (`… || exit 1`) would let an error end the recovery again.
    if (restore_command.find_first_of(";&|<>$`()\n") != std::string::npos) {
        return false;
    }
    const auto words = system::shell_words(restore_command);
    if (!words || words->size() < 4 || std::filesystem::path((*words)[0]).filename() != "patroni_pgbackrest" ||
        (*words)[1] != "archive-get") {
        return false;
    }
    const auto file = std::find(words->begin() + 2, words->end(), "%f");
    return file != words->end() && file + 1 != words->end() && *(file + 1) == "%p";
}

}  // namespace patroni_pgbackrest
