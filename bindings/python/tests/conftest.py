"""A Gc with keyspace 7, whose safe point is 25, on a real RocksDB."""

import contextlib

import pytest

import host
import rocks_gc
from rocks_gc import Gc, GcType, Kind, Mode


class Store:
    def __init__(self, path, gc, **options):
        self.gc = gc
        self.options = host.Options(**options)
        gc.install(self.options.pointer, Kind.RAW)
        self.db = host.Db(path, self.options)
        self.attachment = gc.attach(self.db.pointer, close=self.db.close)

    def key(self, row, ts, keyspace=7):
        return self.gc.encode_key(Mode.RAW, keyspace, row, ts)

    def write(self, rows=(b"a",), keyspace=7, timestamps=(10, 20, 30)):
        for ts in timestamps:
            for row in rows:
                self.db.put(self.key(row, ts, keyspace))
            self.db.flush()

    def left(self):
        """The rows and timestamps that are left, without the ledger."""
        keys = [self.gc.decode_key(key) for key, _ in self.db.items() if key[:1] == b"r"]
        return [(key.user_key, key.timestamp) for key in keys]

    def close(self):
        self.attachment.close()
        self.options.close()


def new_gc(text=""):
    gc = Gc(rocks_gc.Options(text))
    gc.bind(host.ROCKSDB)
    gc.set_keyspace_gc_type(7, GcType.KEYSPACE_LEVEL)
    gc.advance_keyspace_safe_point(7, 25)
    return gc


@pytest.fixture
def gc():
    with new_gc() as gc:
        yield gc


@pytest.fixture
def store(tmp_path, gc):
    with contextlib.closing(Store(tmp_path / "db", gc)) as store:
        yield store
