#!/usr/bin/env python3
"""What scripts/private-network needs beyond the shell: free ports, the control protocol, an HTTP server.

    ports ADDRESS COUNT              prints ports that are free on an address
    control ADDRESS:PORT COOKIE COMMAND...
                                     sends control commands; prints the answers; fails unless all are 250
    serve ADDRESS FOLDER PORTFILE [PEM]
                                     serves a folder over HTTP and takes PUT into it; over TLS, if there is a file with a
                                     key and its certificate; writes its port when it is ready
    names ADDRESS                    answers DNS questions about names that tests ask for, on port 53
    table FILE                       prints the relays of `GETINFO ns/all` (from FILE) as NAME FLAGS, joined with commas
"""
import errno
import http.server
import os
import random
import shutil
import socket
import ssl
import sys


def ports(address, count):
    # Not where the system takes the ports of outgoing connections from: such a one could come before our listener.
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first = int(file.read().split()[0])
    choice = range(10_000, first) if first > 12_000 else range(first, 65_536)
    sockets = []
    while len(sockets) < int(count):
        try:
            one = socket.socket()
            one.bind((address, random.choice(choice)))
            sockets.append(one)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    print(*(one.getsockname()[1] for one in sockets))


def control(endpoint, cookie, *commands):
    address, port = endpoint.rsplit(":", 1)
    with open(cookie, "rb") as file:
        secret = file.read().hex()
    with socket.create_connection((address, int(port)), timeout=10) as connection:
        lines = connection.makefile("rw", newline="\r\n", encoding="utf-8", errors="replace")

        def ask(command):
            lines.write(command + "\n")
            lines.flush()
            while True:
                line = lines.readline()
                if not line:
                    raise SystemExit("control: the connection was closed")
                line = line.rstrip("\r\n")
                status, kind, text = line[:3], line[3:4], line[4:]
                yield status, text
                if kind == "+":
                    while (data := lines.readline().rstrip("\r\n")) != ".":
                        yield status, data
                if kind == " ":
                    return

        good = True
        for command in (f"AUTHENTICATE {secret}", *commands):
            for status, text in ask(command):
                good = good and status == "250"
                if not command.startswith("AUTHENTICATE"):
                    print(text)
        if not good:
            raise SystemExit("control: a command was refused")


def names(address):
    """"server.test" is this address, other names under .test are 203.0.113.7, and whoever has an address is host.test."""
    socket4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    socket4.bind((address, 53))
    while True:
        question, client = socket4.recvfrom(4096)
        labels, place = [], 12
        while question[place]:
            labels.append(question[place + 1 : place + 1 + question[place]].decode("latin-1").lower())
            place += 1 + question[place]
        kind = int.from_bytes(question[place + 1 : place + 3], "big")
        body = None
        if kind == 1 and labels[-1:] == ["test"]:
            body = socket.inet_aton(address if labels == ["server", "test"] else "203.0.113.7")
        elif kind == 12:
            body = b"\4host\4test\0"
        exists = body is not None or labels[-1:] == ["test"]
        head = question[:2] + (b"\x81\x80" if exists else b"\x81\x83") + b"\0\1" + bytes([0, body is not None])
        answer = head + b"\0" * 4 + question[12 : place + 5]
        if body is not None:
            answer += b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\1\0\0\0\x3c" + len(body).to_bytes(2, "big") + body
        socket4.sendto(answer, client)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512


class Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        with open(self.translate_path(self.path), "wb") as file:
            while left > 0:
                block = self.rfile.read(min(left, 1 << 20))
                if not block:
                    break
                file.write(block)
                left -= len(block)
        self.send_response(201 if left == 0 else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def copyfile(self, source, outputfile):
        shutil.copyfileobj(source, outputfile, 1 << 20)

    def log_message(self, *arguments):
        pass


def serve(address, folder, portfile, pem=None):
    context = None
    if pem:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
    os.chdir(folder)
    server = Server((address, 0), Files)
    if context:
        # Each connection's own thread does its handshake.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(portfile + ".new", "w") as file:
        file.write(str(server.server_address[1]))
    os.rename(portfile + ".new", portfile)
    server.serve_forever()


def table(path):
    name = None
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            words = line.split()
            if words[:1] == ["r"]:
                name = words[1]
            elif words[:1] == ["s"] and name:
                print(name, ",".join(words[1:]))


if __name__ == "__main__":
    actions = {"ports": ports, "control": control, "serve": serve, "names": names, "table": table}
    if len(sys.argv) < 3 or sys.argv[1] not in actions:
        raise SystemExit(__doc__)
    try:
        actions[sys.argv[1]](*sys.argv[2:])
    except OSError as error:
        raise SystemExit(f"{sys.argv[1]}: {error}")
