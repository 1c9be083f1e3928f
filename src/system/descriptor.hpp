#pragma once

#include <unistd.h>
#include <utility>

namespace patroni_pgbackrest::system {

/// A file descriptor that is closed at the end of its life.
class Descriptor {
  public:
    explicit Descriptor(int number = -1) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }

    bool is_open() const { return number_ >= 0; }
    int number() const { return number_; }
    /// Releases it: from now on, somebody else closes it.
    int release() { return std::exchange(number_, -1); }

  private:
    int number_;
};

}  // namespace patroni_pgbackrest::system
