"""Which libraries load() takes."""

import ctypes
import subprocess
import sys

import pytest

import rocks_gc
from rocks_gc import NotFound, NotSupported


def compiled(tmp_path, source):
    (tmp_path / "stub.c").write_text(source)
    library = tmp_path / "stub.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, tmp_path / "stub.c"], check=True)
    return library


def test_the_packaged_library():
    library = rocks_gc.load()
    assert library is rocks_gc.load(library.path)
    assert library.version.split(".")[0] == "0"
    assert "key_layout" in library.describe_options()


def test_a_library_that_is_not_there():
    with pytest.raises(NotFound, match="no library /no/such/librocks_gc.so"):
        rocks_gc.load("/no/such/librocks_gc.so")


def test_a_file_that_is_no_library(tmp_path):
    (tmp_path / "text.so").write_text("text")
    with pytest.raises(NotSupported, match="text.so cannot be loaded"):
        rocks_gc.load(tmp_path / "text.so")


def test_another_library(tmp_path):
    with pytest.raises(NotSupported, match="is not rocks-gc: it has no rgc_abi_version"):
        rocks_gc.load(compiled(tmp_path, "int other;"))


def test_another_abi(tmp_path):
    source = "unsigned rgc_abi_version(void) { return 99; } void rgc_version(void) { *(int*)0=1; }"
    with pytest.raises(NotSupported, match="has ABI 99, and this package needs ABI 1"):
        rocks_gc.load(compiled(tmp_path, source))


def test_a_library_that_lacks_a_function(tmp_path):
    with pytest.raises(NotSupported, match="has no rgc_"):
        rocks_gc.load(compiled(tmp_path, "unsigned rgc_abi_version(void) { return 1; }"))


def test_dlclose_does_not_unload_it(gc):
    handle = ctypes.CDLL(rocks_gc.load().path)._handle
    dlclose = ctypes.CDLL(None).dlclose
    dlclose.argtypes = [ctypes.c_void_p]
    for _ in range(3):
        dlclose(handle)
    assert gc.keyspace_safe_point(7) == 25


TWO = """
import ctypes, sys
import rocks_gc
sys.path.insert(0, sys.argv[1])
import host
ctypes.CDLL(sys.argv[2])
with rocks_gc.Gc() as gc:
    for rocksdb in (None, host.PATH, sys.argv[2]):
        try:
            gc.bind(rocksdb)
        except rocks_gc.RocksGcError as error:
            print(error)
"""


def test_two_rocksdbs_in_the_process(tmp_path, request):
    """The second one is a stand-in: two copies of Debian's end the process by themselves."""
    with open("/proc/self/maps") as maps:
        path = next(line.split()[-1] for line in maps if "librocksdb" in line)
    symbols = subprocess.run(["nm", "-D", path], check=True, stdout=subprocess.PIPE, text=True)
    names = [name for name in symbols.stdout.split() if name.startswith("rocksdb_")]
    stub = compiled(tmp_path, "\n".join(f"void {name}(void) {{}}" for name in names))
    said = subprocess.run([sys.executable, "-c", TWO, request.path.parent, stub],
                          check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    assert len(said) == 2, said
    assert str(stub) in said[0] and "/librocksdb.so" in said[0]
    assert "another RocksDB" in said[1], said[1]
