#include "replay/wal_server.hpp"

#include "pgbackrest/retry.hpp"
#include "replay/made_places.hpp"
#include "replay/wal_connection.hpp"
#include "replay/wal_request.hpp"
#include "staging/memory.hpp"
#include "system/file.hpp"
#include "system/interruption.hpp"
#include "system/log.hpp"
#include "system/process_facts.hpp"
#include "system/refusal.hpp"

#include <algorithm>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <system_error>
#include <utility>

namespace patroni_pgbackrest {

namespace fs = std::filesystem;
using boost::asio::local::stream_protocol;

namespace {

using Clock = std::chrono::steady_clock;

/// What PostgreSQL waits for.
struct Question {
    std::shared_ptr<WalConnection> from;
    std::string wanted;
    fs::path destination;
    pgbackrest::Retries retries;
    std::optional<postgres::ControlFile> control{};
    Clock::time_point since = Clock::now();
    Clock::time_point not_before{};
    bool past_spool = false;
};

/// By rename, or by copy where pg_wal lies on another file system.
void move_file(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::rename(from, to, error);
    if (error == std::errc::cross_device_link) {
        system::copy_whole_file(from, to);
        fs::remove(from, error);
    } else if (error) {
        throw system::refused("deliver WAL to", to, error.value());
    }
}

}  // namespace

struct WalServer::State : std::enable_shared_from_this<WalServer::State> {
    explicit State(Options given) : options(std::move(given)) {}

    void listen() {
        boost::system::error_code error;
        static_cast<void>(acceptor.open(stream_protocol(), error));
        if (!error) {
            close_on_exec(acceptor.native_handle());
            static_cast<void>(acceptor.bind(stream_protocol::endpoint(socket_path()), error));
        }
        if (!error) {
            static_cast<void>(acceptor.listen(boost::asio::socket_base::max_listen_connections, error));
        }
        if (error) {
            throw system::refused("listen at", socket_path(), error.value());
        }
        accept();
    }

    void accept() {
        acceptor.async_accept([self = shared_from_this()](const auto& error, stream_protocol::socket socket) {
            if (!self->acceptor.is_open()) {
                return;
            }
            if (!error) {
                self->connections.push_back(std::make_shared<WalConnection>(std::move(socket)));
                self->connections.back()->read();
            } else if (error != boost::asio::error::connection_aborted) {
                self->refused = error.value();
                return;
            }
            self->accept();
        });
    }

    void close() {
        boost::system::error_code ignored;
        static_cast<void>(acceptor.close(ignored));
        for (const auto& connection : connections) {
            connection->close();
        }
        connections.clear();
        question.reset();
        look_again.cancel();
        // Now: the event loop may never call what still has a share in this.
        fetch.reset();
        directory.reset();
    }

    void step() {
        if (refused != 0) {
            throw system::refused("accept a connection at", socket_path(), refused);
        }
        while (find_question() && serve()) {
        }
        if (!question) {
            fetch_ahead();
        } else if (fetch->is_to_be_looked_at()) {
            look_again_soon();
        }
    }

    /// step() follows every event. To set a timer again that has not ended yet would be one more at once, and so on.
    void look_again_soon() {
        if (!looks_again) {
            looks_again = true;
            look_again.expires_after(between_looks_at_spool);
            look_again.async_wait([self = shared_from_this()](const auto&) { self->looks_again = false; });
        }
    }

    /// While PostgreSQL starts.
    void begin() {
        if (!options.first.empty()) {
            without_failing([this] { fetch->begin(options.first); });
        }
    }

    void fetch_ahead() {
        without_failing([this] {
            const auto after = [&](const auto& segment) {
                return options.ticket.segment_after(segment, options.fetch.size);
            };
            if (const auto next = after(last_delivered)) {
                fetch->fetch_ahead(*next, after);
            }
        });
    }

    /// Without what is done ahead the next question is answered later.
    static void without_failing(const std::function<void()>& ahead) {
        try {
            ahead();
        } catch (const std::exception& error) {
            log::debug("no WAL is fetched ahead: {}", error.what());
        }
    }

    /// One after the other: PostgreSQL asks so, and each question is of one server.
    bool find_question() {
        if (question && !question->from->is_open()) {
            question.reset();
        }
        std::erase_if(connections, [](const auto& connection) { return !connection->is_open(); });
        if (!question) {
            const auto asks = [](const auto& connection) { return connection->request().has_value(); };
            const auto first = std::find_if(connections.begin(), connections.end(), asks);
            if (first != connections.end()) {
                const auto& request = *(*first)->request();
                question = Question{*first, request.wanted, options.data_directory / request.destination,
                                    pgbackrest::Retries(options.ticket.retry)};
                // At the end of the recovery PostgreSQL reads the last one again (FinishWalRecovery in xlogrecovery.c),
                // and an asynchronous process would look for those behind it once more.
                question->past_spool = request.wanted == last_delivered;
                is_new = true;
            }
        }
        return question.has_value();
    }

