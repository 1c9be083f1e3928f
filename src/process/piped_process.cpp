#include "process/piped_process.hpp"

#include "process/end_processes.hpp"
#include "process/launch.hpp"
#include "process/reaper.hpp"
#include "system/interruption.hpp"

#include <boost/asio/buffer.hpp>
#include <csignal>
#include <sys/wait.h>
#include <utility>

namespace patroni_pgbackrest::process {

namespace {

using Clock = std::chrono::steady_clock;

/// How long a descendant may hold a pipe open after the child itself has ended.
constexpr std::chrono::seconds patience_with_pipes{1};
constexpr std::chrono::seconds grace_on_interruption{2};

}  // namespace

PipedProcess::Stream::Stream(Sink to) : pipe(interruption::event_loop()), sink(std::move(to)) {}

PipedProcess::PipedProcess(Sink output, Sink errors, int death_signal)
    : death_signal_(death_signal), output_(std::move(output)), errors_(std::move(errors)),
      end_of_pipes_(interruption::event_loop()) {}

std::shared_ptr<PipedProcess> PipedProcess::start(const Command& command, Sink output, Sink errors, int death_signal) {
    std::shared_ptr<PipedProcess> process{new PipedProcess{std::move(output), std::move(errors), death_signal}};
    auto launched = launch(command, death_signal);
    if (auto* failed = std::get_if<NotStarted>(&launched)) {
        process->reaped_ = true;
        process->outcome_ = std::move(*failed);
        return process;
    }
    auto& running = std::get<Launched>(launched);
    process->pid_ = running.pid;
    process->output_.pipe.assign(running.output.release());
    process->errors_.pipe.assign(running.errors.release());
    reaper::expect(running.pid, [process](int wait_status) { process->on_exit(wait_status); });
    for (Stream* stream : {&process->output_, &process->errors_}) {
        stream->is_open = true;
        process->read(*stream);
    }
    return process;
}

void PipedProcess::read(Stream& stream) {
    stream.pipe.async_read_some(
        boost::asio::buffer(stream.buffer),
        [self = shared_from_this(), &stream](const boost::system::error_code& error, std::size_t length) {
            if (!stream.is_open) {
                return;
            }
            try {
                if (length > 0 && !self->quiet_) {
                    stream.sink.on_piece({stream.buffer.data(), length});
                }
            } catch (...) {
                // Its child must be able to go on writing until it is ended.
                self->be_quiet();
                self->read(stream);
                throw;
            }
            if (error) {
                self->close(stream);
            } else {
                self->read(stream);
            }
        });
}

void PipedProcess::close(Stream& stream) {
    if (!std::exchange(stream.is_open, false)) {
        return;
    }
    boost::system::error_code ignored;
    static_cast<void>(stream.pipe.close(ignored));
    if (!quiet_) {
        stream.sink.on_end();
    }
    finish_if_done();
}

void PipedProcess::on_exit(int wait_status) {
    reaped_ = true;
    if (WIFSIGNALED(wait_status)) {
        ending_ = Signalled{WTERMSIG(wait_status)};
    } else {
        ending_ = Exited{WEXITSTATUS(wait_status)};
    }
    end_of_pipes_.expires_after(patience_with_pipes);
    end_of_pipes_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        self->close(self->output_);
        self->close(self->errors_);
    });
    finish_if_done();
}

void PipedProcess::finish_if_done() {
    if (!ending_ || outcome_ || output_.is_open || errors_.is_open) {
        return;
    }
    outcome_ = ending_;
    end_of_pipes_.cancel();
}

void PipedProcess::run_events(std::chrono::milliseconds at_most) {
    const auto deadline = Clock::now() + at_most;
    while (!outcome_) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) {
            return;
        }
        interruption::run_one_event(left);
    }
}

const std::optional<Outcome>& PipedProcess::wait(std::chrono::milliseconds at_most) {
    const auto deadline = Clock::now() + at_most;
    while (true) {
        if (interruption::requested()) {
            end(death_signal_, grace_on_interruption);
            interruption::check();
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (outcome_ || left.count() <= 0) {
            return outcome_;
        }
        interruption::run_one_event(left);
    }
}

void PipedProcess::end(int first, std::chrono::milliseconds grace) {
    if (!outcome_) {
        // Who belongs to it must be known before the first of them ends and its children lose their parent.
        ProcessTree tree{pid_};
        ::kill(-pid_, first);
        end_processes(tree, first, grace);
    }
    run_events(patience_with_pipes + std::chrono::milliseconds(500));
}

}  // namespace patroni_pgbackrest::process
