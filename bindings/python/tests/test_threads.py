"""Safe points, loggers and clocks while RocksDB's threads compact."""

import sys
import threading
import time

import pytest

import rocks_gc
from conftest import Store, new_gc
from rocks_gc import LogLevel, _abi, _callback


@pytest.mark.parametrize("subcompactions", [1, 4])
def test_safe_points_move_while_compactions_run(tmp_path, subcompactions):
    with new_gc() as gc:
        store = Store(tmp_path / "db", gc, max_subcompactions=subcompactions,
                      target_file_size_base=16384)
        rows = [b"row%05d" % i for i in range(2000)]
        store.write(rows, timestamps=(10, 20, 1000))
        stop, moved = threading.Event(), []

        def move():
            ts = 26
            while not stop.is_set():
                moved.append(gc.advance_keyspace_safe_point(7, ts))
                gc.stats()
                ts += 1

        thread = threading.Thread(target=move)
        thread.start()
        for _ in range(5):
            store.db.compact()
            store.write(rows[::20], timestamps=(2000 + _,))
        stop.set()
        thread.join()
        assert all(moved) and len(moved) > 1
        store.db.compact()
        left = store.left()
        assert {row for row, _ in left} == set(rows)
        assert not [ts for _, ts in left if ts in (10, 20)]
        started = gc.stats().runs_started
        assert started > 10 if subcompactions > 1 else started >= 6
        store.close()


def test_collect_lets_other_threads_run(store):
    store.write([b"row%05d" % i for i in range(3000)])
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.0001)

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.monotonic()
    store.gc.collect()
    end = time.monotonic()
    stop.set()
    thread.join()
    assert [at for at in ticks if begin < at < end]


def test_callbacks_that_raise_do_no_harm(store, monkeypatch):
    ignored, threads = [], set()
    monkeypatch.setattr(sys, "unraisablehook", lambda what: ignored.append(what.exc_value))

    def clock():
        threads.add(threading.get_ident())
        raise ValueError("no time")

    def log(level, message):
        threads.add(threading.get_ident())
        assert isinstance(level, LogLevel) and message
        raise KeyError(message)

    library = rocks_gc.load()
    store.gc.set_clock(clock)
    library.set_logger(log, LogLevel.DEBUG)
    store.write()
    store.db.compact()
    library.set_logger(None)
    store.gc.set_clock(None)
    assert store.left() == [(b"a", 30)]
    assert {type(error) for error in ignored} == {ValueError, KeyError}
    assert threads - {threading.get_ident()}  # RocksDB's own threads called them


@pytest.mark.parametrize("hook", ["the interpreter's", "one that raises"])
def test_c_gets_the_answer_for_an_exception(monkeypatch, capfd, hook):
    def fails(*_):
        raise ValueError("no time")

    monkeypatch.setattr(sys, "unraisablehook",
                        fails if hook == "one that raises" else sys.__unraisablehook__)
    assert _abi.rgc_clock_fn(_callback.clock(fails))(None) == 0
    said = capfd.readouterr().err
    assert "ValueError: no time" in said and "TypeError" not in said


def test_a_clock_that_answers_nonsense(store, monkeypatch):
    ignored = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: ignored.append(str(what.exc_value)))
    for wrong in ("now", -1, float("nan"), None):
        store.gc.set_clock(lambda: wrong)
        store.write()
        store.db.compact()
        assert f"returned {wrong!r} instead of unix time" in ignored[-1]
        assert _callback.clock(lambda: wrong)(None) == 0  # without the guard C would read anything
    assert store.left() == [(b"a", 30)]
    with pytest.raises(TypeError, match="not callable"):
        store.gc.set_clock(5)


def test_close_waits_for_running_calls(tmp_path):
    for _ in range(20):
        gc = new_gc()
        store = Store(tmp_path / "db", gc)
        errors = []

        def use():
            try:
                while True:
                    gc.stats()
                    gc.worker_drain(0.01)
            except rocks_gc.RocksGcError as error:
                errors.append(error)

        threads = [threading.Thread(target=use) for _ in range(3)]
        for thread in threads:
            thread.start()
        gc.close()
        for thread in threads:
            thread.join()
        assert len(errors) == 3 and gc.closed and store.attachment.closed
        store.options.close()


def test_destroy_waits_for_a_call_that_has_begun(gc):
    inside, leave = threading.Event(), threading.Event()

    def call():
        with gc._life:
            inside.set()
            leave.wait()

    caller, closer = threading.Thread(target=call), threading.Thread(target=gc.close)
    caller.start()
    inside.wait()
    closer.start()
    closer.join(0.1)
    assert closer.is_alive()
    leave.set()
    closer.join(10)
    caller.join()
    assert not closer.is_alive() and gc.closed
