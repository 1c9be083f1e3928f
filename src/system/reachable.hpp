#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace patroni_pgbackrest::system {

/// Where a TCP server listens: a name or an address, and a port or the name of a service.
struct Endpoint {
    std::string host;
    std::string port;

    bool operator==(const Endpoint&) const = default;
};

/// How far one came with the nearest of several servers.
enum class Reach {
    nothing,     ///< none accepts a connection
    unresolved,  ///< nor those whose names are known; the resolver has not answered for the others
    silent,      ///< one accepts connections, and says nothing
    answers,
};

/// Tries several servers at once, in the background.
class Reaching {
  public:
    /// `question` is sent to a server that accepts the connection; whatever it sends back, or that it closes, is an
    /// answer. With an empty one, to accept is answer enough. A server is listened to for `patience`, if that is longer
    /// than `limit`: an answer that comes behind it is told by result() from then on.
    Reaching(const std::vector<Endpoint>& endpoints, std::chrono::milliseconds limit, const std::string& question = {},
             std::chrono::milliseconds patience = {});

    /// Waits until one answers or all have failed, and never for longer than `limit` after the beginning, name
    /// resolution included.
    Reach result() const;
    /// Whether result() would not wait.
    bool is_known() const;

  private:
    struct Answers;

    std::chrono::steady_clock::time_point deadline_;
    std::shared_ptr<Answers> answers_;  // outlives this when a resolver does not answer
};

}  // namespace patroni_pgbackrest::system
