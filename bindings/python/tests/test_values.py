"""What a program passes, and what it gets."""

import pytest

import rocks_gc
from rocks_gc import (Closed, Codec, Corruption, ErrorKind, Gc, GcType, InvalidArgument, Kind, Mode,
                      NotFound, NotSupported, Options)

NOT_BYTES = ["text", 5, None, [1]]


@pytest.mark.parametrize("number", [-1, 2**24, 2**32, 2**32 + 7, 2**70])
def test_a_keyspace_out_of_range(gc, number):
    for call in (lambda: gc.advance_keyspace_safe_point(number, 5),
                 lambda: gc.advance_keyspace_safe_points([(1, 5), (number, 5)]),
                 lambda: gc.set_keyspace_gc_type(number, GcType.GLOBAL),
                 lambda: gc.set_keyspace_gc_types([number], GcType.GLOBAL),
                 lambda: gc.pause_keyspace(number), lambda: gc.keyspace_safe_point(number),
                 lambda: gc.encode_key(Mode.RAW, number, b"", 1),
                 lambda: gc.destroy_keyspace(number), lambda: gc.load_keyspace(number, "name"),
                 lambda: Codec(Mode.RAW, number), lambda: gc.explain_keyspace(number)):
        with pytest.raises(ValueError, match=f"keyspace must be 0 to 16777215, not {number}"):
            call()
    assert gc.keyspace_safe_point(1) == 0


@pytest.mark.parametrize("number", [-1, 2**64, 2**64 + 5])
def test_a_timestamp_out_of_range(gc, number):
    for call in (lambda: gc.advance_global_safe_point(number),
                 lambda: gc.advance_keyspace_safe_point(7, number),
                 lambda: gc.advance_keyspace_safe_points([(7, number)]),
                 lambda: gc.encode_key(Mode.RAW, 7, b"", number),
                 lambda: gc.truncate_schema(7, 1, number)):
        with pytest.raises(ValueError, match=f"timestamp must be 0 to {2**64 - 1}, not {number}"):
            call()
    assert gc.global_safe_point() == 0


@pytest.mark.parametrize("value", [1.5, "7", None, True])
def test_a_number_that_is_no_int(gc, value):
    with pytest.raises(TypeError, match="must be an int"):
        gc.advance_global_safe_point(value)
    with pytest.raises(TypeError, match="must be an int"):
        gc.set_keyspace_gc_type(value, GcType.GLOBAL)


@pytest.mark.parametrize("value", NOT_BYTES)
def test_bytes_are_wanted(gc, value):
    for call in (lambda: gc.encode_key(Mode.RAW, 7, value, 1), lambda: gc.decode_key(value),
                 lambda: gc.safe_point_for_key(value), lambda: gc.destroy_range(value, b"z"),
                 lambda: gc.destroy_ranges([(b"a", value)]),
                 lambda: gc.load_keyspace_protobuf(value),
                 lambda: Codec(Mode.RAW, 1).encode_keys([b"", value])):
        with pytest.raises(TypeError, match="must be bytes, not"):
            call()


def test_texts_and_enumerations(gc):
    with pytest.raises(ValueError, match="must not contain NUL"):
        Options("history=latest\0")
    with pytest.raises(ValueError, match="must not contain NUL"):
        gc.load_keyspace(1, "a\0b")
    with pytest.raises(TypeError, match="must be a str, not bytes"):
        gc.load_keyspace(1, b"name")
    with pytest.raises(ValueError, match="99 is not a valid GcType"):
        gc.set_keyspace_gc_type(1, 99)
    with pytest.raises(ValueError, match="5 is not a valid Kind"):
        gc.filter_factory(5)


def test_pointers(gc):
    for value in (None, 0):
        with pytest.raises(ValueError, match="db is a NULL pointer"):
            gc.attach(value)
        with pytest.raises(ValueError, match="options is a NULL pointer"):
            gc.install(value)
    with pytest.raises(TypeError, match="db must be an int, not str"):
        gc.attach("db")
    with pytest.raises(ValueError, match="db must be 0 to"):
        gc.attach(-5)


def test_options():
    with Options("history=snapshot; ratio_threshold=1.5", ttl_grace_seconds=60) as options:
        options.set("recheck", "manual")
        with pytest.raises(InvalidArgument, match="no_such") as caught:
            options.set("no_such", 1)
        assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
        with Gc(options):
            pass
    with pytest.raises(Closed):
        options.set("recheck", "auto")
    with pytest.raises(Closed):
        Gc(options)
    with pytest.raises(TypeError):
        Gc("history=latest")


def test_after_close(gc):
    gc.close()
    gc.close()
    assert gc.closed
    for call in (gc.stats, gc.keyspaces, gc.metrics, gc.debt, gc.global_safe_point,
                 lambda: gc.set_enabled(False), lambda: gc.attach(1), lambda: gc.set_clock(None)):
        with pytest.raises(Closed, match="this Gc is closed"):
            call()


