// The types of the package, as a TypeScript program sees them.

import { Codec, Gc, GcType, Kind, Mode, Role, RocksGcError, Why, load } from 'rocks-gc'

async function program(options: bigint, db: bigint): Promise<Why | number | undefined> {
  await using gc = new Gc({ history: 'snapshot', recheck_seconds: 60 }, { library: load() })
  gc.bind('librocksdb.so')
  gc.setKeyspaceGcType(7, GcType.KEYSPACE_LEVEL)
  gc.advanceKeyspaceSafePoints([[7, 100n], [8, 5]])
  gc.install(options, Kind.RAW)
  await using store = await gc.attach(db, {
    families: [{ role: Role.DEFAULT, name: 'default' }], close: async () => {},
  })
  const removed: bigint = (await gc.collect({ maxBytes: 5 })).versionsRemoved
  const key: Buffer = new Codec(Mode.RAW, 7).encodeKey(Buffer.from('key'))
  try {
    await gc.destroyRange(key, key, { reusable: true })
  } catch (error) {
    if (error instanceof RocksGcError) console.log(error.code, error.report?.keysDeleted, removed)
  }
  // @ts-expect-error a string is not bytes
  gc.decodeKey('key')
  return store.closed ? undefined : (await gc.explain()).answers[0]?.why
}

console.log(program)
