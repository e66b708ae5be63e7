"""What powerlog.so wrote down, and the directory as a power cut may leave it: the log up to a place, and of what was not synced any part."""
import contextlib
import mmap
import os
import struct

from faults import libraries
from server import BUILD

# The order of enum kind.
NONE, BEGUN, FOLDER, FILE, WRITE, SIZE, CUT, SYNC, SYNC_ONE, RENAME, UNLINK, UNKNOWN = range(12)
LIBRARY = os.path.join(BUILD, "tests", "fault", "powerlog.so")
ROOM = 4 << 30		# of which only what is used takes memory
RECORD = struct.Struct("=QQ40s")
SECTOR = 512		# of a disk: written whole or not at all


class PowerLog:
    """All that a server and its commands write is in it from now on."""

    def __init__(self, server):
        self.path = server.path("powerlog")
        with open(self.path, "wb") as f:
            f.truncate(ROOM)
            f.write(struct.pack("=QQ", 16, ROOM))
        with open(self.path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), ROOM)
        self.words = {"POWERLOG": self.path, "POWERLOG_DIR": server.path("data"), "LD_PRELOAD": libraries(LIBRARY)}
        server.before = ["env"] + ["%s=%s" % word for word in self.words.items()]

    @contextlib.contextmanager
    def commands(self):
        """Those that run meanwhile are logged too."""
        os.environ.update(self.words)
        try:
            yield
        finally:
            for name in self.words:
                del os.environ[name]

    def close(self, server):
        """What the server writes from its next start on is not logged."""
        server.before = []
        self.memory.close()

    def place(self):
        """Where the next record will stand."""
        place = struct.unpack_from("=Q", self.memory)[0]
        if place > ROOM:
            raise AssertionError("the log is full")
        return place

    def records(self, start=16):
        """Each as its place, kind, path, offset and bytes. Who was killed before the end of one had not done what it tells."""
        place, end = start, self.place()
        while place < end:
            head = struct.unpack_from("=Q", self.memory, place)[0]
            if head == NONE:	# up to the next one there is nothing
                place += 8
                continue
            _, offset, path = RECORD.unpack_from(self.memory, place)
            kind, data, length = head & 0xffffffff, place + RECORD.size, head >> 32
            if kind != BEGUN:
                yield place, kind, path.rstrip(b"\0").decode(), offset, (data, data + length)
            place = (data + length + 7) // 8 * 8


class File:
    def __init__(self):
        self.bytes = bytearray()
        self.pending = []	# what may be on disk: place, kind, offset, bytes


def apply(content, kind, offset, data):
    if kind == CUT:
        del content[offset:]
    if kind == WRITE:
        content.extend(bytes(max(0, offset - len(content))))
        content[offset:offset + len(data)] = data
    else:
        content.extend(bytes(max(0, offset - len(content))))


class Disk:
    """
    What is on disk for certain at a place of the log, and what may be. counts: of kind and path, whether a sync does, so that
    a test can show what becomes of a server that leaves it out.
    """

    def __init__(self, log, counts=lambda kind, path: True, directory=None):
        self.memory = log.memory
        self.records = log.records()
        self.next = next(self.records, None)
        self.counts = counts
        self.folders = {}	# paths, and whether they are there for certain
        self.names = {}		# of files, the same
        self.files = {}
        self.before = {}	# the names that folders may have still
        self.removed = {}	# files that may be there still, and whether they were for certain
        if directory:
            self.begin_with(directory)

    def begin_with(self, directory):
        for folder, folders, names in os.walk(directory):
            inside = os.path.relpath(folder, directory)
            self.folders.update((os.path.normpath(os.path.join(inside, name)), True) for name in folders)
            for name in names:
                path = os.path.normpath(os.path.join(inside, name))
                self.names[path], self.files[path] = True, File()
                with open(os.path.join(folder, name), "rb") as f:
                    self.files[path].bytes = bytearray(f.read())

    def go_to(self, place):
        """Only forward."""
        while self.next is not None and self.next[0] < place:
            self.take(*self.next)
            self.next = next(self.records, None)

    def take(self, place, kind, path, offset, data):
        if kind == FOLDER:
            self.folders.setdefault(path, False)
        elif kind == FILE:
            self.names.setdefault(path, False)
            self.files.setdefault(path, File())
        elif kind in (WRITE, SIZE, CUT):
            self.files[path].pending.append((place, kind, offset, self.memory[slice(*data)]))
        elif kind in (SYNC, SYNC_ONE):
            if self.counts(kind, path):
                self.sync(path, offset if kind == SYNC_ONE else None)
        elif kind == RENAME:
            self.rename(path, self.memory[slice(*data)].decode())
        elif kind == UNLINK:
            self.removed[path] = self.files.pop(path), self.names.pop(path)
        else:
            raise AssertionError("record %d of kind %d at %s" % (place, kind, path))

    def rename(self, old, new):
        """A folder, with what is in it."""
        self.folders[new] = self.folders.pop(old)
        self.before[new] = old
        for paths in (self.names, self.files, self.removed):
            for path in [path for path in paths if os.path.dirname(path) == old]:
                paths[os.path.join(new, os.path.basename(path))] = paths.pop(path)

    def sync_names(self, folder):
        for names in (self.folders, self.names):
            names.update((name, True) for name in names if os.path.dirname(name) == folder)
        for changed in self.before, self.removed:
            for path in [path for path in changed if os.path.dirname(path) == folder]:
                del changed[path]

    def sync(self, path, only):
        """Of a folder the names in it; of a file all that is pending, or one write."""
        if path not in self.files:
            self.sync_names(path)
            return
        file = self.files[path]
        rest = []
        for pending in file.pending:
            if only is None or pending[0] == only:
                apply(file.bytes, *pending[1:])
            else:
                rest.append(pending)
        file.pending = rest

    def build(self, directory, chance, share):
        """The directory after the cut; of what was not synced this share is there, sector by sector."""
        def lasts(is_certain):
            return is_certain or chance.random() < share

        folders = {"": directory}
        for path in sorted(self.folders):
            if lasts(self.folders[path]):
                name = path if lasts(path not in self.before) else self.before[path]
                folders[path] = os.path.join(directory, name)
                os.mkdir(folders[path], 0o700)
        for path in {**self.files, **self.removed}:
            folder, name = os.path.split(path)
            file = self.file_of(path, lasts)
            if folder in folders and file is not None:
                with open(os.path.join(folders[folder], name), "wb", opener=private) as f:
                    f.write(self.content(file, lasts))

    def file_of(self, path, lasts):
        """The one of this name, the one that was removed, or None."""
        if path in self.files and lasts(self.names[path]):
            return self.files[path]
        if path not in self.removed:
            return None
        file, was_certain = self.removed[path]
        return file if lasts(was_certain) and not lasts(False) else None

    @staticmethod
    def content(file, lasts):
        content = bytearray(file.bytes) if file.pending else file.bytes
        for _, kind, offset, data in file.pending:
            if kind != WRITE:
                if lasts(False):
                    apply(content, kind, offset, data)
                continue
            for start in range(0, len(data), SECTOR):
                if lasts(False):
                    apply(content, WRITE, offset + start, data[start:start + SECTOR])
        return content


def private(path, flags):
    return os.open(path, flags, 0o600)
