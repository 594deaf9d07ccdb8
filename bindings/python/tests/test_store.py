"""What needs an attached store."""

import os

import pytest

import host
import rocks_gc
from conftest import Store, new_gc
from rocks_gc import (Busy, DestroyState, Family, InvalidArgument, Mode, NotFound, NotSupported,
                      Role, SchemaState, Why)


def test_compactions_collect(store):
    store.write(rows=(b"a\0b\0", b""))
    store.write(rows=(b"c",), keyspace=8)
    store.db.put(store.key(b"n", 30), b"with\0NUL\0\0")
    store.db.compact()
    assert store.left() == [(b"", 30), (b"a\0b\0", 30), (b"n", 30), (b"c", 30), (b"c", 20),
                            (b"c", 10)]
    assert dict(store.db.items())[store.key(b"n", 30)] == b"with\0NUL\0\0"
    assert store.gc.stats().removed == 4


def test_collect_and_explain(store):
    for ts in (10, 20, 30):
        store.db.put(store.key(b"a", ts))
    store.db.flush()
    explained = store.gc.explain()
    assert str(explained) and explained.answers[0].keyspace == 7
    assert explained.answers[0].mode is Mode.RAW and explained.answers[0].column_family == "default"
    assert store.gc.explain_keyspace(9).answers[0].why is Why.NOT_REGISTERED
    assert store.gc.explain(*store.gc.keyspace_range(Mode.RAW, 9)).answers == []
    dry = store.gc.collect_dry_run()
    assert (dry.files_considered, dry.files_read, dry.versions_removed) == (1, 1, 0)
    report = store.gc.collect("default", b"r", b"s", max_bytes=2**40)
    assert report.versions_removed == 2 and store.left() == [(b"a", 30)]
    with pytest.raises(NotFound, match="no_such"):
        store.gc.collect("no_such")
    store.gc.set_enabled(False)
    with pytest.raises(rocks_gc.RocksGcError, match="set_enabled"):
        store.gc.collect()


def test_destroy(store):
    gc = store.gc
    store.write(rows=(b"a", b"b", b"c"))
    a, b, c = (gc.encode_range(Mode.RAW, 7, row, row + b"\0") for row in (b"a", b"b", b"c"))
    report = gc.destroy_ranges([a, b])
    assert report.keys_deleted == 6 and store.left() == [(b"c", ts) for ts in (30, 20, 10)]
    assert gc.worker_drain(10) == 0 and gc.worker_pending() == 0 and gc.debt().debts == 0
    assert [(d.start, d.end, d.state) for d in gc.destroyed()] == [
        (*a, DestroyState.DONE), (*b, DestroyState.DONE)]
    gc.release_destroyed(*a)
    gc.recheck_destroyed_range(*b)
    assert gc.destroyed_count() == 0
    gc.destroy_range_after(*c, 1000)
    assert gc.destroyed()[0].pending_ts == 1000
    gc.take_back_destroy_range(*c)
    with pytest.raises(NotFound):
        gc.take_back_destroy_range(*c)
    gc.destroy_range(*c, reusable=True)
    assert store.left() == [] and gc.destroyed_count() == 0
    with pytest.raises(InvalidArgument) as caught:
        gc.destroy_ranges([a, (b"b", b"a")])
    assert caught.value.failed == 1 and caught.value.report.keys_deleted == 0


def test_destroy_keyspaces(store):
    gc = store.gc
    gc.load_keyspace(9, "nine")
    store.write(keyspace=9)
    with pytest.raises(rocks_gc.RocksGcError) as caught:
        gc.destroy_keyspaces([8, 9])
    assert caught.value.failed == 1
    gc.destroy_keyspace_after(9, 1000, force=True)
    gc.take_back_destroy_keyspace(9)
    gc.destroy_keyspace(9, force=True)
    gc.destroy_keyspaces([10, 11])
    assert store.left() == [] and gc.destroyed_count() == 6
    assert gc.worker_drain(10) == 0
    removed, _ = gc.recheck_destroyed(2**40)
    assert removed == 6 and gc.destroyed() == []


def test_schemas(tmp_path):
    with new_gc("schema_id=prefix") as gc:
        store = Store(tmp_path / "db", gc)
        one, two = b"\0\0\0\1row", b"\0\0\0\2row"
        store.write(rows=(one, two))
        gc.load_schemas(7, [1], 1)
        gc.create_schema(7, 2)
        gc.truncate_schema(7, 1, 20)
        gc.drop_schema(7, 2)
        assert gc.worker_drain(10) == 0
        assert [(s.keyspace, s.id, s.state) for s in gc.schemas()] == [
            (7, 1, SchemaState.VALID), (7, 2, SchemaState.DROPPED)]
        assert gc.schema_state(7, 3) is SchemaState.UNKNOWN
        assert store.left() == [(one, 30)]
        for number in (-1, 2**32):
            with pytest.raises(ValueError, match="schema's id must be 0 to"):
                gc.create_schema(7, number)
        store.close()


def test_families(store):
    with pytest.raises(InvalidArgument):
        store.gc.attach(store.db.pointer)  # attached already
    with new_gc() as gc:
        for families in ([], [Family(9, "default")], [(Role.DEFAULT, "d\0", None)],
                         [(Role.DEFAULT, "default", 0)], [(Role.DEFAULT, "other", None)]):
            with pytest.raises((InvalidArgument, ValueError)):
                gc.attach(store.db.pointer, families)
        with pytest.raises(TypeError, match="not callable"):
            gc.attach(store.db.pointer, close=5)


def test_the_newest_kinds_of_objects(gc, tmp_path):
    """A listener needs RocksDB 10.4, a WAL filter 11.8; older ones are named in a clear error."""
    if hasattr(host.ROCKSDB, "rocksdb_eventlistener_destroy"):
        gc.event_listener().close()
    else:
        with pytest.raises(NotSupported):
            gc.event_listener()
    options = host.Options()
    if hasattr(host.ROCKSDB, "rocksdb_options_set_wal_filter"):
        with gc.install_wal_filter(options.pointer, ["default"]) as wal_filter:
            host.Db(tmp_path / "db", options).close()
        with pytest.raises(rocks_gc.Closed):
            wal_filter.pointer
    else:
        with pytest.raises(NotSupported):
            gc.wal_filter(["default"])
    options.close()


def test_a_fork_gets_errors(store):
    child = os.fork()
    if child == 0:
        try:
            store.gc.stats()
        except rocks_gc.Closed as error:
            store.attachment.close()  # neither detaches nor closes
            store.gc.close()
            del error
            os._exit(0 if store.db.pointer else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    store.write()
    store.db.compact()
    assert store.left() == [(b"a", 30)]


def test_detach_is_refused_inside_a_callback(store):
    refused = []

    def log(level, message):
        for call in (store.attachment.close, store.gc.close, lambda: store.gc.set_clock(None)):
            try:
                call()
            except Busy as error:
                refused.append(str(error))

    library = rocks_gc.load()
    library.set_logger(log, rocks_gc.LogLevel.WARN)
    store.gc.advance_global_safe_point(5)
    store.gc.advance_global_safe_point(4)  # a step back is logged
    library.set_logger(None)
    assert len(refused) == 3 and "was refused" in refused[0] and not store.attachment.closed
    store.write()
