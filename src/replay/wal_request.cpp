#include "replay/wal_request.hpp"

#include "postgres/configuration.hpp"
#include "system/descriptor.hpp"
#include "system/exit_code.hpp"
#include "system/log.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace patroni_pgbackrest {

namespace {

constexpr std::string_view socket_option = "--socket=";

/// Empty with errno set when nobody listens there.
system::Descriptor connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return system::Descriptor();
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    system::Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // sockaddr is what the system's own interface takes for every kind of address.
    const auto* any = reinterpret_cast<const sockaddr*>(&address);
    if (connection.is_open() && ::connect(connection.number(), any, sizeof address) != 0) {
        return system::Descriptor();
    }
    return connection;
}

bool send_all(int connection, std::string_view text) {
    while (!text.empty()) {
        const auto sent = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(sent < 0 ? 0 : sent));
    }
    return true;
}

/// One line, or what came of it before the other's end. That end is not waited for behind the line: a process that the
/// other has started may still hold the connection open.
std::string receive_line(int connection) {
    std::string text;
    std::array<char, 64> buffer{};
    while (text.find('\n') == std::string::npos) {
        const auto length = ::recv(connection, buffer.data(), buffer.size(), 0);
        if (length > 0) {
            text.append(buffer.data(), static_cast<std::size_t>(length));
        } else if (length == 0 || errno != EINTR) {
            break;
        }
    }
    return text;
}

}  // namespace

std::string WalRequest::text() const {
    return wanted + "\n" + destination + "\n";
}

std::optional<WalRequest> WalRequest::parse(std::string_view text) {
    const auto first = text.find('\n');
    if (first == std::string_view::npos || text.find('\n', first + 1) != text.size() - 1) {
        return std::nullopt;
    }
    WalRequest request{std::string(text.substr(0, first)), std::string(text.substr(first + 1))};
    request.destination.pop_back();
    const std::filesystem::path path(request.destination);
    const bool leaves = path.is_absolute() || path.lexically_normal().string().starts_with("..");
    if (request.wanted.empty() || request.wanted.find('/') != std::string::npos || request.destination.empty() ||
        leaves) {
        return std::nullopt;
    }
    return request;
}

std::optional<int> parse_wal_answer(std::string_view text) {
    for (const int code : {0, 1, static_cast<int>(ExitCode::abort_recovery)}) {
        if (text == fmt::format("{}\n", code)) {
            return code;
        }
    }
    return std::nullopt;
}

std::string restore_command_for(const std::string& socket) {
    return fmt::format("exec {} archive-get {} %f \"%p\"",
                       postgres::quote_command_word(std::filesystem::canonical("/proc/self/exe").string()),
                       postgres::quote_command_word(std::string(socket_option) + socket));
}

std::optional<WalCall> parse_wal_call(int argc, const char* const* argv) {
    if (argc != 5 || std::string_view(argv[1]) != "archive-get" ||
        !std::string_view(argv[2]).starts_with(socket_option)) {
        return std::nullopt;
    }
    return WalCall{argv[2] + socket_option.size(), {argv[3], argv[4]}};
}

int ask_for_wal(const WalCall& call) {
    const auto connection = connect_to(call.socket);
    std::string why = std::strerror(errno);
    if (connection.is_open()) {
        const bool sent = send_all(connection.number(), call.request.text());
        if (const auto answer = sent ? parse_wal_answer(receive_line(connection.number())) : std::nullopt) {
            return *answer;
        }
        why = "it gave no answer";
    }
    log::write(Problem{fmt::format("{} is not delivered: the program that restores cannot be asked through {}: {}",
                                   call.request.wanted, call.socket, why),
                       "it has ended, and this server ends with it: run it again"});
    return static_cast<int>(ExitCode::abort_recovery);
}

}  // namespace patroni_pgbackrest
