"""Contenders in turn on each data set, for as long as there is time."""
import collections
import shutil
import statistics
import time

from contenders import CONTENDERS, Course
from data_sets import DATA_SETS, Source

BASELINE = next(iter(CONTENDERS))


class OutOfTime(Exception):
    """All of the time that was given is over."""


class Clock:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def remaining(self):
        return self.end - time.monotonic()

    def left(self):
        """The seconds that something may still take."""
        if self.remaining() <= 0:
            raise OutOfTime
        return self.remaining()


Compared = collections.namedtuple('Compared', 'first second ratio least most')  # medians, but for the ratio's ends


def compared(rounds, first, second):
    """The seconds of two things done in turn, so that a machine whose speed drifts treats both alike, and the ratio of the second to
    the first in the same round. One more round comes before these."""
    seconds = [(first(), second()) for _ in range(rounds + 1)][1:]
    ratios = [b / a for a, b in seconds]
    return Compared(statistics.median(a for a, _ in seconds), statistics.median(b for _, b in seconds), statistics.median(ratios),
                    min(ratios), max(ratios))


def paired(rounds, first, second):
    """The medians alone."""
    return compared(rounds, first, second)[:2]


def in_turn(contenders, round_number):
    """Each round begins with the next of them, so that none always comes behind the same other one."""
    at = round_number % len(contenders)
    return contenders[at:] + contenders[:at]


def why_not_begun(needed, left):
    """Pairs of seconds and bytes; None where both suffice."""
    if needed[0] > left[0]:
        return 'takes some %.0f min, and %.0f are left' % (needed[0] / 60, max(0, left[0]) / 60)
    if needed[1] > left[1]:
        return 'needs some %.0f GB of disk, and %.0f are free' % (needed[1] / 1e9, left[1] / 1e9)
    return None


def is_another_round(done, wanted, spent, share):
    """`done` are the seconds of each round, `spent` those since the data set was begun. The first round has no choice."""
    return not done or len(done) < wanted and spent + max(done) <= share


def rounded(phases):
    return {name: round(seconds, 3) for name, seconds in phases.items()}


def measure(with_lab, names, sizes, note):
    """Calls note(name, what was measured, or why it was not) for each data set, as soon as it is known."""
    clock = Clock(sizes.minutes * 60)
    for index, name in enumerate(names):
        share = clock.remaining() / (len(names) - index)
        note(name, with_lab(lambda lab, name=name, share=share: measure_one(lab, name, sizes, clock, share)))


def measure_one(lab, name, sizes, clock, share):
    began, data_set = time.monotonic(), DATA_SETS[name]
    reason = data_set.needs(lab) or why_not_begun(
        (data_set.seconds(sizes), data_set.bytes(sizes)), (clock.remaining(), shutil.disk_usage(lab.directory).free))
    if reason:
        return reason
    rounds, done = [], []
    try:
        source = Source(lab, clock)
        data_set.make(source, sizes)
        course = Course(source)
        while is_another_round(done, sizes.rounds, time.monotonic() - began, share):
            begun = time.monotonic()
            chosen = [contender for contender in CONTENDERS if contender in sizes.contenders]
            rounds.append({contender: rounded(course.run(contender)) for contender in in_turn(chosen, len(rounds))})
            done.append(time.monotonic() - begun)
    except (AssertionError, OutOfTime) as error:
        if clock.remaining() > 0:
            raise
        if not rounds:
            return 'was not over in time'
        print('%s: round %d was not over in time (%s)' % (name, len(rounds) + 1, type(error).__name__))
    return {'facts': source.facts, 'rounds': rounds}
