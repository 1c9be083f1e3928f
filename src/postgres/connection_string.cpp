#include "postgres/connection_string.hpp"

#include "system/failure.hpp"
#include "system/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <optional>

namespace patroni_pgbackrest::postgres {

namespace {

/// libpq 13 to 18 (PQconninfoOptions in fe-connect.c), without `service`, which names another file of the caller.
constexpr std::array<std::string_view, 44> keywords = {"application_name",
                                                       "channel_binding",
                                                       "client_encoding",
                                                       "connect_timeout",
                                                       "dbname",
                                                       "fallback_application_name",
                                                       "gssdelegation",
                                                       "gssencmode",
                                                       "gsslib",
                                                       "host",
                                                       "hostaddr",
                                                       "keepalives",
                                                       "keepalives_count",
                                                       "keepalives_idle",
                                                       "keepalives_interval",
                                                       "krbsrvname",
                                                       "load_balance_hosts",
                                                       "max_protocol_version",
                                                       "min_protocol_version",
                                                       "options",
                                                       "passfile",
                                                       "password",
                                                       "port",
                                                       "require_auth",
                                                       "requirepeer",
                                                       "scram_client_key",
                                                       "scram_server_key",
                                                       "ssl_max_protocol_version",
                                                       "ssl_min_protocol_version",
                                                       "sslcert",
                                                       "sslcertmode",
                                                       "sslcompression",
                                                       "sslcrl",
                                                       "sslcrldir",
                                                       "sslkey",
                                                       "sslkeylogfile",
                                                       "sslmode",
                                                       "sslnegotiation",
                                                       "sslpassword",
                                                       "sslrootcert",
                                                       "sslsni",
                                                       "target_session_attrs",
                                                       "tcp_user_timeout",
                                                       "user"};

[[noreturn]] void refuse(const std::string& why) {
    throw Failure(ExitCode::usage, "the connection string cannot be read: " + why,
                  "write it as host=/var/run/postgresql port=5432 user=postgres dbname=postgres, or as "
                  "postgresql://postgres@127.0.0.1:5432/postgres");
}

bool is_blank(char letter) {
    return std::isspace(static_cast<unsigned char>(letter)) != 0;
}

/// Keywords are not secret, but a secret may be in their place, so only what looks like a keyword is shown.
void add(std::vector<Setting>& settings, const std::string& name, const std::string& value) {
    if (name == "service") {
        refuse("service is not supported in it");
    }
    if (std::find(keywords.begin(), keywords.end(), name) == keywords.end()) {
        const auto near = system::nearest(name, {keywords.begin(), keywords.end()});
        refuse(near ? fmt::format("a keyword is unknown, {} may be meant", *near) : "a keyword is unknown");
    }
    if (value.find_first_of("\n\r") != std::string::npos || value.find('\0') != std::string::npos) {
        refuse(fmt::format("the value of {} has more than one line", name));
    }
    std::erase_if(settings, [&](const Setting& setting) { return setting.name == name; });
    settings.push_back({name, value});
}

/// `name = value name='it\'s'`, as conninfo_parse reads it.
class KeywordsAndValues {
  public:
    explicit KeywordsAndValues(std::string_view text) : rest_(text) {}

    std::vector<Setting> all() {
        std::vector<Setting> settings;
        for (skip_blanks(); !rest_.empty(); skip_blanks()) {
            const auto name = take_while([](char letter) { return letter != '=' && !is_blank(letter); });
            skip_blanks();
            if (name.empty() || rest_.empty() || rest_.front() != '=') {
                refuse("a keyword has no = after it");
            }
            rest_.remove_prefix(1);
            skip_blanks();
            add(settings, name, value());
        }
        return settings;
    }

  private:
    void skip_blanks() { take_while(is_blank); }

    template <typename Condition>
    std::string take_while(Condition condition) {
        std::string taken;
        while (!rest_.empty() && condition(rest_.front())) {
            taken += rest_.front();
            rest_.remove_prefix(1);
        }
        return taken;
    }

