"""Chromium without a window, asked through a pipe (Chrome DevTools Protocol). Nothing but Python's standard library."""
import fcntl
import json
import os
import select
import signal
import subprocess
import time

SECONDS = 60  # for one answer; the first one comes when it has started
# Without a sandbox, which needs more than a container allows: it reads nothing but our own pages.
OPTIONS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-extensions', '--hide-scrollbars',
           '--disable-background-networking', '--disable-component-update', '--no-first-run', '--remote-debugging-pipe')


class Refused(Exception):
    """What it was asked for cannot be done."""


class Silent(Exception):
    """It does not answer."""


class Browser:
    def __init__(self, program, directory):
        """`directory` becomes its profile, and takes its log."""
        reader, self.commands = os.pipe()
        self.answers, writer = os.pipe()
        # It reads from descriptor 3 and writes to 4; these two are neither.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (reader, writer)]
        script = 'exec "$@" 3<&%d 4>&%d' % tuple(ends)
        with open(os.path.join(directory, 'browser.log'), 'w', encoding='utf-8') as log:
            self.process = subprocess.Popen(
                ['bash', '-c', script, 'bash', program, *OPTIONS, '--user-data-dir=' + os.path.join(directory, 'profile')],
                pass_fds=ends, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        for end in (reader, writer, *ends):
            os.close(end)
        self.last, self.rest, self.events = 0, b'', []

    def ask(self, method, session=None, **parameters):
        """The answer. What it tells meanwhile is added to the events."""
        self.last += 1
        message = {'id': self.last, 'method': method, 'params': parameters, **({'sessionId': session} if session else {})}
        os.write(self.commands, json.dumps(message).encode() + b'\0')
        while True:
            told = self.next_message()
            if told.get('id') != self.last:
                self.events.append(told)
            elif 'error' in told:
                raise Refused('%s: %s' % (method, told['error'].get('message')))
            else:
                return told['result']

    def next_message(self):
        while b'\0' not in self.rest:
            ready = select.select([self.answers], [], [], SECONDS)[0]
            piece = os.read(self.answers, 65536) if ready else b''
            if not piece:
                raise Silent('the browser does not answer')
            self.rest += piece
        message, self.rest = self.rest.split(b'\0', 1)
        return json.loads(message.decode())

    def open(self, url, width, scheme):
        """A session with the loaded page, in a window so wide, for a user who prefers that colour scheme."""
        target = self.ask('Target.createTarget', url='about:blank')['targetId']
        session = self.ask('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Runtime', 'Log', 'Network'):
            self.ask(domain + '.enable', session)
        self.ask('Emulation.setDeviceMetricsOverride', session, width=width, height=844, deviceScaleFactor=1, mobile=False)
        self.ask('Emulation.setEmulatedMedia', session, features=[{'name': 'prefers-color-scheme', 'value': scheme}])
        self.events.clear()
        self.ask('Page.navigate', session, url=url)
        end = time.monotonic() + SECONDS
        while not self.is_loaded(session, url):
            if time.monotonic() > end:
                raise Silent('%s is not loaded' % url)
            time.sleep(0.05)
        return session

    def is_loaded(self, session, url):
        try:
            return self.evaluate(session, 'document.readyState + " " + location.href') == 'complete ' + url
        except Refused:
            return False  # the page before is on its way out

    def evaluate(self, session, expression):
        """The value of a JavaScript expression in the page."""
        answer = self.ask('Runtime.evaluate', session, expression=expression, returnByValue=True)
        if 'exceptionDetails' in answer:
            raise Refused(str(answer['exceptionDetails']))
        return answer['result'].get('value')

    def told(self, *methods):
        """The parameters of its events of these kinds since the page was opened."""
        return [event['params'] for event in self.events if event.get('method') in methods]

    def end(self):
        """With all of its processes."""
        os.close(self.commands)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        os.close(self.answers)
