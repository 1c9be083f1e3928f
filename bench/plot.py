"""The phases as stacked bars: one SVG that needs nothing else, for a light or a dark page."""
from xml.sax.saxutils import escape

from contest import BASELINE
from contenders import PHASES
from data_sets import DATA_SETS
from results import figures
from table import WORDS, description

WIDTH, LEFT, BARS, ROW, BAR, TITLE, TOP = 920, 150, 560, 24, 16, 40, 64
LABELS = {'copy': 'copy', 'replay': 'replay, until connections are accepted', 'flush': 'flush', 'start': 'start of the server',
          'rest': 'plan, proof, renaming'}
COLOURS = {'copy': '#0072b2', 'replay': '#e69f00', 'flush': '#cc79a7', 'start': '#009e73', 'rest': '#8c959f'}
STYLE = '''text { font: 13px sans-serif; fill: #1f2328 } .title { font-weight: bold } .page { fill: #ffffff }
.spread { stroke: #1f2328; stroke-width: 1.5 } %s
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .page { fill: #0d1117 } .spread { stroke: #e6edf3 } }'''


def drawn(results):
    """The SVG's text. Each data set has a scale of its own, in seconds; the line at a bar's end is what its rounds took."""
    parts, top = [legend()], TOP
    for name in DATA_SETS:
        if name in results['data_sets']:
            data_set = results['data_sets'][name]
            parts.append(text(0, top + 26, '%s: %s' % (WORDS['en'][name], description(data_set, WORDS['en'])), 'title'))
            parts += bars(data_set, top + TITLE)
            top += TITLE + ROW * len(figures(data_set)) + 10
    style = STYLE % ' '.join('.%s { fill: %s }' % pair for pair in COLOURS.items())
    return '\n'.join([
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-16 0 %d %d" width="%d" role="img">' % (WIDTH + 32, top + 16, WIDTH + 32),
        '<title>Seconds until a restored server accepts connections, by phase</title>', '<style>%s</style>' % style,
        '<rect class="page" x="-16" width="%d" height="%d"/>' % (WIDTH + 32, top + 16)] + parts + ['</svg>', ''])


def legend():
    drawn_parts, left = [text(0, 24, 'Seconds until a restored server accepts connections', 'title')], 0
    for phase in PHASES:
        drawn_parts += [box(phase, left, 38, 14, 14, LABELS[phase]), text(left + 20, 50, LABELS[phase])]
        left += 44 + 7 * len(LABELS[phase])
    return '\n'.join(drawn_parts)


def bars(data_set, top):
    """One for each contender: the phases of its middle round, and the spread of all of its rounds."""
    found = figures(data_set)
    totals = {contender: [sum(of_round[contender].values()) for of_round in data_set['rounds']] for contender in found}
    scale = BARS / max(max(seconds) for seconds in totals.values())
    for row, (contender, each) in enumerate(found.items()):
        at, left = top + ROW * row, LEFT
        yield text(0, at + 13, WORDS['en'][contender])
        for phase in PHASES:
            seconds = each.phases.get(phase, 0)
            if seconds:
                yield box(phase, left, at, seconds * scale, BAR, '%s: %.1f s' % (LABELS[phase], seconds))
                left += seconds * scale
        ends = [LEFT + limit(totals[contender]) * scale for limit in (min, max)]
        yield '<line class="spread" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>' % (*ends, at + BAR // 2, at + BAR // 2)
        said = '%.1f s' % each.seconds if contender == BASELINE else '%.1f s, %.2f times' % (each.seconds, each.ratio)
        yield text(max(left, ends[1]) + 8, at + 13, said)


def box(phase, left, top, width, height, says):
    return '<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d"><title>%s</title></rect>' % (
        phase, left, top, width, height, escape(says))


def text(left, top, says, kind=None):
    return '<text%s x="%.1f" y="%d">%s</text>' % (' class="%s"' % kind if kind else '', left, top, escape(says))
