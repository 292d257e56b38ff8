#!/usr/bin/env python3
"""Five real nodes in network namespaces, over a bad network that this process plays.

    sudo tests/namespaces.py target/debug/fedag [--seed 1] [--loss 0.2] [--delay-ms 50] [--jitter-ms 20] [--cut-s 20]

Needs root, Linux, /dev/net/tun and `ip`; no part of `cargo test`. Each node has a namespace and a TUN device, all of which end
here: packets are lost, delayed (and so reordered) and cut by a seeded draw. The nodes join, the weather begins, the network is
cut into 2 + 3 while both sides write, a node is killed with -9 and started again, and the cut heals: then all digests must be
equal within 10 s. Prints figures; exit code 0 if it was so. Whatever happens, namespaces and processes are gone afterwards, and
it ends within 180 s. Names are unique to a run, so several may run at a time.
"""
import argparse
import fcntl
import heapq
import json
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

NODES = 5
SIDES = [{0, 1}, {2, 3, 4}]
KILLED = 3
PORT = 41641
HEAL_S = 10
BOUND_S = 180
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def ip(*words):
    subprocess.run(["ip", *words], check=True, timeout=10)


class Net:
    """Namespaces, their devices, and the router between them."""

    def __init__(self, options):
        self.run = f"fedag{os.getpid()}"
        self.options = options
        self.rng = random.Random(options.seed)
        self.weather = False
        self.cut = False
        self.counts = {"packets": 0, "lost": 0, "cut": 0}
        self.made, self.devices = [], []
        self.ended = threading.Event()
        self.router = threading.Thread(target=self.route, daemon=True)

    def begin(self):
        for n in range(NODES):
            name = f"fd{os.getpid() % 10**7}t{n}"
            device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            self.devices.append(device)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
            self.made.append(self.namespace(n))
            ip("netns", "add", self.namespace(n))
            ip("link", "set", name, "netns", self.namespace(n))
            ip("-n", self.namespace(n), "link", "set", "lo", "up")
            ip("-n", self.namespace(n), "addr", "add", f"{self.address(n)}/24", "dev", name)
            ip("-n", self.namespace(n), "link", "set", name, "txqueuelen", "10000", "up")
        self.router.start()

    def namespace(self, n):
        return f"{self.run}-{n}"

    def address(self, n):
        return f"10.233.77.{n + 1}"

    def route(self):
        at = {device: n for n, device in enumerate(self.devices)}
        waiting, number = [], 0
        while not self.ended.is_set():
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, to, packet = heapq.heappop(waiting)
                try:
                    os.write(self.devices[to], packet)
                except OSError:
                    pass  # Its queue is full: one more that is lost.
            patience = max(0, min(0.02, waiting[0][0] - time.monotonic())) if waiting else 0.02
            for device in select.select(self.devices, [], [], patience)[0]:
                for _ in range(64):
                    try:
                        packet = os.read(device, 65536)
                    except BlockingIOError:
                        break
                    if packet[0] >> 4 != 4 or not 1 <= packet[19] <= NODES:
                        continue
                    to, due = packet[19] - 1, self.due(at[device], packet[19] - 1)
                    if due is not None:
                        number += 1
                        heapq.heappush(waiting, (due, number, to, packet))

    def due(self, here, there):
        """When a packet arrives; None: never."""
        self.counts["packets"] += 1
        if self.cut and any((here in side) != (there in side) for side in SIDES):
            self.counts["cut"] += 1
            return None
        if not self.weather:
            return time.monotonic() + 0.001
        if self.rng.random() < self.options.loss:
            self.counts["lost"] += 1
            return None
        jitter = self.rng.uniform(-self.options.jitter_ms, self.options.jitter_ms)
        return time.monotonic() + max(0, self.options.delay_ms + jitter) / 1000

    def end(self):
        self.ended.set()
        if self.router.is_alive():
            self.router.join(2)
        for device in self.devices:
            os.close(device)
        for name in self.made:
            if not os.path.exists(f"/run/netns/{name}"):
                continue  # It was not made.
            try:
                ip("netns", "del", name)
            except (OSError, subprocess.SubprocessError) as error:
                print(f"namespace {name} is left: {error}", file=sys.stderr)


