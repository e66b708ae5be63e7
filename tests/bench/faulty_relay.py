"""A relay for one pair that spoils one message, to see that the load client notices."""
import socket
import subprocess
import threading

from private_server import Failed, program

END = b"</message>"
AT = 10     # which message is spoiled


def drop(messages):
    return messages[:AT] + messages[AT + 1:]


def double(messages):
    return messages[:AT + 1] + messages[AT:]


def swap(messages):
    return messages[:AT] + [messages[AT + 1], messages[AT]] + messages[AT + 2:]


def damage(messages):
    return messages[:AT] + [messages[AT].replace(b"fox", b"cat")] + messages[AT + 1:]


FAULTS = {"lost": drop, "doubled": double, "reordered": swap, "damaged": damage}


def relay(listener, fault, count):
    """Waits for all messages of the sender, then passes them on, one spoiled."""
    sender, receiver = listener.accept()[0], listener.accept()[0]
    data = b""
    with sender, receiver:
        while data.count(END) < count:
            data += sender.recv(65536)
        receiver.sendall(b"".join(fault([part + END for part in data.split(END)[:-1]])))
        while sender.recv(65536):
            pass


def check_that_faults_are_found():
    """Raises Failed for the first that load does not count, or leaves with success for."""
    for word, fault in FAULTS.items():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=relay, args=(listener, fault, 20), daemon=True)
            thread.start()
            load = subprocess.run([program("load"), "--relay", "--port", str(listener.getsockname()[1]), "--pairs", "1",
                                   "--window", "20", "--messages", "20", "--most-seconds", "1"],
                                  capture_output=True, text=True, timeout=60)
            thread.join(10)
        if load.returncode != 1 or '"%s":1' % word not in load.stdout:
            raise Failed("a message was %s and load did not notice:\n%s%s" % (word, load.stdout, load.stderr))
