#!/usr/bin/env python3
"""A fleet on this machine: three members of etcd, two workers, three nodes on RocksDB.

    fleet_demo.py ROCKS_GC LIBROCKS_GC LIBROCKS_GC_FLEET FLEET_NODE

Three tenants write on all nodes. `fast` is collected, `slow` is held by a barrier, `doomed` is
destroyed after its timestamp. A schema of `fast` is dropped, and created again under its name. A
node is killed and comes back, and so does the worker that leads. The demo fails if a version that a
reader may want is lost, or if garbage is left.
"""

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROWS, VERSIONS = 20, 10
CLUSTER = "7"
COMMAND, LIBRARY, FLEET_LIBRARY, NODE = sys.argv[1:5]
FOLDER = tempfile.mkdtemp(prefix="rocks_gc_fleet_demo.")
BEGUN = time.monotonic()
processes = []


def say(text):
    print(f"{time.monotonic() - BEGUN:5.1f} s  {text}", flush=True)


def fail(text):
    sys.exit(f"fleet-demo: {text}")


def start(name, arguments, **pipes):
    with open(f"{FOLDER}/{name}.log", "a") as log:
        process = subprocess.Popen(arguments, stderr=log, **pipes)
    processes.append(process)
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def eventually(what, holds, limit=60):
    end = time.monotonic() + limit
    while not (answer := holds()):
        if time.monotonic() > end:
            fail(f"not within {limit} s: {what}")
        time.sleep(0.1)
    return answer


