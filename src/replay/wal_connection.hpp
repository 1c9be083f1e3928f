#pragma once

#include "replay/wal_request.hpp"

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>

namespace patroni_pgbackrest {

/// One restore_command that asks for WAL, on the program's event loop.
class WalConnection : public std::enable_shared_from_this<WalConnection> {
  public:
    using Socket = boost::asio::local::stream_protocol::socket;

    explicit WalConnection(Socket accepted);

    /// Reads from now on, up to its end: a server that was ended asks no more. Whoever sends what cannot become a
    /// request is turned away, and does not wait for an answer.
    void read();
    /// What it asks for, once that has come in full.
    const std::optional<WalRequest>& request() const { return request_; }
    void answer(int code);
    void close();
    bool is_open() const { return socket_.is_open(); }
    /// The asking process; 0 when it is not known.
    pid_t process();

  private:
    void take(std::size_t length);
    bool can_become_request() const;

    Socket socket_;
    std::array<char, 512> buffer_{};
    std::string received_;
    std::optional<WalRequest> request_;
};

/// What is started must not hold a socket of ours open.
void close_on_exec(int descriptor);

}  // namespace patroni_pgbackrest