    std::string value() {
        const bool quoted = !rest_.empty() && rest_.front() == '\'';
        if (quoted) {
            rest_.remove_prefix(1);
        }
        std::string value;
        while (!rest_.empty() && (quoted ? rest_.front() != '\'' : !is_blank(rest_.front()))) {
            if (rest_.front() == '\\' && rest_.size() > 1) {
                rest_.remove_prefix(1);
            }
            value += rest_.front();
            rest_.remove_prefix(1);
        }
        if (quoted && rest_.empty()) {
            refuse("a quote is not closed");
        }
        rest_.remove_prefix(quoted ? 1 : 0);
        return value;
    }

    std::string_view rest_;
};

std::string decoded(std::string_view text) {
    std::string result;
    for (std::size_t index = 0; index < text.size(); ++index) {
        if (text[index] != '%') {
            result += text[index];
            continue;
        }
        const auto code = system::number(text.substr(index + 1, 2), 16);
        if (!code || *code == 0 || index + 2 >= text.size()) {
            refuse("a % is not followed by two hexadecimal digits");
        }
        result += static_cast<char>(*code);
        index += 2;
    }
    return result;
}

/// Cuts off and returns the part of `text` before the first of `separators`; all of it if there is none.
std::string_view take_until(std::string_view& text, std::string_view separators, bool& found) {
    const auto end = text.find_first_of(separators);
    const auto taken = text.substr(0, end);
    found = end != std::string_view::npos;
    text.remove_prefix(found ? end + 1 : text.size());
    return taken;
}

void add_hosts(std::vector<Setting>& settings, std::string_view text) {
    std::string hosts, ports;
    for (const auto& part : system::split(text, ',')) {
        const auto bracket = part.starts_with('[') ? part.find(']') : std::string::npos;
        if (part.starts_with('[') && bracket == std::string::npos) {
            refuse("a [ is not closed");
        }
        const auto colon = part.find(':', bracket == std::string::npos ? 0 : bracket);
        const auto host = bracket == std::string::npos ? part.substr(0, colon) : part.substr(1, bracket - 1);
        const auto separator = hosts.empty() && ports.empty() ? "" : ",";
        hosts += separator + decoded(host);
        ports += separator + (colon == std::string::npos ? std::string() : decoded(part.substr(colon + 1)));
    }
    if (hosts.find_first_not_of(',') != std::string::npos) {
        add(settings, "host", hosts);
    }
    if (ports.find_first_not_of(',') != std::string::npos) {
        add(settings, "port", ports);
    }
}

/// `user:password@host:port,host:port/name?keyword=value&…`, as conninfo_uri_parse reads it.
std::vector<Setting> parse_uri(std::string_view rest) {
    std::vector<Setting> settings;
    bool found = false;
    auto before_parameters = take_until(rest, "?", found);
    const auto parameters = rest;
    const auto slash = before_parameters.find('/');
    auto authority = before_parameters.substr(0, slash);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        auto password = authority.substr(0, at);
        const auto user = take_until(password, ":", found);
        if (!user.empty()) {
            add(settings, "user", decoded(user));
        }
        if (!password.empty()) {
            add(settings, "password", decoded(password));
        }
        authority.remove_prefix(at + 1);
    }
    add_hosts(settings, authority);
    if (slash != std::string_view::npos && slash + 1 < before_parameters.size()) {
        add(settings, "dbname", decoded(before_parameters.substr(slash + 1)));
    }
    for (const auto& parameter : system::split(parameters, '&')) {
        if (parameter.empty()) {
            continue;
        }
        std::string_view value = parameter;
        const auto name = decoded(take_until(value, "=", found));
        if (!found) {
            refuse("a parameter has no = in it");
        }
        name == "ssl" && value == "true" ? add(settings, "sslmode", "require") : add(settings, name, decoded(value));
    }
    return settings;
}

}  // namespace

std::vector<Setting> parse_connection_string(std::string_view text) {
    for (const std::string_view scheme : {"postgresql://", "postgres://"}) {
        if (text.starts_with(scheme)) {
            return parse_uri(text.substr(scheme.size()));
        }
    }
    if (text.find('=') == std::string_view::npos) {
        refuse("it is neither an URL nor keywords and values");
    }
    return KeywordsAndValues(text).all();
}

}  // namespace patroni_pgbackrest::postgres