def timestamp():
    """Milliseconds of the clock, as the workers use them."""
    return int(time.time() * 1000) << 18


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Etcd:
    def __init__(self):
        ports = {f"m{i}": (free_port(), free_port()) for i in range(3)}
        cluster = ",".join(f"{name}=http://127.0.0.1:{peer}" for name, (_, peer) in ports.items())
        for name, (client, peer) in ports.items():
            urls = [f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"]
            start(name, [
                "etcd", "--name", name, "--data-dir", f"{FOLDER}/{name}", "--initial-cluster", cluster,
                "--listen-client-urls", urls[0], "--advertise-client-urls", urls[0],
                "--listen-peer-urls", urls[1], "--initial-advertise-peer-urls", urls[1],
            ], stdout=subprocess.DEVNULL)
        self.endpoints = ",".join(f"http://127.0.0.1:{client}" for client, _ in ports.values())


class Node:
    def __init__(self, name, etcd):
        self.name, self.etcd = name, etcd
        self.run()

    def run(self):
        self.process = start(self.name, [
            NODE, LIBRARY, FLEET_LIBRARY, f"{FOLDER}/{self.name}", f"endpoints={self.etcd.endpoints}",
            f"cluster={CLUSTER}", f"node={self.name}", "lease_seconds=2",
        ], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            fail(f"{self.name} did not start: see {FOLDER}/{self.name}.log")

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def do(self, *words):
        if (answer := self.ask(*words)) != "ok":
            fail(f"{self.name}: {words}: {answer}")


def command(etcd, *words, fails=False):
    done = subprocess.run(
        [COMMAND, "--endpoints", etcd.endpoints, "--cluster", CLUSTER, *map(str, words)],
        capture_output=True, text=True, check=False)
    if (done.returncode != 0) != fails:
        fail(f"rocks-gc {' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def demo():
    etcd = Etcd()
    eventually("etcd answers", lambda: subprocess.run(
        [COMMAND, "--endpoints", etcd.endpoints, "--cluster", CLUSTER, "status"],
        capture_output=True, check=False).returncode == 0)
    say("three members of etcd run")

    names = ["fast", "slow", "doomed"]
    created = command(etcd, "keyspace", "create", *names, "--config", "gc_management_type=keyspace_level")
    tenants = {line.split()[1]: int(line.split()[0]) for line in created.splitlines() if line[0].isdigit()}
    schema = command(etcd, "schema", "create", "fast", "orders")
    say(f"keyspaces {tenants}, schema {schema}")

    def worker(name):
        return start(name, [
            COMMAND, "--endpoints", etcd.endpoints, "--cluster", CLUSTER, "worker", "--name", name,
            "--gc-life-time", "2s", "--interval", "500ms", "--lease", "2s"])

    workers = {name: worker(name) for name in ("w1", "w2")}
    nodes = [Node(name, etcd) for name in ("n1", "n2", "n3")]
    say("two workers and three nodes run")

    newest = {}
    for version in range(VERSIONS):
        for node in nodes:
            for tenant in tenants.values():
                for row in range(ROWS):
                    ts, value = timestamp() + row, f"{node.name}-{version}-{row}"
                    node.do("put", tenant, f"row{row:04}", ts, value)
                    newest[node.name, tenant, row] = value
        if version == VERSIONS // 2:
            time.sleep(0.01)
            barrier = timestamp()
            command(etcd, "barrier", "set", "backup", "--timestamp", barrier, "--ttl", "10m", "--keyspace", "slow")
        time.sleep(0.01)
    for node in nodes:
        node.do("sput", tenants["fast"], schema, "order", timestamp(), "old")
    say(f"{ROWS} rows of {VERSIONS} versions for each tenant and node; `slow` is held at {barrier}")

    say(command(etcd, "schema", "drop", "fast", "orders"))
    again = command(etcd, "schema", "create", "fast", "orders")
    if again == schema:
        fail("a schema's id was used twice")
    for node in nodes:
        node.do("sput", tenants["fast"], again, "order", timestamp(), "new")
    say(f"created again: schema {again}")

    doomed = timestamp()
    start_key, end_key = nodes[0].ask("range", tenants["doomed"]).split()
    command(etcd, "range", "add", "drop_doomed", "data", "--start", start_key, "--end", end_key, "--timestamp", doomed)

    kill(nodes[1].process)
    leader = json.loads(command(etcd, "status", "--json"))["leader"]
    kill(workers[leader])
    say(f"killed: n2, and {leader}, which led")
    nodes[1].run()
    workers[leader] = worker(leader)
    say("both are back")

    written = timestamp()
    for node in nodes:
        eventually(f"{node.name} may collect `fast`", lambda: int(node.ask("safe", tenants["fast"])) >= written)
    eventually("the range is destroyed", lambda: " done " in command(etcd, "range", "list"))
    for node in nodes:
        node.do("compact")

    print(command(etcd, "status", "--gc-life-time", "2s"))
    print(f"\n{'node':8}{'tenant':10}{'safe point':>22}{'versions':>10}")
    for node in nodes:
        for name, tenant in tenants.items():
            count, safe = int(node.ask("count", tenant)), int(node.ask("safe", tenant))
            print(f"{node.name:8}{name:10}{safe:22}{count:10}")
            held = VERSIONS - VERSIONS // 2
            expected = {"fast": ROWS + 1, "slow": ROWS * held, "doomed": 0}[name]
            if count != expected:
                fail(f"{node.name} holds {count} versions of {name}, not {expected}")
            for row in range(ROWS if name != "doomed" else 0):
                if node.ask("get", tenant, f"row{row:04}", timestamp()) != newest[node.name, tenant, row]:
                    fail(f"{node.name} lost row {row} of {name}")
                if name == "slow" and node.ask("get", tenant, f"row{row:04}", barrier) != f"{node.name}-{VERSIONS // 2}-{row}":
                    fail(f"{node.name} lost what the barrier holds: row {row}")
        orders = [node.ask("sget", tenants["fast"], id_, "order", timestamp()) for id_ in (schema, again)]
        if orders != ["dropped", "new"]:
            fail(f"{node.name}: the schemas' rows are {orders}")
    for node in nodes:
        node.process.stdin.close()
        if node.process.wait(timeout=20) != 0:
            fail(f"{node.name} did not end well")
    say("all nodes have ended")


try:
    demo()
    print("fleet-demo: ok")
finally:
    for started in processes:
        if started.poll() is None:
            kill(started)
    if sys.exc_info()[0] is None:
        shutil.rmtree(FOLDER)