class Nodes:
    """The processes and their directories."""

    def __init__(self, net, fedag, place):
        self.net, self.fedag, self.place = net, fedag, place
        self.running = {}
        self.writers, self.commands = [], set()
        self.ending = False
        self.lock = threading.Lock()
        self.written = [0] * NODES
        self.writing = threading.Event()

    def dir(self, n):
        return os.path.join(self.place, f"n{n}")

    def command(self, n, *words):
        inside = ["ip", "netns", "exec", self.net.namespace(n)]
        return [*inside, self.fedag, "--data", self.dir(n), *words]

    def do(self, n, *words, check=True):
        with self.lock:
            if self.ending:
                raise RuntimeError("it ends")
            process = subprocess.Popen(
                self.command(n, *words), text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=None if check else subprocess.DEVNULL)
            self.commands.add(process)
        try:
            said, _ = process.communicate(timeout=40)
        finally:
            process.kill()
            process.wait()
            with self.lock:
                self.commands.discard(process)
        done = subprocess.CompletedProcess(process.args, process.returncode, said)
        if check:
            done.check_returncode()
        return done

    def start(self, n):
        with open(os.path.join(self.place, f"n{n}.log"), "ab") as log:
            self.running[n] = subprocess.Popen(
                self.command(n, "run"), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + 15
        while not (self.status(n) or {}).get("running"):
            if time.monotonic() > until or self.running[n].poll() is not None:
                raise RuntimeError(f"node {n} does not start: see {self.place}/n{n}.log")
            time.sleep(0.05)

    def kill(self, n):
        # `ip netns exec` becomes the program, so this is the node itself.
        self.running[n].kill()
        self.running.pop(n).wait()

    def status(self, n):
        done = self.do(n, "status", "--json", check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def digests(self):
        told = [self.status(n) for n in range(NODES)]
        return [status and status["digest"] for status in told]

    def agreed(self, patience_s, what):
        """Seconds until all digests are equal."""
        began = time.monotonic()
        while True:
            digests = self.digests()
            took = time.monotonic() - began
            if None not in digests and len(set(digests)) == 1:
                return took
            if took > patience_s:
                raise RuntimeError(f"{what}: not one digest within {patience_s} s: {digests}")
            time.sleep(0.05)

    def write(self, n):
        while self.writing.is_set():
            try:
                done = self.do(n, "add", "--text", f"{n} writes {self.written[n]}", check=False)
            except (RuntimeError, subprocess.TimeoutExpired):
                continue  # It ends, or nothing was acknowledged in time.
            self.written[n] += done.returncode == 0
            time.sleep(0.1)

    def begin_writing(self):
        self.writing.set()
        self.writers = [threading.Thread(target=self.write, args=(n,), daemon=True) for n in range(NODES)]
        for writer in self.writers:
            writer.start()

    def stop_writing(self):
        self.writing.clear()
        for writer in self.writers:
            writer.join(45)

    def end(self):
        self.writing.clear()
        with self.lock:
            self.ending = True
            for process in self.commands:
                process.kill()
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for writer in self.writers:
            writer.join(5)


def scene(net, nodes, options):
    net.begin()
    listen = [f"{net.address(n)}:{PORT}" for n in range(NODES)]
    nodes.do(0, "init", "--network", "namespaces", "--name", "n0", "--listen", listen[0])
    nodes.start(0)
    for n in range(1, NODES):
        ticket = nodes.do(0, "invite").stdout.split()[0]
        nodes.do(n, "join", ticket, "--name", f"n{n}", "--listen", listen[n], "--timeout", "30")
        nodes.start(n)
    print(f"{NODES} nodes joined: one digest after {nodes.agreed(30, 'joined'):.1f} s", flush=True)

    net.weather = True
    nodes.begin_writing()
    time.sleep(3)
    before = list(nodes.written)
    net.cut = True
    print(f"cut into {SIDES} for {options.cut_s} s; both sides write", flush=True)
    time.sleep(options.cut_s * 0.3)
    nodes.kill(KILLED)
    time.sleep(options.cut_s * 0.3)
    nodes.start(KILLED)
    time.sleep(options.cut_s * 0.4)
    nodes.stop_writing()
    digests = nodes.digests()
    during = [sum(nodes.written[n] - before[n] for n in side) for side in SIDES]
    net.cut = False
    took = nodes.agreed(60, "healed")
    events = nodes.status(0)["events"]
    lost, packets = net.counts["lost"], net.counts["packets"]
    print(f"{sum(before)} events before the cut, {during} during it by its sides, {len(set(digests))} digests at its end")
    print(f"{packets} packets: {lost} lost, {net.counts['cut']} cut")
    print(f"healed: one digest of {events} events after {took:.1f} s", flush=True)
    for n in range(NODES):
        nodes.do(n, "verify")
    if 0 in during:
        raise RuntimeError(f"a side wrote nothing during the cut: {during}")
    if took > HEAL_S:
        raise RuntimeError(f"that is more than {HEAL_S} s")
    # R, an invite and an admission for each other; what a killed node had not acknowledged may be there too.
    if events < 1 + 2 * (NODES - 1) + sum(nodes.written) or len(set(digests)) < 2:
        raise RuntimeError(f"{sum(nodes.written)} events were acknowledged")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fedag")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--loss", type=float, default=0.2)
    parser.add_argument("--delay-ms", type=float, default=50)
    parser.add_argument("--jitter-ms", type=float, default=20)
    parser.add_argument("--cut-s", type=float, default=20)
    options = parser.parse_args()
    fedag = os.path.abspath(options.fedag)
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun") or not shutil.which("ip"):
        sys.exit("needs root, /dev/net/tun and `ip`")

    def leave(number, _frame):
        raise SystemExit(f"ended by signal {number}" if number != signal.SIGALRM else f"not done within {BOUND_S} s")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, leave)
    signal.alarm(BOUND_S)
    place = tempfile.mkdtemp(prefix="fedag-namespaces-")
    net = Net(options)
    nodes = Nodes(net, fedag, place)
    good = False
    try:
        scene(net, nodes, options)
        good = True
    except (RuntimeError, subprocess.SubprocessError) as error:
        print(f"failed: {error}; logs in {place}", file=sys.stderr)
    finally:
        signal.alarm(0)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        try:
            nodes.end()
        finally:
            net.end()
        if good:
            shutil.rmtree(place)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
