#pragma once

#include "pgbackrest/origin.hpp"
#include "request/request.hpp"

#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// What a call by Patroni comes with besides what its options ask for. `resume`, which takes its place, is started by
/// another command in another environment.
struct PatronisCall {
    std::string block;          ///< a fingerprint of the method's block; empty if there is none
    pgbackrest::Origin origin;  ///< of the backup and the WAL
    /// identity_of() without what pgBackRest's configuration adds, which an operator may correct meanwhile; empty in
    /// journals of older versions.
    std::string given{};
};
/// As Patroni's call is now.
PatronisCall patronis_call(const Request& request);

/// Who called for a bootstrap, and what was asked for.
struct BootstrapCall {
    std::string scope;
    std::string member;   ///< Patroni's name: a replica may get the file with a base backup; empty when it is not known
    std::string request;  ///< another request starts over
    std::optional<PatronisCall> of_patroni{};  ///< not of a person; journals of older versions have none
};

/// The request in a form that two runs can compare.
std::string identity_of(const Request& request);
/// Patroni's name of this node; empty when it is not known.
std::string member_of(const Request& request);

}  // namespace patroni_pgbackrest
