"""Ports for servers that must be known by their address before they start, or be found at it again after a kill."""
import os
import socket


def free_port():
    """A port of 127.0.0.1 that nobody has. Below those that the kernel deals out by itself (to outgoing connections and to
    whoever asks for port 0): until the server takes it, only another call of this function could choose the same."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as dealt:
        lowest = int(dealt.read().split()[0])
    while True:
        port = 10_000 + int.from_bytes(os.urandom(4), "big") % (lowest - 10_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
