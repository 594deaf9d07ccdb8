"""Opening, attaching, detaching and closing, in any order and with exceptions anywhere."""

import gc as garbage
import random
import subprocess
import sys
import weakref

import pytest

import host
import rocks_gc
from conftest import Store, new_gc
from rocks_gc import Gc


def test_rounds_in_random_order(tmp_path):
    seed = random.randrange(2**32)
    print("seed", seed)
    pick = random.Random(seed)
    for i in range(200):
        gc = new_gc()
        store = Store(tmp_path / f"db{i % 8}", gc)
        store.write(timestamps=(10 + i, 20 + i))
        if pick.random() < 0.5:
            gc.destroy_range(*gc.encode_range(rocks_gc.Mode.RAW, 7, b"b", b"c"), reusable=True)
        ends = [store.attachment.close, gc.close, store.attachment.close, gc.close]
        pick.shuffle(ends)
        for end in ends[:pick.randrange(1, 5)]:
            end()
        ended = store.attachment.closed
        if not ended and pick.random() < 0.5:
            del gc, store, ends  # the program forgets everything; the store stays attached
            for life in list(rocks_gc._life._attached):
                life.store.close()
        else:
            store.attachment.close()
            store.options.close()
    assert not rocks_gc._life._attached


STEPS = ("options", "gc", "bind", "install", "open", "attach", "write")


@pytest.mark.parametrize("fails_after", STEPS)
def test_an_exception_after_each_step(tmp_path, fails_after):
    def done(step):
        if step == fails_after:
            raise KeyboardInterrupt(step)

    def run():
        with rocks_gc.Options() as options:
            done("options")
            with Gc(options) as gc:
                done("gc")
                gc.bind(host.ROCKSDB)
                done("bind")
                db_options = host.Options()
                try:
                    gc.install(db_options.pointer)
                    done("install")
                    db = host.Db(tmp_path / "db", db_options)
                    try:
                        done("open")
                        with gc.attach(db.pointer, close=db.close):
                            done("attach")
                            db.put(b"key")
                            done("write")
                    finally:
                        db.close()
                finally:
                    db_options.close()

    with pytest.raises(KeyboardInterrupt, match=fails_after):
        run()
    host.Db(tmp_path / "db", host.Options()).close()  # the lock is free
    assert not rocks_gc._life._attached


@pytest.fixture
def interrupted(monkeypatch):
    """Raises after a function of C has done its work, as a signal's handler may."""

    def interrupt(name):
        library = rocks_gc.load()
        function = getattr(library, name)

        def call(*arguments):
            monkeypatch.setattr(library, name, function)
            function(*arguments)
            raise KeyboardInterrupt(name)

        monkeypatch.setattr(library, name, call)
        return pytest.raises(KeyboardInterrupt, match=name)

    return interrupt


def test_an_interrupt_during_attach(tmp_path, gc, interrupted):
    options = host.Options()
    db = host.Db(tmp_path / "db", options)
    with interrupted("rgc_attach_rocksdb"):
        gc.attach(db.pointer)
    with pytest.raises(rocks_gc.InvalidArgument, match="attach"):
        gc.debt()  # no store: the program may close the DB
    gc.attach(db.pointer, close=db.close).close()
    options.close()


def test_an_interrupt_during_close(interrupted):
    gc = new_gc()
    with interrupted("rgc_destroy"):
        gc.close()
    with pytest.raises(rocks_gc.Closed):
        gc.stats()
    gc.close()


def test_an_interrupt_while_a_callback_is_set(gc, interrupted):
    def clock():
        return 5

    def log(level, line):
        pass

    library = rocks_gc.load()
    alive = [weakref.ref(clock), weakref.ref(log)]
    with interrupted("rgc_set_clock"):
        gc.set_clock(clock)
    with interrupted("rgc_set_logger"):
        library.set_logger(log)
    del clock, log
    garbage.collect()
    assert all(callback() for callback in alive)  # C calls them
    library.set_logger(None)
    gc.set_clock(None)
    garbage.collect()
    assert not any(callback() for callback in alive)


def test_a_close_that_raises_has_detached(tmp_path, gc):
    options = host.Options()
    db = host.Db(tmp_path / "db", options)

    def close():
        raise OSError("disk full")

    attachment = gc.attach(db.pointer, close=close)
    with pytest.raises(OSError, match="disk full"):
        attachment.close()
    attachment.close()
    db.close()  # safe: the worker has ended
    options.close()


def test_a_lost_gc_continues_to_collect(tmp_path):
    gc = new_gc()
    store = Store(tmp_path / "db", gc)
    lost = weakref.ref(gc)
    attachment = weakref.ref(store.attachment)
    store.write()
    key = store.key(b"a", 30)
    del gc, store.gc, store.attachment
    garbage.collect()
    assert lost() is not None and attachment() is not None
    store.db.compact()
    assert [key for key, _ in store.db.items()] == [key]
    attachment().close()
    store.options.close()
    garbage.collect()
    assert lost() is None


def test_a_lost_gc_that_is_not_attached_is_destroyed(tmp_path):
    gc = new_gc()
    gc.set_clock(lambda: 5)
    options = host.Options()
    gc.install(options.pointer)
    db = host.Db(tmp_path / "db", options)
    for ts in (10, 20, 30):
        key = gc.encode_key(rocks_gc.Mode.RAW, 7, b"a", ts)
        db.put(key)
    lost = weakref.ref(gc)
    del gc
    garbage.collect()
    assert lost() is None
    db.compact()  # filters continue with the last safe points
    assert [key for key, _ in db.items()] == [key]
    db.close()
    options.close()


ENDS = """
import sys
sys.path.insert(0, sys.argv[1])
import rocks_gc
from conftest import Store, new_gc
gc = new_gc()
store = Store(sys.argv[2], gc, disable_auto_compactions=0)
gc.set_clock(lambda: 5)
rocks_gc.load().set_logger(lambda level, line: print(line), rocks_gc.LogLevel.DEBUG)
for _ in range(20):
    store.write()
print("the end")  # RocksDB still compacts
"""


def test_the_end_of_the_process_with_an_attached_store(tmp_path, request):
    program = [sys.executable, "-X", "faulthandler", "-c", ENDS, request.path.parent]
    for i in range(3):
        ended = subprocess.run([*program, tmp_path / f"db{i}"], capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (0, "") and "the end" in ended.stdout
        host.Db(tmp_path / f"db{i}", host.Options()).close()


def resident_kilobytes():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


def test_memory_is_flat(tmp_path):
    db_options = host.Options()
    db = host.Db(tmp_path / "db", db_options)

    def one():
        with new_gc("history=snapshot") as gc:
            gc.set_clock(lambda: 5)
            gc.encode_key(rocks_gc.Mode.RAW, 7, bytes(10_000), 5)
            gc.keyspaces(), gc.metrics(), gc.stats()
            with pytest.raises(rocks_gc.Corruption):
                gc.decode_key(bytes(5000))
            options = host.Options()
            gc.install(options.pointer)
            options.close()
            gc.filter_factory().close()
            with gc.attach(db.pointer):
                gc.explain()

    # The allocator grows by itself at times. A leak grows in each 500 rounds, so one 500 without
    # growth is enough.
    grown = []
    while len(grown) < 6 and min(grown, default=1024) >= 1024:
        before = resident_kilobytes()
        for _ in range(500):
            one()
        grown.append(resident_kilobytes() - before)
    db.close()
    db_options.close()
    assert min(grown) < 1024, f"kilobytes more after each 500 rounds: {grown}"
