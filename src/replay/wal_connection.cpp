#include "replay/wal_connection.hpp"

#include "system/log.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest {

WalConnection::WalConnection(Socket accepted) : socket_(std::move(accepted)) {
    close_on_exec(socket_.native_handle());
}

void WalConnection::read() {
    socket_.async_read_some(boost::asio::buffer(buffer_), [self = shared_from_this()](const auto& error, auto length) {
        if (error) {
            self->close();
        } else {
            self->take(length);
        }
    });
}

void WalConnection::take(std::size_t length) {
    received_.append(buffer_.data(), length);
    request_ = WalRequest::parse(received_);
    if (request_ || can_become_request()) {
        read();
    } else {
        close();
    }
}

bool WalConnection::can_become_request() const {
    constexpr std::size_t longest_request = 4096;
    return received_.size() <= longest_request && std::count(received_.begin(), received_.end(), '\n') < 2;
}

void WalConnection::answer(int code) {
    const auto text = fmt::format("{}\n", code);
    // The other may be gone; it is asked again then. So short a text needs no waiting.
    if (::send(socket_.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        log::debug("the answer {} was not taken: {}", code, std::generic_category().message(errno));
    }
    close();
}

void WalConnection::close() {
    boost::system::error_code ignored;
    static_cast<void>(socket_.close(ignored));
}

pid_t WalConnection::process() {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    const int got = ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size);
    return got == 0 ? credentials.pid : 0;
}

void close_on_exec(int descriptor) {
    ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

}  // namespace patroni_pgbackrest
