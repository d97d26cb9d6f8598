#!/usr/bin/env python3
"""Counts instructions per cell: runs a fixed trace of cells under callgrind, and sums by what they belong to.

usage: scripts/cell-trace.py PROGRAM [guard|middle|exit|client] [up|down] [--cells N] [--plugin FILE.o[=ARGUMENTS]]... [--functions]

PROGRAM is `cell-trace-benchmark`, built with -c release. --functions lists the dearest functions as well.
"""
import collections
import os
import re
import subprocess
import sys
import tempfile

# By mangled module name, then by object file; the first that matches.
ROOMS = [
    ("CellPath (corridor)", r"^\$s8CellPath"),
    ("PluginHost (doors, helpers)", r"^\$s10PluginHost"),
    ("Hooks", r"^\$s5Hooks"),
    ("EBPF (engine)", r"^\$s4EBPF"),
    ("Circuits (queues, endpoint)", r"^\$s8Circuits"),
    ("Cells (pool, codec)", r"^\$s5Cells"),
    ("OnionCrypto", r"^\$s11OnionCrypto"),
    ("Transport (TLS records, reader, writer)", r"^\$s9Transport"),
    ("the bench itself", r"^\$s(20cell_trace_benchmark|11NIOEmbedded)"),
    ("NIO", r"^\$s\d+NIO|^\$s\d+_NIO"),
    ("Swift runtime: reference counts", r"^_?swift_(retain|release|bridgeObject|unknownObject|weak|unowned)"),
    ("Swift runtime: the rest", r"^_?swift_|^\$s"),
]


class Signed(dict):
    """Counts of which others can be taken away."""

    def __sub__(self, other):
        return collections.Counter({key: value - other.get(key, 0) for key, value in self.items()})


def run(program, words, folder):
    out = os.path.join(folder, "out")
    stripped = os.path.join(folder, "program")
    # valgrind cannot read the debug information; the names of functions stay.
    subprocess.run(["objcopy", "--strip-debug", program, stripped], check=True)
    command = [
        "setarch", "-R", "valgrind", "--tool=callgrind", "--collect-atstart=no",
        "--toggle-collect=*deliverMeasured*", "--callgrind-out-file=" + out, stripped,
    ] + words
    environment = dict(os.environ, SWIFT_DETERMINISTIC_HASHING="1")
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    return done.stdout, out


def read(path):
    """Own instructions by (object, function), and calls by function."""
    names = {"fn": {}, "ob": {}}
    own = collections.Counter()
    calls = collections.Counter()
    callers = collections.Counter()
    current = ["", ""]
    called = None
    skip = False

    def name(kind, text):
        match = re.match(r"\((\d+)\)(?: (.*))?$", text)
        if not match:
            return text
        if match.group(2) is not None:
            names[kind][match.group(1)] = match.group(2)
        return names[kind].get(match.group(1), "?")

    with open(path) as file:
        for line in file:
            line = line.rstrip("\n")
            if line.startswith("ob="):
                current[0] = name("ob", line[3:])
            elif line.startswith("fn="):
                current[1] = name("fn", line[3:])
            elif line.startswith("cfn="):
                called = name("fn", line[4:])
            elif line.startswith("cob="):
                name("ob", line[4:])
            elif line.startswith("calls="):
                count = int(line[6:].split()[0])
                calls[called.split("'")[0]] += count
                callers[current[1], called.split("'")[0]] += count
                skip = True
            elif re.match(r"[+*\-0-9]", line):
                if skip:
                    skip = False
                    continue
                words = line.split()
                if len(words) >= 2:
                    own[tuple(current)] += int(words[1])
    return own, calls, callers


def room(where, function):
    for label, pattern in ROOMS:
        if re.search(pattern, function):
            return label
    base = os.path.basename(where)
    if base.startswith(("libcrypto", "libssl")):
        return "OpenSSL: " + base.split(".")[0]
    if base.startswith("libc."):
        return "libc: memory" if re.search("mem|alloc|free", function) else "libc: the rest"
    return "compiled plugins" if base in ("", "?", "???") else base


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    words = [word for word in sys.argv[2:] if word != "--functions"]
    cells = 5_000
    if "--cells" in words:
        place = words.index("--cells")
        cells = int(words[place + 1])
        del words[place : place + 2]
    # Two runs, one twice as long: what both have in common is not the cells'.
    with tempfile.TemporaryDirectory() as folder:
        said, out = run(sys.argv[1], words + ["--cells", str(cells)], folder)
        first = read(out)
        more, out = run(sys.argv[1], words + ["--cells", str(2 * cells)], folder)
        second = read(out)
    own, calls, callers = (late - early for late, early in zip(map(Signed, second), map(Signed, first)))

    def count(text):
        return int(re.search(r"received=(\d+)", text).group(1))

    cells = count(more) - count(said)
    total = sum(own.values())
    title = " ".join(words) or "middle up"
    print(f"{title}: {total / cells:.1f} instructions per cell received ({total} for {cells})")
    for line in more.splitlines()[1:]:
        print("  " + line)
    rooms = collections.Counter()
    for (where, function), count in own.items():
        rooms[room(where, function)] += count
    for label, count in rooms.most_common():
        print(f"  {count / cells:10.1f}  {label}")
    counting = sum(n for f, n in calls.items() if re.match(r"_?swift_(retain|release|bridgeObjectRe)", f))
    print(f"  {counting / cells:10.3f}  calls that count references, per cell")
    allocations = sum(n for f, n in calls.items() if f in ("malloc", "posix_memalign", "swift_slowAlloc", "swift_allocObject"))
    print(f"  {allocations / cells:10.3f}  calls that allocate, per cell")
    if "--functions" in sys.argv:
        for (caller, function), count in callers.most_common():
            if re.match(r"_?swift_(retain|release)$|malloc$", function) and count * 100 > cells:
                print(f"  {count / cells:10.3f}  {function} from {caller[:110]}")
        for (where, function), count in own.most_common(40):
            print(f"  {count / cells:10.1f}  {function[:110]} [{os.path.basename(where)}]")


main()