def test_stored_keys(gc):
    key = gc.encode_key(Mode.RAW, 7, b"a\0b\0", 2**64 - 1)
    assert gc.decode_key(memoryview(key)) == (Mode.RAW, 7, 2**64 - 1, b"a\0b\0")
    assert gc.decode_key(gc.encode_key(Mode.TIDB_TABLE, None, b"", 0)).keyspace is None
    assert gc.safe_point_for_key(bytearray(key)) == 25
    assert gc.encode_range(Mode.RAW, 7, b"") == gc.keyspace_range(Mode.RAW, 7)
    with pytest.raises(Corruption):
        gc.decode_key(b"r")


def test_codec():
    codec = Codec(Mode.RAW, 4242)
    assert codec.encode_key(b"key").hex() == "720010926b6579"
    assert rocks_gc.parse_keyspace(codec.encode_key(b"key")) == (Mode.RAW, 4242)
    keys = [b"a\0", b"", b"long enough for two groups"]
    assert codec.decode_keys(codec.encode_keys(keys)) == keys
    assert codec.encode_keys([]) == []
    for key in keys:
        assert codec.decode_key(codec.encode_key(key)) == key
        assert codec.decode_region_key(codec.encode_region_key(key)) == key
    assert codec.decode_range(*codec.encode_range(b"a", b"b")) == (b"a", b"b")
    assert codec.decode_range(*codec.encode_range(b"")) == (b"", None)
    assert codec.decode_region_range(*codec.encode_region_range(b"a")) == (b"a", None)
    bounds = [b"", codec.encode_region_key(b"m"), b""]
    assert codec.decode_bucket_keys(bounds) == [b"", b"m", b""]
    with pytest.raises(InvalidArgument, match="lies outside keyspace"):
        codec.decode_key(Codec(Mode.RAW, 1).encode_key(b"key"))


def test_keyspaces_and_safe_points(gc):
    gc.load_keyspace(9, "nine", gc_management_type="keyspace_level")
    gc.load_keyspace_protobuf(b"\x08\x0a\x12\x03ten")
    assert gc.advance_keyspace_safe_points([(9, 5), (9, 4)]) == 1
    assert [(k.id, k.name, k.gc_type, k.own_safe_point) for k in gc.keyspaces()] == [
        (7, "", GcType.KEYSPACE_LEVEL, 25), (9, "nine", GcType.KEYSPACE_LEVEL, 5),
        (10, "ten", GcType.GLOBAL, 0)]
    gc.pause_keyspace(9)
    assert gc.keyspaces()[1].gc_type == -2 and gc.keyspace_safe_point(9) == 0
    assert gc.advance_global_safe_point(50) and not gc.advance_global_safe_point(40)
    with pytest.raises(InvalidArgument):
        gc.load_keyspace(11, "name with spaces")
    with pytest.raises(rocks_gc.NotSupported):
        gc.consistency_safe_point()
    assert gc.consistency_safe_point(*gc.keyspace_range(Mode.RAW, 10)) == 50
    gc.set_keyspace_gc_types([11, 12], GcType.GLOBAL)
    assert "rocks_gc_removed_total 0" in gc.metrics()


def test_barriers(gc):
    gc.set_barrier(7, "reader", 30)
    gc.set_barrier(None, "reader", 40, ttl_seconds=3600)
    gc.set_barrier(rocks_gc.KEYSPACE_ALL, "backup", 50)
    assert gc.advance_keyspace_safe_point(7, 60) and gc.keyspace_safe_point(7) == 30
    assert gc.advance_global_safe_point(60) and gc.global_safe_point() == 40
    listed = gc.barriers()
    assert [(b.keyspace, b.name, b.ts) for b in listed] == [
        (7, "reader", 30), (None, "reader", 40), (rocks_gc.KEYSPACE_ALL, "backup", 50)]
    assert listed[1].expires_unix_seconds < listed[0].expires_unix_seconds == 2**64 - 1
    assert gc.delete_barrier(7, "reader") and not gc.delete_barrier(7, "reader")
    assert gc.keyspace_safe_point(7) == 50
    with pytest.raises(InvalidArgument, match="is behind"):
        gc.set_barrier(7, "reader", 49)
    with pytest.raises(ValueError):
        gc.set_barrier(rocks_gc.KEYSPACE_MAX + 1, "reader", 90)


def test_names_locks_and_the_ledger(gc):
    gc.load_keyspace(9, "nine")
    assert gc.keyspace_by_name("nine") == 9 and gc.keyspace_by_name("ten") is None
    for call in (lambda: gc.oldest_lock(7, 5), gc.reload_ledger):
        with pytest.raises(InvalidArgument, match="no store"):
            call()


def test_binding():
    with Gc() as gc:
        with pytest.raises(InvalidArgument, match="call bind"):
            gc.filter_factory(Kind.RAW)
        with pytest.raises(NotFound, match="/no/such/librocksdb.so"):
            gc.bind("/no/such/librocksdb.so")


def test_a_search_finds_a_local_rocksdb_but_not_its_other_functions():
    with Gc() as gc:
        gc.bind()
        with pytest.raises(NotSupported, match="pass its path to bind"):
            gc.install(1)


def test_a_factory_is_taken_once_or_destroyed(gc):
    for _ in range(1000):
        gc.filter_factory(Kind.RAW)  # lost: destroyed
    factory = gc.filter_factory(Kind.RAW)
    factory.close()
    factory.close()
    with pytest.raises(InvalidArgument, match="taken or closed"):
        factory.take()
