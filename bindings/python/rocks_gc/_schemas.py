"""Schemas: parts of a keyspace that can be dropped or truncated (option schema_id=prefix).

keyspace is None in the plain layout, and only there."""

from typing import Iterable, List, Optional, Union

from . import _abi, _check, _convert
from ._abi import SchemaState
from ._part import Part
from .records import SchemaInfo


class Schemas(Part):
    def load_schemas(self, keyspace: Optional[int], valid_ids: Iterable[int],
                     highest_id_ever: int) -> None:
        """Loads the list of all valid schemas of a keyspace.

        The program must read highest_id_ever before it reads the list: otherwise an id that is
        allocated in between counts as dropped."""
        number, ids = _check.keyspace_or_none(keyspace), _check.schemas(valid_ids)
        highest = _check.schema(highest_id_ever)
        with self._life as gc:
            self._library.rgc_schemas_load(gc, number, ids, len(ids), highest)

    def create_schema(self, keyspace: Optional[int], schema: int) -> None:
        """Tells a new schema, before its first record is written."""
        number, id_ = _check.keyspace_or_none(keyspace), _check.schema(schema)
        with self._life as gc:
            self._library.rgc_schema_create(gc, number, id_)

    def drop_schema(self, keyspace: Optional[int], schema: int) -> None:
        """Drops a schema with all its data. This is permanent."""
        number, id_ = _check.keyspace_or_none(keyspace), _check.schema(schema)
        with self._life as gc:
            self._library.rgc_schema_drop(gc, number, id_)

    def truncate_schema(self, keyspace: Optional[int], schema: int, up_to: int) -> None:
        """Deletes the versions of a schema up to and including a timestamp."""
        number, id_ = _check.keyspace_or_none(keyspace), _check.schema(schema)
        ts = _check.timestamp(up_to)
        with self._life as gc:
            self._library.rgc_schema_truncate(gc, number, id_, ts)

    def schema_state(self, keyspace: Optional[int], schema: int) -> Union[SchemaState, int]:
        number, id_ = _check.keyspace_or_none(keyspace), _check.schema(schema)
        with self._life as gc:
            return _convert.member(SchemaState, self._library.rgc_schema_state(gc, number, id_))

    def schemas(self) -> List[SchemaInfo]:
        """The schemas that the library knows, ordered by keyspace and id."""
        with self._life as gc:
            return self._list(SchemaInfo, _abi.rgc_schema_info_t,
                              lambda each: self._library.rgc_schemas_foreach(gc, each, None))
