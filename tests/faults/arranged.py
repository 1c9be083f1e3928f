"""A directory that is put back to what it was: what was arranged once serves many cells."""
import errno
import hashlib
import os
import stat
import subprocess


class Arranged:
    """What lies in `directory` now, but for the names in `apart`. Mount points in it stay mounted."""

    def __init__(self, directory, saved, apart):
        self.directory, self.saved, self.apart = directory, saved, set(apart)
        os.mkdir(saved, 0o700)
        for name in self.names():
            copy(os.path.join(directory, name), saved)
        self.fingerprint = self.look()

    def names(self):
        return sorted(set(os.listdir(self.directory)) - self.apart)

    def put_back(self):
        for name in self.names():
            empty(os.path.join(self.directory, name))
        for name in os.listdir(self.saved):
            copy(os.path.join(self.saved, name), self.directory)

    def is_as_before(self):
        return self.look() == self.fingerprint

    def look(self):
        """[(path, mode, owner, content)] of everything; when a file was written does not count."""
        seen = []
        for name in self.names():
            for path in [os.path.join(self.directory, name), *below(os.path.join(self.directory, name))]:
                status = os.lstat(path)
                seen.append((path, status.st_mode, status.st_uid, content_of(path, status.st_mode)))
        return seen


def below(directory):
    if os.path.islink(directory) or not os.path.isdir(directory):
        return
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        yield path
        yield from below(path)


def content_of(path, mode):
    if stat.S_ISLNK(mode):
        return os.readlink(path)
    if not stat.S_ISREG(mode):
        return ''
    with open(path, 'rb') as file:
        return hashlib.blake2b(file.read()).hexdigest()


def copy(path, directory):
    subprocess.run(['cp', '-a', '--reflink=auto', path, directory], check=True)


def empty(path):
    """Removes it; a mount point stays, and so do the directories above it."""
    is_directory = os.path.isdir(path) and not os.path.islink(path)
    if is_directory:
        os.chmod(path, 0o700)
        for name in os.listdir(path):
            empty(os.path.join(path, name))
    try:
        (os.rmdir if is_directory else os.unlink)(path)
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.ENOTEMPTY):
            raise