    /// True when the question was answered.
    bool serve() {
        try {
            const auto found = find_answer();
            if (found) {
                answer(*found);
            }
            return found.has_value();
        } catch (const std::exception& error) {
            const auto failure = system::unexpected(error);
            if (is_interruption(failure.code())) {
                throw;
            }
            const auto& problem = failure.problems().front();
            const GuardAnswer refusal{GuardAnswer::Kind::abort, failure.code(), problem.message, problem.hint,
                                      failure.is_lasting()};
            answer(abort(or_full_disk(refusal, options.data_directory)));
            return true;
        }
    }

    void answer(int code) {
        question->from->answer(code);
        const auto took = Clock::now() - question->since;
        log::debug("{} for {} after {} ms", code, question->wanted,
                   std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
        question.reset();
    }

    /// The exit code for PostgreSQL; empty while it must wait.
    std::optional<int> find_answer() {
        if (std::exchange(is_new, false)) {
            if (const auto answer = answer_at_once()) {
                return answer;
            }
        }
        if (Clock::now() < question->not_before) {
            return std::nullopt;
        }
        const auto result = fetch->fetch(question->wanted, question->destination, question->past_spool);
        return result ? judge_result(*result) : std::nullopt;
    }

    std::optional<int> answer_at_once() {
        const auto& ticket = options.ticket;
        if (is_past_the_end(ticket, question->wanted)) {
            return 1;
        }
        const auto asking = system::status_or_throw(question->from->process());
        state.notes.startup_process = startup_process_from(asking ? asking->parent : 0);
        state.standby = fs::exists(options.data_directory / "standby.signal");
        question->control = postgres::read_control_file(options.data_directory);
        if (const auto refusal = refuse_before_asking(ticket, state, question->wanted)) {
            return abort(*refusal);
        }
        if (const auto refusal = refuse_second_time(ticket, OnlyOnce::in(options.data_directory),
                                                    state.notes.startup_process, question->control)) {
            return abort(*refusal);
        }
        return std::nullopt;
    }

    std::optional<int> judge_result(const WalFetch::Result& result) {
        const auto& [outcome, errors, file] = result;
        const auto& wanted = question->wanted;
        const auto other_wal = process::succeeded(outcome)
                                   ? refuse_delivered(options.ticket, wanted, file, question->control)
                                   : std::nullopt;
        if (other_wal && !question->past_spool) {
            log::warning("{}: fetched again, past the spool", other_wal->message);
            system::remove_file(file);
            question->past_spool = true;
            return find_answer();
        }
        const auto answer = judge(options.ticket, state, wanted, outcome, errors);
        switch (answer.kind) {
        case GuardAnswer::Kind::delivered:
            return deliver(file, other_wal);
        case GuardAnswer::Kind::not_there:
            return 1;
        case GuardAnswer::Kind::abort:
            break;
        case GuardAnswer::Kind::retry:
            return try_again(answer);
        }
        return abort(answer);
    }

    int deliver(const fs::path& file, const std::optional<GuardAnswer>& other_wal) {
        const auto& wanted = question->wanted;
        const auto refusal = other_wal ? other_wal
                                       : prepare_places(options.ticket, options.data_directory, wanted, file,
                                                        state.notes.startup_process);
        if (refusal) {
            system::remove_file(file);
            return is_read_ahead(options.ticket, wanted) ? 1 : abort(*refusal);
        }
        if (file != question->destination) {
            move_file(file, question->destination);
        }
        note_delivery(options.ticket, wanted, state.notes);
        if (postgres::is_segment_name(wanted)) {
            last_delivered = wanted;
        }
        return 0;
    }

    std::optional<int> try_again(const GuardAnswer& answer) {
        const auto wait = question->retries.next(answer.message);
        if (!wait) {
            return abort(or_full_disk(answer, options.data_directory));
        }
        question->not_before = Clock::now() + *wait;
        question->past_spool = false;
        return find_answer();
    }

    int abort(const GuardAnswer& answer) {
        tell_of_abort(answer, state.notes);
        return static_cast<int>(ExitCode::abort_recovery);
    }

    std::string socket_path() const { return (directory->path() / "wal").string(); }

    Options options;
    ReplayState state;
    std::unique_ptr<system::PrivateDirectory> directory = std::make_unique<system::PrivateDirectory>();
    std::unique_ptr<WalFetch> fetch = std::make_unique<WalFetch>(options.fetch);
    stream_protocol::acceptor acceptor{interruption::event_loop()};
    boost::asio::steady_timer look_again{interruption::event_loop()};
    std::deque<std::shared_ptr<WalConnection>> connections;
    std::optional<Question> question;
    bool is_new = false;         ///< nothing was done for the question yet
    bool looks_again = false;    ///< the timer is set
    std::string last_delivered;  ///< segment
    int refused = 0;             ///< errno of an accept that was not possible
};

WalServer::WalServer(Options options) : state_(std::make_shared<State>(std::move(options))) {
    state_->listen();
    state_->begin();
}

WalServer::~WalServer() {
    state_->close();
}

std::string WalServer::restore_command() const {
    return restore_command_for(state_->socket_path());
}

void WalServer::step() {
    state_->step();
}

const ReplayNotes& WalServer::notes() const {
    return state_->state.notes;
}

}  // namespace patroni_pgbackrest
