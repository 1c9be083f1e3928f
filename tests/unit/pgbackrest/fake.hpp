#pragma once

#include "pgbackrest/command_line.hpp"
#include "system/file.hpp"
#include "system/text.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

/// A variable of the environment for the length of a test.
class Variable {
  public:
    Variable(std::string name, const std::string& value) : name_(std::move(name)) {
        if (const char* old = std::getenv(name_.c_str())) {
            old_ = old;
        }
        setenv(name_.c_str(), value.c_str(), 1);
    }
    ~Variable() {
        if (old_) {
            setenv(name_.c_str(), old_->c_str(), 1);
        } else {
            unsetenv(name_.c_str());
        }
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

  private:
    std::string name_;
    std::optional<std::string> old_;
};

/// tests/support/fake-pgbackrest with a directory of its own; what it does is set with Variable.
struct Fake {
    patroni_pgbackrest::system::PrivateDirectory directory;
    Variable calls_variable{"FAKE_CALLS", (directory.path() / "calls").string()};
    Variable counter_variable{"FAKE_COUNTER", (directory.path() / "counter").string()};
    Variable log_variable{"PGBACKREST_LOG_PATH", directory.path().string()};  // where it may write behind its wall
    Variable outputs_variable{"FAKE_OUTPUTS", directory.path().string()};

    patroni_pgbackrest::pgbackrest::Pgbackrest pgbackrest() const {
        patroni_pgbackrest::pgbackrest::Pgbackrest result;
        const auto tests = std::filesystem::path(__FILE__).parent_path().parent_path().parent_path();
        result.program = (tests / "support" / "fake-pgbackrest").string();
        result.stanza = "demo";
        return result;
    }

    void write(const std::string& name, const std::string& content) const {
        std::ofstream(directory.path() / name) << content;
    }

    /// The arguments of each call, oldest first.
    std::vector<std::string> calls() const {
        return patroni_pgbackrest::system::lines(
            patroni_pgbackrest::system::read_file_if_present(directory.path() / "calls").value_or(""));
    }
};
