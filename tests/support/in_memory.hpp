#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace patroni_pgbackrest {

/// For as long as this lives temporary directories are made in memory: tmpfs has no clones.
class InMemory {
  public:
    InMemory() {
        if (const char* before = std::getenv("TMPDIR")) {
            before_ = before;
        }
        ::setenv("TMPDIR", "/dev/shm", 1);
    }
    ~InMemory() {
        if (before_) {
            ::setenv("TMPDIR", before_->c_str(), 1);
        } else {
            ::unsetenv("TMPDIR");
        }
    }
    InMemory(const InMemory&) = delete;
    InMemory& operator=(const InMemory&) = delete;

  private:
    std::optional<std::string> before_;
};

}  // namespace patroni_pgbackrest
