/** Garbage collection for RocksDB hosts. include/rocks_gc.h is the manual. */

import type {
  BarrierInfo, CollectReport, Debt, DestroyReport, DestroyedInfo, ErrorKind, Explained, GcType,
  KeyspaceInfo, KeyspaceState, Kind, Mode, Role, SchemaInfo, SchemaState, Stats,
} from './lib/abi'

export * from './lib/abi'

/** A timestamp or another number of 64 bits. A number must be a safe integer. */
export type Uint64 = bigint | number
/** A pointer of the program's RocksDB, as koffi returns it. */
export type Pointer = bigint
export type Bound = Uint8Array | null

export interface Range {
  start: Buffer
  /** null means no upper bound */
  end: Buffer | null
}

export interface StoredKey {
  mode: Mode | number
  keyspace: number | null
  timestamp: bigint
  userKey: Buffer
}

export interface Family {
  role: Role
  name: string
  /** null means the default family */
  handle?: Pointer | null
}

export interface CollectRange {
  family?: string | null
  start?: Bound
  end?: Bound
  maxBytes?: Uint64
}

export interface DestroyOptions {
  force?: boolean
  reusable?: boolean
}

export interface Explanation {
  text: string
  answers: Explained[]
}

export declare const KEYSPACE_MAX: 16777215
export declare const KEYSPACE_ALL: 4294967294

export declare class RocksGcError extends Error {
  readonly kind: ErrorKind
  /** The name of kind, for example 'BUSY'. */
  readonly code: keyof typeof ErrorKind
  /** Of a failed destroy: what was done before. */
  readonly report?: DestroyReport
  /** Of a failed destroy of several: the index of the one that the error is about. */
  readonly failed?: number
}

export declare class Library {
  private constructor()
  readonly path: string
  readonly version: string
  describeOptions(): string
  silence(): void
}

export declare function load(path?: string): Library

export interface Where {
  library?: Library
}

export declare class Gc {
  constructor(options?: string | Record<string, string | number | bigint>, where?: Where)
  readonly closed: boolean
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
  setEnabled(enabled: boolean): Promise<void>
  stats(): Stats
  metrics(): string
  workerPending(): number
  workerDrain(timeoutMs: number): Promise<number>

  advanceGlobalSafePoint(timestamp: Uint64): boolean
  advanceKeyspaceSafePoint(keyspace: number, timestamp: Uint64): boolean
  advanceKeyspaceSafePoints(pairs: Iterable<[number, Uint64]>): number
  setKeyspaceGcType(keyspace: number, type: GcType): void
  setKeyspaceGcTypes(keyspaces: Iterable<number>, type: GcType): void
  pauseKeyspace(keyspace: number): Promise<void>
  globalSafePoint(): bigint
  keyspaceSafePoint(keyspace: number): bigint
  safePointForKey(storedKey: Uint8Array): bigint
  consistencySafePoint(start?: Bound, end?: Bound): bigint
  oldestLock(keyspace: number | null, upTo: Uint64): Promise<bigint | null>

  setBarrier(
    keyspace: number | null, name: string, timestamp: Uint64, ttlSeconds?: Uint64): void
  deleteBarrier(keyspace: number | null, name: string): boolean
  barriers(): BarrierInfo[]

  loadKeyspace(meta: {
    id: number
    name: string
    state?: KeyspaceState
    gcManagementType?: string | null
  }): void
  loadKeyspaceProtobuf(message: Uint8Array): void
  keyspaceByName(name: string): number | null
  keyspaces(): KeyspaceInfo[]

  loadSchemas(keyspace: number | null, validIds: Iterable<number>, highestIdEver: number): void
  createSchema(keyspace: number | null, schema: number): void
  dropSchema(keyspace: number | null, schema: number): Promise<void>
  truncateSchema(keyspace: number | null, schema: number, upTo: Uint64): Promise<void>
  schemaState(keyspace: number | null, schema: number): SchemaState | number
  schemas(): SchemaInfo[]

