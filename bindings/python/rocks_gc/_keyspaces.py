"""What a placement driver stores of a keyspace."""

from ctypes import byref, c_uint32, sizeof
from typing import List, Optional

from . import _abi, _check
from ._abi import KeyspaceState
from ._part import Part
from .records import KeyspaceInfo


class Keyspaces(Part):
    def load_keyspace(self, keyspace: int, name: str,
                      state: KeyspaceState = KeyspaceState.ENABLED,
                      gc_management_type: Optional[str] = None) -> None:
        """Loads a keyspace's metadata, and registers its GC type.

        gc_management_type is PD's text, for example "keyspace_level"; None means global."""
        type_ = gc_management_type
        meta = _abi.rgc_keyspace_meta_t(
            sizeof(_abi.rgc_keyspace_meta_t), _check.keyspace(keyspace),
            _check.member(KeyspaceState, state), _check.name(name, "name"),
            None if type_ is None else _check.name(type_, "gc_management_type"))
        with self._life as gc:
            self._library.rgc_keyspace_load(gc, byref(meta))

    def load_keyspace_protobuf(self, message: _check.Bytes) -> None:
        """Loads a keyspace's metadata from the bytes that PD stores (keyspacepb.KeyspaceMeta)."""
        data = _check.data(message, "message")
        with self._life as gc:
            self._library.rgc_keyspace_load_protobuf(gc, data, len(data))

    def keyspace_by_name(self, name: str) -> Optional[int]:
        """The keyspace that owns a name, by the metadata that were loaded; None: there is none."""
        text, found = _check.name(name, "name"), c_uint32()
        with self._life as gc:
            is_found = self._library.rgc_keyspace_by_name(gc, text, byref(found))
        return found.value if is_found else None

    def keyspaces(self) -> List[KeyspaceInfo]:
        """The keyspaces that were loaded or registered, or have a safe point, ordered by id.

        state -1: no metadata. gc_type -1: not registered; -2: everything is kept."""
        with self._life as gc:
            return self._list(
                KeyspaceInfo, _abi.rgc_keyspace_info_t,
                lambda each: self._library.rgc_keyspaces_foreach(gc, each, None))
