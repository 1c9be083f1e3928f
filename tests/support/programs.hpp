#pragma once

#include "support/files.hpp"

#include <cstdlib>
#include <optional>
#include <string>
#include <sys/stat.h>

namespace patroni_pgbackrest {

/// A variable of the environment for one test.
class Variable {
  public:
    Variable(const char* name, const std::string& value) : name_(name) {
        if (const char* before = std::getenv(name)) {
            before_ = before;
        }
        ::setenv(name, value.c_str(), 1);
    }
    ~Variable() {
        if (before_) {
            ::setenv(name_, before_->c_str(), 1);
        } else {
            ::unsetenv(name_);
        }
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

  private:
    const char* name_;
    std::optional<std::string> before_;
};

/// The programs in PATH.
class Programs {
  public:
    explicit Programs(const Files& files) : files_(files), path_("PATH", files.path("bin").string()) {}

    /// One that prints `output` and ends with `code`.
    std::string write(const std::string& name, const std::string& output, int code = 0) const {
        files_.write(name + ".output", output);
        const auto script =
            "#!/bin/sh\n/bin/cat '" + files_.path(name + ".output").string() + "'\nexit " + std::to_string(code) + "\n";
        return executable(name, script);
    }
    std::string executable(const std::string& name, const std::string& text) const {
        const auto path = files_.write("bin/" + name, text).string();
        ::chmod(path.c_str(), 0755);
        return path;
    }
    /// patronictl as a script of the Python `python-own`, which is `text`.
    void patronictl(const std::string& text) const {
        executable("patronictl", "#!" + executable("python-own", text) + "\n");
    }
    const Files& directory() const { return files_; }

  private:
    const Files& files_;
    Variable path_;
};

}  // namespace patroni_pgbackrest