  bind(rocksdb: string | Pointer): void
  install(options: Pointer, kind?: Kind): void
  installWalFilter(options: Pointer, families: Iterable<string>): WalFilter
  filterFactory(kind?: Kind): Owned
  eventListener(): Owned
  walFilter(families: Iterable<string>): WalFilter
  attach(db: Pointer, options?: {
    families?: Iterable<Family>
    close?: () => void | Promise<void>
  }): Promise<Attachment>

  collect(range?: CollectRange): Promise<CollectReport>
  collectDryRun(range?: CollectRange): Promise<CollectReport>
  debt(): Promise<Debt>
  explain(range?: { start?: Bound, end?: Bound }): Promise<Explanation>
  explainKeyspace(keyspace: number): Promise<Explanation>

  destroyRange(start: Uint8Array, end: Uint8Array, options?: DestroyOptions): Promise<DestroyReport>
  destroyRanges(
    ranges: Iterable<[Uint8Array, Uint8Array]>, options?: DestroyOptions): Promise<DestroyReport>
  destroyKeyspace(keyspace: number, options?: DestroyOptions): Promise<DestroyReport>
  destroyKeyspaces(keyspaces: Iterable<number>, options?: DestroyOptions): Promise<DestroyReport>
  destroyRangeAfter(
    start: Uint8Array, end: Uint8Array, timestamp: Uint64, options?: DestroyOptions): Promise<void>
  destroyKeyspaceAfter(
    keyspace: number, timestamp: Uint64, options?: DestroyOptions): Promise<void>
  takeBackDestroyRange(start: Uint8Array, end: Uint8Array): Promise<void>
  takeBackDestroyKeyspace(keyspace: number): Promise<void>
  recheckDestroyed(nowUnixSeconds: Uint64): Promise<{ removed: number, report: DestroyReport }>
  recheckDestroyedRange(start: Uint8Array, end: Uint8Array): Promise<DestroyReport>
  releaseDestroyed(start: Uint8Array, end: Uint8Array): Promise<void>
  destroyedCount(): number
  reloadLedger(): Promise<void>
  destroyed(): DestroyedInfo[]

  encodeKey(mode: Mode, keyspace: number | null, userKey: Uint8Array, timestamp: Uint64): Buffer
  decodeKey(storedKey: Uint8Array): StoredKey
  encodeRange(mode: Mode, keyspace: number | null, start?: Bound, end?: Bound): Range
  keyspaceRange(mode: Mode, keyspace: number | null): Range
}

export declare class Attachment {
  private constructor()
  readonly closed: boolean
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export declare class Owned {
  private constructor()
  take(): Pointer
  close(): void
  [Symbol.dispose](): void
}

export declare class WalFilter {
  private constructor()
  readonly pointer: Pointer
  close(): void
  [Symbol.dispose](): void
}

export declare class Codec {
  constructor(mode: Mode, keyspace: number, where?: Where)
  encodeKey(key: Uint8Array): Buffer
  decodeKey(requestKey: Uint8Array): Buffer
  encodeRegionKey(key: Uint8Array): Buffer
  decodeRegionKey(regionKey: Uint8Array): Buffer
  encodeRange(start?: Bound, end?: Bound): Range
  decodeRange(start?: Bound, end?: Bound): Range
  encodeRegionRange(start?: Bound, end?: Bound): Range
  decodeRegionRange(start?: Bound, end?: Bound): Range
  encodeKeys(keys: Iterable<Uint8Array>): Buffer[]
  decodeKeys(requestKeys: Iterable<Uint8Array>): Buffer[]
  decodeBucketKeys(regionKeys: Iterable<Uint8Array>): Buffer[]
}

export declare function parseKeyspace(
  requestKey: Uint8Array, where?: Where): { mode: Mode | number, keyspace: number }
