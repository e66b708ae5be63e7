"""What sanitizers report: it fails the test, whichever process of it they speak of and wherever they say it."""
import glob
import os
import re

OWN_MALLOC = "a sanitizer has an allocator of its own"
# How each sanitizer begins what it has found, and where it looks for its options.
REPORT = r"(ERROR|WARNING): \w+Sanitizer|: runtime error: "
OPTIONS = ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")


def is_sanitized(build):
    """Whether that build has them, and so an allocator of their own."""
    with open(os.path.join(build, "config.h"), encoding="ascii") as f:
        return "#define ROOKERY_SANITIZERS 1" in f.read()


def to_files(path):
    """The environment of a server in the background, which has no output: each process reports to PATH.PID."""
    own = "log_path=" + path
    return dict(os.environ, **{name: ":".join(filter(None, (os.environ.get(name), own))) for name in OPTIONS})


def read(path):
    text = ""
    for name in glob.glob(glob.escape(path) + ".*"):
        with open(name, encoding="utf-8", errors="replace") as f:
            text += f.read()
    return text


def check(text):
    if re.search(REPORT, text):
        raise AssertionError("a sanitizer reports:\n" + text[-20000:])
