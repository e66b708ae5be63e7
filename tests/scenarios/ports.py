"""Ports that a test has for itself, as long as it lives: also while its server is down, and whatever else runs."""
import random
import socket

RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
LEAST = 10000

held = []		# until this process ends, however that happens


def below_the_kernels():
    """The kernel gives the ports of its own range to whoever connects."""
    with open(RANGE, encoding="ascii") as f:
        first, last = map(int, f.read().split())
    return range(LEAST, first) if first > LEAST + 1000 else range(last + 1, 65536)


def hold(port):
    """None where another test has it, or anybody listens. The name is nobody else's while it is bound."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind("\0rookery-test-port-%d" % port)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        name.close()
        return None
    return name


def free_ports(count):
    """So many, one behind the other."""
    ports = below_the_kernels()
    for _ in range(1000):
        first = random.choice(ports[:-count])
        names = [hold(first + i) for i in range(count)]
        if None not in names:
            held.extend(names)
            return list(range(first, first + count))
        for name in filter(None, names):
            name.close()
    raise AssertionError("no %d ports are free" % count)
