#pragma once

#include "program.hpp"

#include <string>

/// A repository with one backup of a PostgreSQL 15, as the fake pgbackrest shows it, binaries that are of this version,
/// a patroni.yml, and a data directory that is not there yet.
class FakeRepository {
  public:
    FakeRepository();

    std::string data() const { return directory.path("data").string(); }
    /// `bootstrap` with what Patroni passes, and more.
    Words bootstrap(const Words& more = {}) const;
    /// The fake's environment, with more of it.
    Program::How how(const Variables& more = {}) const;
    /// The arguments of each call of pgbackrest, one line a call.
    std::string calls() const { return directory.read("calls"); }

    Directory directory;
};
