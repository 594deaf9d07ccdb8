/* rocks_gc.h - garbage collection for RocksDB hosts, loaded at run time.
 *
 * librocks_gc.so removes old MVCC versions during RocksDB compactions. The host tells the library
 * one safe point per keyspace (tenant). The library links no RocksDB. It uses the functions of the
 * RocksDB that the host already has. This header needs no RocksDB header. It can be included before
 * or after rocksdb/c.h, in C99, C11 and C++.
 *
 * This file is the manual. Introduction first, then these groups of functions:
 *
 *     library, options, context              start here
 *     safe points, keyspace metadata         what the host tells the library
 *     filter, RocksDB's C API                how compactions ask the library
 *     store, destroying, schemas             what needs the open database
 *     recovery                               what a WAL filter leaves out
 *     listing, counters                      what an operator asks
 *     stored keys, codec                     how keys are built and taken apart
 *     PD's keys and values                   what a placement driver keeps in etcd
 *
 * The comment of a function has these blocks, where they apply:
 *
 *     Returns:   what it returns
 *     Errors:    what it reports through errptr; a failed call has changed nothing (rule 3)
 *     Refused:   when it returns 0 instead of doing its work (rule 10)
 *     Threads:   which threads may call it
 *     Blocks:    what it waits for
 *
 * WORDS
 *   - A ROW is all versions of one user key. A VERSION is one RocksDB key: user key and timestamp.
 *   - A DELETE MARK is a version that says that the row is deleted.
 *   - A FILTER is the compaction filter of one compaction. If RocksDB splits a compaction into
 *     subcompactions, each has a filter of its own. Some names of counters call a filter a run.
 *   - The STORE is the open database that the host attached (rgc_attach_rocksdb).
 *   - The WORKER is one thread of the library. It deletes in the attached store what a filter
 *     cannot.
 *   - The LEDGER is the durable record of what was destroyed and dropped. It lies in the host's
 *     store.
 *   - A DEBT is the files that may still hold deleted keys of a destroyed range, or of a dropped or
 *     truncated schema. The worker compacts these files.
 *   - The LAST LEVEL is RocksDB's bottommost level. A filter is BOTTOMMOST if its compaction writes
 *     the last level, so that nothing older lies below its range.
 *   - A row is HANDED OVER when a filter queues it for the worker.
 *   - A keyspace is REGISTERED once the host has told its GC type (rgc_set_keyspace_gc_type or
 *     rgc_keyspace_load). It is PAUSED from rgc_pause_keyspace until it is registered again.
 *   - TIMESTAMPS are unsigned 64-bit numbers that only need an order.
 *   - A SAFE POINT is a timestamp below which no reader reads any more. 0 means unknown: nothing is
 *     collected.
 *   - A KEYSPACE is a tenant. Its id is a number from 0 to RGC_KEYSPACE_MAX.
 *
 * The EFFECTIVE SAFE POINT of a key is
 *   - the keyspace's own safe point, if the keyspace was registered as keyspace level (0 until its
 *     first safe point arrives);
 *   - the global safe point, if the keyspace was registered as global;
 *   - 0, if everything of the keyspace is kept: it is paused, both GC types were registered for it,
 *     or an unknown GC type was loaded;
 *   - 0, if the keyspace was never registered (with the option unknown_keyspace=global: the global
 *     safe point);
 *   - the global safe point, for TiDB keys (modes m and t) and for every key in the plain layout.
 * A BARRIER holds safe points back at a timestamp that a reader still needs (rgc_barrier_set).
 * Where this header says safe point, it means the value that the barriers let through.
 *
 * CONVENTIONS, for all functions
 *
 *  1. Handles (rgc_*_t) are opaque. X_create creates a handle, X_destroy destroys it. Destroying
 *     NULL does nothing.
 *  2. Bytes are passed as a pointer and a length. They need no terminating NUL. The library reads
 *     them during the call only. NULL with length 0 is allowed. NULL with another length is an
 *     error.
 *  3. If a function has errptr, it is the last parameter. It may be NULL. Otherwise every call
 *     writes it exactly once, whatever it held before: NULL on success, else a malloc'ed text that
 *     the host must give to rgc_free. The text reads "Kind: what, with the value, and what to do".
 *     The kinds are RocksDB's words: Invalid argument, Not found, Not supported, Busy, Corruption,
 *     IO error, Aborted. If errptr is NULL, or if there is no memory for the text, the text is
 *     logged instead. A failed call returns 0 or NULL. It has changed nothing, unless the function
 *     says otherwise. Destroys and schema drops do: what they recorded or deleted before the
 *     failure remains so. Where the error text says that something is kept from then on, that holds
 *     too.
 *  4. What the library returns as char* is malloc'ed and belongs to the caller. The caller must
 *     give it to rgc_free.
 *  5. Public structs begin with size_t struct_size. The caller must set it to sizeof of the struct
 *     that it was compiled with. Structs grow at the end only. In a struct that the host passes in,
 *     missing fields count as zero, and a size below that of version 1 is an error. In a struct
 *     that the library fills, it writes the smaller of the two sizes and sets struct_size to what
 *     it wrote. A struct that receives malloc'ed pointers must have at least its size of version 1.
 *     Structs marked "Fixed layout" have no struct_size and never change.
 *  6. Enumerations are passed as int. A number that is not listed is an error that names the
 *     number.
 *  7. A NULL handle, a wrong length or a number out of range is a clear error. In a function
 *     without errptr it is a no-op that returns 0, NULL or RGC_KEEP. It is never a crash. Arrays
 *     are taken all or nothing: one bad element changes nothing, and the error names it by its
 *     index and its value.
 *  8. No panic and no exception leaves the library. When in doubt the library keeps. Malformed keys
 *     and values are kept whenever a filter sees them (exceptions: H7).
 *  9. The library may be loaded by dlopen. It is linked with -z nodelete: dlclose does not unload
 *     it.
 * 10. A function that can refuse says so in a block "Refused:". Without errptr it returns 1 for
 *     done and 0 for refused. After a refusal nothing has changed, and the reason is in the log.
 *     Such functions are marked RGC_MUST_CHECK: the compiler warns where a host ignores the result.
 *     After a refused rgc_detach or rgc_destroy the store is still attached. The host must not
 *     close the DB then.
 *
 * WHAT IS COLLECTED, by kind of filter
 *
 * RGC_KIND_RAW (RawKV rows; each version is one RocksDB key). The filter removes a version that is
 * below its effective safe point and is not the newest of its row. A filter always keeps the first
 * version of a row that it sees. A newest version that is a delete mark or has expired must be
 * removed last. That needs a look at the whole database, which a filter cannot have. So the filter
 * hands the row over to the worker of the attached store.
 *
 * RGC_KIND_TXN (records of transactions). The filter judges records whose commit_ts is at or below
 * the safe point. It removes rollback records and lock records. It removes every record older than
 * the row's first put or delete, with one exception: a put whose value lies in the default column
 * family. Such puts, and a first delete, are left to the worker. A put whose GC fence is at or
 * below the safe point counts as a delete.
 *
 * RGC_KIND_TTL_V1 (API V1 with TTL). The filter removes expired values.
 *
 * Every kind. The filter removes keys in destroyed ranges and keys of dropped schemas.
 *
 * If no store is attached, the rows for the worker stay. rows_deferred counts them.
 *
 * WHAT THE HOST PROMISES. A broken promise can lose data. Each promise says how.
 *
 *  H1 No reader reads below the effective safe point. The host must not write, ingest or restore a
 *     version below it: the library may remove that version, or a newer one. For transactions both
 *     hold at the safe point too: the host must not commit at or below it. No lock may remain at or
 *     below a safe point: before the host publishes a safe point, it must resolve the locks of all
 *     transactions that began at or below it. Otherwise the library may collect half a transaction:
 *     the filter removes the primary's record, and a reader that then meets the secondary's lock
 *     treats the transaction as rolled back. A host that moves its safe point only past resolved
 *     locks is safe: a transaction whose primary is committed, and whose secondary's lock still
 *     stands, is then never half collected. rgc_oldest_lock tells whether a lock is left.
 *     To write a version again that a crash lost is such a write too. A host may do so with the old
 *     timestamps, for example from a log of its own. It must then hold its safe points below those
 *     timestamps until the versions are durable. The same is true for a lock that comes back.
 *     A host that must restore old versions does it in four steps: (1) call rgc_pause_keyspace or
 *     rgc_set_enabled(gc, 0); (2) restore; (3) flush, and compact the range by force into the last
 *     level, with no RocksDB snapshot held; (4) call rgc_set_keyspace_gc_type, or enable again.
 *     Loading metadata does not end the pause. Without step 3, versions that tombstones hide count
 *     as the newest.
 *  H2 The host and its tools must not delete a newest version so that an older one becomes visible:
 *     the older one may be removed already. A tool that must do so follows the four steps of H1.
 *     The host may freely delete whole rows, and versions that are not the newest. After a whole
 *     row was deleted, only newer versions may be written to it.
 *  H3 The host must never write into a destroyed range again: filters remove what is written there.
 *     Two exceptions: the range was destroyed with RGC_DESTROY_REUSABLE, or its record was released
 *     (rgc_release_destroyed). The host may then write with timestamps above those of the destroyed
 *     versions, or after step 3 of H1. The library treats older data as garbage.
 *     The host must never write the id of a dropped schema again in the same keyspace. Once
 *     rgc_schema_truncate was called, the host must not write a version of that schema at or below
 *     its timestamp: the version may be removed, or it may replace a newer version of its row.
 *  H4 The column family has the bytewise comparator and no user-defined timestamps. The host uses
 *     no SingleDelete on these keys: RocksDB reports corruption where a SingleDelete meets a
 *     removed version. No filter object is shared between compactions. (The library notices a
 *     shared filter by its thread and by the order of the keys, and then keeps everything.)
 *  H5 WAL recovery keeps a prefix of the log (not kSkipAnyCorruptedRecords). The worker deletes a
 *     row's oldest versions first. If a later write comes back without an earlier one, a dead row
 *     becomes alive again.
 *     A host that writes several column families without a WAL (atomic_flush) must attach all of
 *     them to one rgc_t through the C++ adaptor. The adaptor flushes them together. Otherwise a
 *     crash may bring back one family without the other.
 *  H6 Compaction filters ignore snapshots. A RocksDB snapshot held across a collection may miss
 *     what was collected.
 *  H7 Keys of judged rows hold plain values, and no other keys lie between the versions of a row. A
 *     filter keeps merge operands, wide columns and keys that are not of the layout, if RocksDB
 *     shows them to it. Three operations remove such keys without looking at them. A skip to the
 *     end of the row removes everything between the versions that it passes. A skip to the next
 *     version removes keys that extend the skipped key. A range tombstone over a row removes
 *     everything in the row. Also, the worker deletes merge operands and wide columns together with
 *     the versions that they represent. A host that has such keys must set remove_mode=remove and
 *     delete_range_min_keys=0. (Through RocksDB's C API filters never skip.)
 *  H8 One rgc_t serves one DB. A range is destroyed, and a schema is dropped, in the families that
 *     were attached when the call was made. Filters drop nothing in other families. RocksDB's C API
 *     does not tell a filter its family. There the library assumes that a filter serves an attached
 *     family whose role matches the kind of the filter. So a C host must not give a filter of this
 *     rgc_t to a family that it does not attach. Filters of a second DB would drop what the first
 *     DB destroyed. The C++ adaptor refuses to open a DB with an rgc_t that has an attached store.
 *     RocksDB's C API cannot refuse this.
 *  H9 Only the primary is attached. Attaching writes to the DB: the ledger, and what the worker
 *     deletes. A follower that replicates the primary's WAL receives the keys that the worker
 *     deletes. It does not receive the files that a destroy deletes whole: the WAL says nothing of
 *     them, so their keys remain in the follower. It may use filters, and nothing else. An
 *     exception is a standby whose store also accepts writes of its own: it may be attached, and
 *     calls rgc_reload_ledger in the order that is described there. A TransactionDB must have the
 *     write policy WRITE_COMMITTED: with the other policies the base DB shows data that is prepared
 *     and not committed. The C++ adaptor refuses them. RocksDB's C API cannot.
 * H10 A bound of a destroyed range that carries a timestamp cuts a row in two. A version that the
 *     destroyed half shadowed may be removed already, as in H2. After a crash during such a
 *     destroy, filters know nothing of it until the store is attached: a filter may treat a
 *     destroyed version as the newest and remove live versions below it. So from open to attach the
 *     host must keep the safe point below the versions of the row, or call rgc_set_enabled(gc, 0).
 *     Bounds without timestamps cut no row.
 *
 * LIFE OF AN rgc_t
 *
 *     rgc_options_create, rgc_options_set ...   what the keys look like
 *     rgc_create                                one per DB
 *     rgc_set_logger, rgc_set_clock             optional (errors go to standard error until then)
 *     rgc_bind_rocksdb_symbols                  or rgc_bind_rocksdb_library
 *     rgc_set_keyspace_gc_type ...              before the first safe point: a keyspace without
 *                                               a type is kept whole
 *     rgc_barrier_set ...                       again after each start, before the first safe point
 *     rgc_advance_..._safe_point ...            now, and whenever a safe point moves
 *     rgc_keyspace_load, rgc_schemas_load ...   if there are metadata and schemas
 *     rgc_rocksdb_wal_filter                    if recovery shall leave out dropped schemas
 *                                               (RocksDB 11.8 and later)
 *     rgc_rocksdb_filter_factory                one per options object, which owns it
 *     rgc_rocksdb_event_listener                if RocksDB's C API has listeners (10.4 and later)
 *     rocksdb_options_set_compaction_filter_factory, rocksdb_open
 *     rgc_attach_rocksdb                        so that the worker can finish what filters cannot
 *     ... work ...
 *     rgc_detach                                before the DB closes
 *     rocksdb_close                             before exit: RocksDB's own threads must have
 *                                               ended before its static data is destroyed
 *     rocksdb_options_destroy                   destroys the factory
 *     rgc_destroy */
#ifndef ROCKS_GC_H
#define ROCKS_GC_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* The version of this contract. Within one number only functions and trailing struct fields are
 * added. rgc_abi_version() returns the number of the loaded library. */
#define RGC_ABI_VERSION 1
/* The version of the library that this header belongs to. */
#define RGC_VERSION_STRING "0.1.0"

/* Marks functions whose result the host must look at (rule 10). A host that wants no warnings
 * defines this macro to nothing before it includes this header. */
#ifndef RGC_MUST_CHECK
#if defined(__GNUC__) || defined(__clang__)
#define RGC_MUST_CHECK __attribute__((warn_unused_result))
#else
#define RGC_MUST_CHECK
#endif
#endif

/* Options under construction. Use them from one thread at a time. They live until
 * rgc_options_destroy. rgc_create only reads them. */
typedef struct rgc_options_t rgc_options_t;
/* The context: options, safe points, counters and the bound RocksDB. Any number of threads may
 * share it. Factories and filters hold references of their own. So rgc_destroy may be called before
 * they are destroyed: they continue with the last safe points. */
typedef struct rgc_t rgc_t;
/* The filter of one compaction or subcompaction. From its first decision on it belongs to one
 * thread. */
typedef struct rgc_filter_t rgc_filter_t;

/* RocksDB's own opaque types: the same tags as in rocksdb/c.h. */
struct rocksdb_compactionfilter_t;
struct rocksdb_compactionfilterfactory_t;
struct rocksdb_compactionfiltercontext_t;
struct rocksdb_eventlistener_t;
struct rocksdb_walfilter_t;
struct rocksdb_t;
struct rocksdb_column_family_handle_t;

/* ---------------------------------------------------------------- library */

/* Levels of the log, from RGC_LOG_ERROR (something was refused or given up, and the host must mend
 * it) to RGC_LOG_DEBUG (one or two lines per filter). */
enum { RGC_LOG_OFF = 0, RGC_LOG_ERROR = 1, RGC_LOG_WARN = 2, RGC_LOG_INFO = 3, RGC_LOG_DEBUG = 4 };

/* A logger. message is one line of UTF-8 without a line end. It is valid during the call. The
 * library calls the logger from any thread, among them RocksDB's compaction threads, and from
 * several threads at once. It holds no lock of its own during the call. The logger must return
 * soon. It must not unwind (throw, panic, longjmp). It may call functions that read, and functions
 * that advance safe points. Messages of those calls are lost. It must not call rgc_filter_
 * functions on the filter that is deciding. */
typedef void (*rgc_log_fn)(void* state, int level, const char* message);

/* A clock. It returns unix time in seconds. 0 means unknown: nothing expires, and with
 * max_safe_point_ahead_seconds no safe point is accepted. The log warns of that once. More than
 * 100,000,000,000 cannot be seconds: the time is then unknown, and the log says once that the
 * answer looks like milliseconds, microseconds or nanoseconds. rgc_set_clock says how far the
 * library believes a clock.
 *
 * The library calls the clock once per filter, on the thread that creates the filter; once per row
 * and once per second on the worker's thread; in calls that destroy or collect; and once per
 * advance if max_safe_point_ahead_seconds is set; and, while a barrier with a ttl lives, in each
 * call that lets barriers go (rgc_barrier_set). Several threads may call it at once. The library
 * holds no lock of its own during the call. The clock must not unwind. It may call functions that
 * read. */
typedef uint64_t (*rgc_clock_fn)(void* state);

/* rgc_abi_version: returns the RGC_ABI_VERSION of the loaded library. A host that loads the library
 * at run time must compare it with the number of its header before any other call. */
uint32_t rgc_abi_version(void);

/* rgc_version: returns the RGC_VERSION_STRING of the loaded library.
 * Returns: a static text. The host must not free it. */
const char* rgc_version(void);

/* Kinds of errors, for rgc_error_kind. */
enum {
  RGC_ERROR_NONE = 0,
  /* "Invalid argument": the call is wrong; repeating it changes nothing */
  RGC_ERROR_INVALID_ARGUMENT = 1,
  RGC_ERROR_NOT_FOUND = 2, /* "Not found" */
  /* "Not supported": the call is right in itself, but not with this store or these options */
  RGC_ERROR_NOT_SUPPORTED = 3,
  RGC_ERROR_BUSY = 4,       /* "Busy": not now; the host may try again */
  RGC_ERROR_CORRUPTION = 5, /* "Corruption": bytes that do not parse */
  RGC_ERROR_IO = 6,         /* "IO error": the store failed */
  RGC_ERROR_ABORTED = 7,    /* "Aborted": the library gave up */
  RGC_ERROR_UNKNOWN = 8     /* a text that begins with no kind */
};

/* rgc_error_kind: returns the kind of an error text of this library, so that a host need not parse
 * the text. It reads the text during the call and does not free it.
 * Returns: RGC_ERROR_... For NULL it returns RGC_ERROR_NONE.
 * Threads: any.
 * Blocks: no. */
int rgc_error_kind(const char* error_or_null);

/* rgc_free: frees what the library returned as char*: error texts, encoded keys, bounds, metrics.
 * NULL does nothing. (The function is free(). It has a name of its own so that a host with another
 * malloc does not crash.)
 * Threads: any. */
void rgc_free(void* ptr);

/* rgc_set_logger: sets the logger of the whole process, for messages up to max_level. Until the
 * first call errors go to standard error, one line each: "rocks_gc: error: " and the message. A
 * standard error that is closed, or that has no reader, does no harm. (If file descriptor 2 has the
 * flag FD_CLOEXEC, the library takes it for another file of the host, and writes nothing to it.)
 * log NULL or max_level RGC_LOG_OFF means silence. When the call has returned 1, the last call of
 * the old logger has ended, and the host may free its state.
 * Returns: 1 for done, 0 for refused.
 * Refused: on a thread inside a callback of the library; a level that is not listed. Then the
 *   library still calls the old logger, and the host must keep its state.
 * Threads: any.
 * Blocks: on calls of the old logger. */
RGC_MUST_CHECK unsigned char rgc_set_logger(rgc_log_fn log, void* state, int max_level);

/* ---------------------------------------------------------------- options */

/* rgc_options_create: creates options with every default.
 * Returns: the options, never NULL. */
rgc_options_t* rgc_options_create(void);

/* rgc_options_set: sets one option. name and value are NUL-terminated texts.
 * Errors: an unknown name; a value that the option does not accept. The text names both. rgc_create
 *   checks which options are allowed together.
 * Threads: one at a time for each options object.
 *
 * THE OPTIONS
 *
 * key_layout
 *     Default: api_v2. Values: api_v2, plain.
 *     api_v2: keys of TiKV's API V2. plain: user key and timestamp, all under the global safe
 *     point.
 *
 * data_prefix
 *     Default: empty. Values: text; or hex, if it begins with 0x and has an even number of digits.
 *     The bytes in front of every stored key (TiKV: z).
 *
 * plain_keys
 *     Default: none. Values: none; N, a number of bytes from 1 to 1048576; prefix_free.
 *     For key_layout=plain. N: every user key has exactly N bytes; the library checks this.
 *     prefix_free: the host promises that no user key is a prefix of another. With none, plain is
 *     refused: if one key is a prefix of another, their rows interleave.
 *
 * history
 *     Default: latest; plain has no default and is refused without a value. Values: latest,
 *     snapshot.
 *     latest: readers want the newest version only. snapshot: readers read at a timestamp at or
 *     above the safe point (backup, CDC), so the first version below the safe point is kept too.
 *
 * unknown_keyspace
 *     Default: keep. Values: keep, global.
 *     For keyspaces that were never registered. keep: everything is kept. global: the global safe
 *     point is used. Use global only in a host without tenants of type keyspace level, or in a host
 *     that registers each such tenant before the first global safe point and before the tenant's
 *     first write. Otherwise a slow tenant loses data.
 *
 * schema_id
 *     Default: off. Values: off, prefix.
 *     prefix: the first 4 bytes of a user key, big-endian, are the id of its schema. The library
 *     reads them only in keyspaces whose schemas the host has told (rgc_schemas_load). In api_v2
 *     this applies to keys of modes r and x with at least 4 bytes. In plain it applies to keys with
 *     at least 4 + 8 bytes after the data prefix; plain_keys=1, 2 and 3 are refused.
 *
 * remove_mode
 *     Default: auto. Values: auto, remove, skip.
 *     For hosts that can skip (rgc_filter_decide). auto: the filter uses what costs less, judged by
 *     the time that it sees removals and seeks take. remove: each removed version leaves a
 *     tombstone. skip: the filter skips wherever that loses no data, even where a skip costs more.
 *     A skip leaves no tombstone.
 *
 * ratio_threshold
 *     Default: 1.1. Values: a number above 0.
 *     How much garbage is worth a filter above the bottommost level, by the properties of the
 *     files: more than this many versions per row (rgc_filter_create). rgc_collect uses it for
 *     garbage across files.
 *
 * ttl_grace_seconds
 *     Default: 0. Values: a number of seconds.
 *     A version is expired if expire_ts <= now - grace. now is the believed time (rgc_set_clock),
 *     which may be up to an hour ahead. A host whose clock is not reliable sets a grace.
 *
 * max_safe_point_ahead_seconds
 *     Default: 0, which means off. Values: a number of seconds.
 *     The library refuses a safe point whose physical part (ts >> 18, milliseconds) is further
 *     ahead of the believed time.
 *
 * worker_queue_max_rows
 *     Default: 1000000. Values: a number of rows, 1 to 4294967295.
 *     The most rows that may wait for the worker. Further rows are left for later compactions.
 *
 * worker_queue_max_bytes
 *     Default: 67108864. Values: a number of bytes, 4096 to 1099511627776.
 *     The most memory of the rows that wait for the worker, in all filters and in the queue
 *     together. Further rows are left for later compactions.
 *
 * delete_batch_bytes
 *     Default: 32768. Values: a number of bytes, 1 to 1073741824.
 *     The worker, and the calls that destroy, write a batch of deletes when it has this many bytes.
 *
 * delete_bytes_per_second
 *     Default: 0, which means no limit. Values: a number of bytes.
 *     The most bytes of deletes per second that the worker and the calls that destroy write
 *     together.
 *
 * compact_bytes_per_second
 *     Default: 0, which means no limit. Values: a number of bytes.
 *     The most bytes of files per second that the library compacts: for debts, for rows that a
 *     bound of a destroyed range cuts, and in rgc_collect. A compaction counts with all files that
 *     it may include. A pause follows each compaction, so that the average keeps the rate. One
 *     compaction may be larger than the rate.
 *
 * delete_range_min_keys
 *     Default: 10000. Values: a number of keys; 0 means never.
 *     If a row has at least this many versions, or a destroyed range or a dropped schema at least
 *     this many keys, one range tombstone replaces the point tombstones.
 *
 * recheck
 *     Default: auto. Values: auto, manual.
 *     Each destroyed range is destroyed once more, to remove late keys. auto: the worker does it.
 *     manual: only rgc_recheck_destroyed and rgc_recheck_destroyed_range do it.
 *
 * recheck_seconds
 *     Default: 86400. Values: a number of seconds.
 *     The time between the end of a destroy and its recheck. The end is when the range is CLEARED.
 *
 * metrics_keyspaces
 *     Default: 100. Values: a number of keyspaces, 0 to 10000.
 *     rgc_metrics names so many keyspaces one by one, those with the most garbage. The rest is one
 *     sum.
 *
 * metrics_tikv
 *     Default: off. Values: off, on.
 *     on: rgc_metrics also has the metrics that TiKV's dashboards read, with TiKV's names.
 *
 * ledger_prefix
 *     Default: 0x01726f636b735f67632f. Values: text; or hex, if it begins with 0x and has an even
 *     number of digits; not empty.
 *     Keys with this prefix are the library's own records. Filters always keep them. ledger_prefix
 *     must not begin with a non-empty data_prefix, and a non-empty data_prefix must not begin with
 *     ledger_prefix. With schema_id=prefix and no data_prefix, ledger_prefix must begin with
 *     neither r nor x. */
void rgc_options_set(rgc_options_t* options, const char* name, const char* value, char** errptr);

/* rgc_options_parse: sets several options from "name=value;name=value". Spaces around names and
 * values, and empty parts, are skipped. The call sets all of the options, or none.
 * Errors: those of rgc_options_set; a part that is not name=value. */
void rgc_options_parse(rgc_options_t* options, const char* text, char** errptr);

/* rgc_options_describe: returns a text with one line per option: name, default, values, meaning.
 * Returns: a text for rgc_free. */
char* rgc_options_describe(void);

/* rgc_options_destroy: destroys options. Contexts that were created from them do not change. */
void rgc_options_destroy(rgc_options_t* options);

/* ---------------------------------------------------------------- context */

/* rgc_create: creates a context. options_or_null NULL means every default.
 * Errors: options that are not allowed together. */
rgc_t* rgc_create(const rgc_options_t* options_or_null, char** errptr);

/* rgc_destroy: calls rgc_detach and drops the host's reference. The host must not use gc
 * afterwards. Factories and filters that still live continue with the last safe points. When the
 * call has returned 1, the library no longer calls a clock that rgc_set_clock set. Filters that
 * begin later know no time, so nothing expires in them.
 * Returns: 1 for done, and for NULL; 0 for refused.
 * Refused: on a thread inside a callback of the library; while a store is attached, on a thread
 *   that has a living filter of this gc. Then gc is unchanged: the host must keep the DB open and
 *   the clock's state in memory. It must call again from another thread, or after the thread's
 *   filters are destroyed.
 * Blocks: as rgc_detach; and on calls of the clock. */
RGC_MUST_CHECK unsigned char rgc_destroy(rgc_t* gc);

/* rgc_set_clock: sets the clock. NULL means the system's clock, which a new context uses. The
 * library does not believe a clock blindly:
 *   - It expects the system's time at rgc_create or rgc_set_clock, plus what a monotonic clock has
 *     measured since. If the clock is behind the expected time, the library follows it at once, and
 *     sets the expected time to it. A step back is a warning in the log.
 *   - The library believes a clock up to one hour ahead of the expected time at once. It believes a
 *     clock that is further ahead after 10 minutes in which the clock's lead has changed by less
 *     than an hour. Until then it uses the expected time. The log warns when that begins, and when
 *     the clock is believed.
 *
 * So if a clock leaps far ahead for a moment, nothing expires and no safe point is accepted because
 * of it. For tests the host may set a clock that does not move or is far in the past. To move it
 * forward by more than an hour, the host calls rgc_set_clock again. When the call has returned 1,
 * the last call of the old clock has ended, and the host may free its state.
 * Returns: 1 for done, 0 for refused.
 * Refused: on a thread inside a callback of the library; gc NULL. Then the library still calls the
 *   old clock, and the host must keep its state.
 * Threads: any.
 * Blocks: on calls of the old clock. */
RGC_MUST_CHECK unsigned char rgc_set_clock(rgc_t* gc, rgc_clock_fn clock, void* state);

/* rgc_set_enabled: switches collection off (0) or on (1; a new context is on). While it is off
 * every filter keeps everything. Running filters follow from their next row on. The worker pauses
 * too.
 * Returns: 1 for done, 0 for refused.
 * Refused: on a thread inside a callback of the library; while a store is attached, on a thread
 *   that has a living filter of this gc (the worker may wait for that compaction); gc NULL. Then
 *   the library continues as before: a host that wants to restore data must not begin.
 * Threads: any.
 * Blocks: until the rows that the worker is deleting are finished or put back. The host must not
 *   call it under a lock that its clock, logger or engine takes. */
RGC_MUST_CHECK unsigned char rgc_set_enabled(rgc_t* gc, unsigned char enabled);

/* ---------------------------------------------------------------- safe points
 *
 * The host may call these functions from any thread at any time, also while filters run. Functions
 * that read never wait for functions that write. A filter looks up its safe points once per stretch
 * of keys of one keyspace. A safe point that moves takes effect from the next stretch on. */

/* The GC type of a keyspace: the safe point by which its garbage is collected, the global one or
 * its own. */
enum { RGC_GC_GLOBAL = 0, RGC_GC_KEYSPACE_LEVEL = 1 };
/* The highest keyspace id. */
#define RGC_KEYSPACE_MAX 16777215u
/* The keyspace of keys that belong to none: TiDB keys, and all keys in the plain layout. */
#define RGC_KEYSPACE_NONE UINT32_MAX
/* All keyspaces, and the keys that belong to none (rgc_barrier_set). */
#define RGC_KEYSPACE_ALL (UINT32_MAX - 1)

/* rgc_advance_global_safe_point: moves the global safe point forward to ts. The library refuses 0,
 * UINT64_MAX, a step back, and a ts too far ahead (max_safe_point_ahead_seconds). It counts and
 * logs these (safe_points_refused). A barrier may hold the safe point back: then it moves as far as
 * the barrier allows, and to ts when the barrier ends. The log names such a barrier once
 * (RGC_LOG_INFO). Until then the global safe point counts as ts in the next call: a ts below it is
 * a step back.
 * Returns: 1 for moved, also if not as far as ts; 0 for not newer, held back, or refused. */
unsigned char rgc_advance_global_safe_point(rgc_t* gc, uint64_t ts);

/* rgc_advance_keyspace_safe_point: moves a keyspace's own safe point forward to ts. A safe point
 * may arrive before the keyspace's type. The library stores it and uses it once the keyspace is
 * registered as keyspace level. The first safe point of a keyspace that was never registered, or
 * was registered as global, is a warning in the log: nothing is collected by it. The library
 * ignores a step back, and any safe point of a keyspace of which it keeps everything. These are no
 * errors; safe_points_refused counts them. A barrier may hold the safe point back, as in
 * rgc_advance_global_safe_point.
 * Returns: 1 for moved, also if not as far as ts; 0 for not newer, held back, or refused.
 * Errors: 0, UINT64_MAX, a ts too far ahead (these count in safe_points_refused, too); a keyspace
 *   above RGC_KEYSPACE_MAX. */
unsigned char rgc_advance_keyspace_safe_point(rgc_t* gc, uint32_t keyspace, uint64_t ts,
                                              char** errptr);

/* rgc_advance_keyspace_safe_points: moves the safe points of n keyspaces, pair by pair, in
 * order. The rules are those of rgc_advance_keyspace_safe_point. The cost is linear in n, about
 * 10 ns per pair. Functions that read, and filters, are not delayed.
 * Returns: how many safe points moved.
 * Errors: an error of one pair changes nothing at all. The text names the pair by index and
 *   value. */
size_t rgc_advance_keyspace_safe_points(rgc_t* gc, const uint32_t* keyspaces, const uint64_t* ts,
                                        size_t n, char** errptr);

/* rgc_set_keyspace_gc_type: registers a keyspace with its GC type. The first type is valid for the
 * life of the process. The same type again is a no-op. The other type is an error that names both
 * types, and is counted in gc_types_refused. For the other type the host must create another rgc_t.
 *
 * After that error, here or in rgc_keyspace_load, the right type is unknown. The library keeps
 * everything of the keyspace, also in running filters from their next row on. Only
 * rgc_set_keyspace_gc_type with the first type ends that. As after rgc_pause_keyspace, an own safe
 * point then starts at 0.
 *
 * With unknown_keyspace=global a filter may use the global safe point for a keyspace before the
 * host registers the keyspace as keyspace level. If a global safe point was set before the
 * registration, the library accepts the registration, logs a warning, and counts it in
 * gc_types_refused.
 * Errors: the other type; RGC_GC_GLOBAL for a keyspace that has a barrier of its own, which would
 *   not hold back the global safe point (nothing changes); a keyspace that is destroyed
 *   (rgc_destroy_keyspace) while its record exists, also if it had a type. */
void rgc_set_keyspace_gc_type(rgc_t* gc, uint32_t keyspace, int type, char** errptr);

/* rgc_set_keyspace_gc_types: registers n keyspaces with the same type, all or none.
 * Errors: those of rgc_set_keyspace_gc_type. If some of the keyspaces have the other type,
 *   everything of each of those is kept. The text names the first one and their number. */
void rgc_set_keyspace_gc_types(rgc_t* gc, const uint32_t* keyspaces, size_t n, int type,
                               char** errptr);

/* rgc_pause_keyspace: keeps everything of a keyspace until rgc_set_keyspace_gc_type(s) registers it
 * again. That call must give the same type; a keyspace that had no type may get any. Loading
 * metadata does not end a pause. Running filters follow from their next row on. When the keyspace
 * is registered again, an own safe point starts at 0; the global safe point is effective at once.
 * Pausing a paused keyspace is a no-op. What is destroyed is dropped in a paused keyspace too.
 * Errors: a keyspace out of range; on a thread inside a callback of the library; while a store
 *   is attached, on a thread that has a living filter of this gc.
 * Blocks: until the rows that the worker is deleting are finished or put back, as
 *   rgc_set_enabled. */
void rgc_pause_keyspace(rgc_t* gc, uint32_t keyspace, char** errptr);

/* rgc_global_safe_point: returns the global safe point. 0 means that none was set yet. */
uint64_t rgc_global_safe_point(const rgc_t* gc);

/* rgc_keyspace_safe_point: returns the effective safe point of a keyspace. 0 means that nothing is
 * collected, or that keyspace is out of range. */
uint64_t rgc_keyspace_safe_point(const rgc_t* gc, uint32_t keyspace);

/* rgc_safe_point_for_key: returns the effective safe point of a stored key (with its timestamp). 0
 * means that the key is never collected; keys that are not of the layout are among these. With a
 * data_prefix of at most one byte, a key of a registered keyspace costs about 4 ns, with 1 keyspace
 * and with 10,000. */
uint64_t rgc_safe_point_for_key(const rgc_t* gc, const char* key, size_t len);

/* ---------------------------------------------------------------- barriers
 *
 * A BARRIER says that a reader at its timestamp still reads: a backup, a stream of changes, a long
 * query. (PD calls it a GC barrier, or a service safe point.) While it lives, none of its safe
 * points moves above its timestamp, and nothing that the reader needs is collected: by no filter,
 * no worker, no rgc_collect; and no pending destroy begins (rgc_destroy_range_after). Destroys that
 * were ordered without a timestamp, dropped schemas and expired values do not look at safe points,
 * so barriers do not hold them back. A barrier holds back
 *   - the own safe point of one keyspace; or
 *   - the global safe point, for RGC_KEYSPACE_NONE; or
 *   - every safe point, for RGC_KEYSPACE_ALL (PD's global barrier).
 *
 * What the host asks for meanwhile is not lost: when the barrier is deleted, moved up or has ended,
 * the safe point moves as far as the other barriers allow. An effective safe point never goes back
 * because of a barrier. Functions that read safe points, and filters, pay nothing for barriers.
 *
 * Barriers are in memory only. After a restart the host must set them again, before it names the
 * first safe point.
 *
 * A barrier with a ttl ends when the believed time (rgc_set_clock) is above its last second. In
 * that second it still lives. While the time is unknown no barrier ends. A barrier that has ended
 * lets go at the next of these: an advance, a registration, a call of these three functions, the
 * creation of a filter, rgc_global_safe_point, rgc_keyspace_safe_point, rgc_consistency_safe_point,
 * rgc_explain, rgc_metrics, or, while a store is attached and collecting is on, within a second by
 * the worker. (Functions that only read, and the creation of a filter, leave it to the next of
 * these inside a callback, and while another thread moves a safe point.) rgc_safe_point_for_key
 * does not look at the clock. A clock that goes back lets barriers live longer. It brings back none
 * that let go. */

/* rgc_barrier_set: sets a barrier, or replaces ts and ttl of the one with this keyspace and name.
 * keyspace is an id, RGC_KEYSPACE_NONE or RGC_KEYSPACE_ALL. name is a text of 1 to 255 bytes. The
 * barrier lives for ttl_seconds from now on, without end with UINT64_MAX. When the call has
 * returned, no safe point of the barrier passes ts, whatever other threads advance. A ts far in the
 * future holds nothing back. A keyspace may get a barrier before it is registered. Its own safe
 * point is then held back from the start, and it can be registered as keyspace level only. The
 * own safe point of a paused keyspace is 0, so the call takes any ts: what was collected before the
 * pause is gone. The cost does not depend on the number of keyspaces, with two exceptions for
 * RGC_KEYSPACE_ALL: a call that moves its lowest barrier up costs about 3 ns for each safe point
 * that it lets go; a ts below the highest safe point that any keyspace ever had costs a look at
 * every keyspace.
 * Errors: after each of these nothing has changed.
 *   - ts below a safe point that the barrier would hold back, by both values: what a reader needs
 *     may be collected already. Equal is allowed. A safe point of its own counts even if its
 *     keyspace is not registered.
 *   - a keyspace that is registered as global, or would be judged by the global safe point (not
 *     registered, unknown_keyspace=global): set the barrier for RGC_KEYSPACE_NONE
 *   - an id in the plain layout, whose keys are in no keyspace
 *   - ts 0, which means no timestamp (1 holds everything); ttl_seconds 0; a name that is empty,
 *     longer than 255 bytes, or not UTF-8; a keyspace out of range
 *   - Busy: the time is unknown, and ttl_seconds is not UINT64_MAX
 * Threads: any.
 * Blocks: on other calls that write safe points, for as long as they compute. */
void rgc_barrier_set(rgc_t* gc, uint32_t keyspace, const char* name, uint64_t ts,
                     uint64_t ttl_seconds, char** errptr);

/* rgc_barrier_delete: deletes a barrier, and moves the safe points that it held back. It costs as
 * much as moving a barrier up.
 * Returns: 1 if the barrier was there. 0 if not, which is no error, and after an error.
 * Errors: a name or a keyspace out of range.
 * Threads, blocks: as rgc_barrier_set. */
unsigned char rgc_barrier_delete(rgc_t* gc, uint32_t keyspace, const char* name, char** errptr);

/* A barrier that lives. */
typedef struct rgc_barrier_info_t {
  size_t struct_size;
  uint32_t keyspace; /* an id, RGC_KEYSPACE_NONE or RGC_KEYSPACE_ALL */
  const char* name;
  uint64_t ts;
  uint64_t expires_unix_seconds; /* its last second; UINT64_MAX means without end */
} rgc_barrier_info_t;

/* rgc_barriers_foreach: lists the barriers, ordered by keyspace (then RGC_KEYSPACE_NONE, then
 * RGC_KEYSPACE_ALL) and name. each is called as by the listing functions (rgc_keyspaces_foreach).
 * Threads, blocks: as rgc_barrier_set. */
void rgc_barriers_foreach(const rgc_t* gc,
                          int (*each)(void* state, const rgc_barrier_info_t* info), void* state);

/* ---------------------------------------------------------------- filter
 *
 * For hosts that call the decision themselves. Hosts on rocksdb/c.h need none of it: see the next
 * section.
 *
 * The host must pass keys in RocksDB's order. A key below the previous key closes the filter: it
 * keeps everything from there on. The host may pass the same key again: the filter decides as it
 * did the first time. A value that does not parse closes its row only: the rest of that row is
 * kept. A key that is not of the layout is kept and ends the row before it. The next key begins a
 * new row, so the filter keeps it as that row's first version. The first such key of an rgc_t is a
 * warning in the log that names data_prefix: the option may differ from the host's prefix. */

/* Kinds of filters, one per column family. No role (RGC_CF_) has the number of a kind. A number
 * below 16 is refused as a kind.
 *   - RGC_KIND_DROPPED_ONLY: removes only destroyed ranges and dropped schemas. It is for column
 *     families whose keys are not judged otherwise (locks).
 *   - RGC_KIND_RAW: for the column family of RawKV data. In api_v2 it judges keys of mode r and
 *     keeps all others.
 *   - RGC_KIND_TXN: for the column family of transaction records (TiKV's write). In api_v2 it
 *     judges keys of modes x, m and t. In the plain layout one context serves RGC_KIND_RAW or
 *     RGC_KIND_TXN, not both: a plain key does not show which of the two it belongs to.
 *   - RGC_KIND_TTL_V1: for keys without a timestamp, and values with 8 bytes of expiry (API V1
 *     TTL). */
enum { RGC_KIND_DROPPED_ONLY = 16, RGC_KIND_RAW = 17, RGC_KIND_TXN = 18, RGC_KIND_TTL_V1 = 19 };
/* Decisions. These are not RocksDB's numbers. A caller may treat RGC_REMOVE_AND_SKIP_UNTIL as
 * RGC_REMOVE. */
enum { RGC_KEEP = 0, RGC_REMOVE = 1, RGC_REMOVE_AND_SKIP_UNTIL = 2, RGC_UNDETERMINED = 3 };
/* What RocksDB shows under a key. Filters judge values only. They keep merge operands, wide columns
 * and numbers that are not listed. RGC_BLOB_INDEX: the value lies in a blob file and is not
 * available. The filter judges by the key alone. */
enum { RGC_VALUE = 0, RGC_MERGE_OPERAND = 1, RGC_BLOB_INDEX = 2, RGC_WIDE_COLUMNS = 3 };

/* A property of a table file. Fixed layout. */
typedef struct rgc_property_t {
  const char* name;
  size_t name_len;
  const char* value;
  size_t value_len;
} rgc_property_t;

/* What RocksDB says of an input file (rocksdb::TableProperties). */
typedef struct rgc_table_properties_t {
  size_t struct_size;
  uint64_t num_entries;
  uint64_t num_deletions; /* point tombstones of any kind */
  uint64_t num_range_deletions;
  /* The properties of rgc_collector_finish, or TiKV's. Properties that are damaged, of a later
   * version or of another layout count as unknown. */
  const rgc_property_t* user_collected;
  size_t num_user_collected;
} rgc_table_properties_t;

/* What the host knows of the compaction. */
typedef struct rgc_compaction_t {
  size_t struct_size;
  int is_full;   /* 1 yes, 0 no, -1 unknown */
  int is_manual; /* 1 yes, 0 no, -1 unknown */
  /* 1 yes, 0 no, -1 unknown: does it write the last level, so that nothing older lies below its
   * range? */
  int is_bottommost;
  int start_level;  /* -1 unknown */
  int output_level; /* -1 unknown */
  uint32_t column_family_id;
  /* Every input file. num_inputs 0 means unknown. The array stride is inputs[0].struct_size. */
  const rgc_table_properties_t* inputs;
  size_t num_inputs;
} rgc_compaction_t;

/* rgc_filter_create: creates the filter of one compaction. compaction_or_null NULL means that
 * nothing is known of the compaction.
 * Returns: the filter. NULL without an error means that the compaction needs no filter. Then
 *   RocksDB keeps every key. filters_not_needed counts that. What is set later takes effect from
 *   the next compaction on. These are the reasons, and each has a counter:
 *     not_needed_no_safe_point        no effective safe point is above 0 anywhere
 *     not_needed_nothing_dropped      RGC_KIND_DROPPED_ONLY, and nothing is dropped
 *     not_needed_too_new              no version is at or below the safe point of its keyspace
 *     not_needed_little_garbage       the compaction is known not to be bottommost, and its inputs
 *                                     hold little garbage by TiKV's rules (ratio_threshold)
 *     not_needed_nothing_expired      RGC_KIND_TTL_V1, and no value has expired
 *   The last three need the properties of every input. If those of one input are missing or
 *   unknown, the host gets a filter. It also gets one if an input may hold a key of a destroyed
 *   range or of a dropped schema.
 * Errors: an unknown kind; a field out of range.
 * Threads: any. */
rgc_filter_t* rgc_filter_create(rgc_t* gc, int kind, const rgc_compaction_t* compaction_or_null,
                                char** errptr);

/* rgc_filter_decide: judges one key. level is the compaction's start level, as RocksDB tells it.
 * value_type is one of RGC_VALUE, ... . A caller that cannot skip passes NULL for skip_until or
 * skip_until_len. It then never gets RGC_REMOVE_AND_SKIP_UNTIL. The filter allocates memory only
 * for the longest key so far, for rows that wait for the worker (worker_queue_max_bytes), and once
 * in 64 keyspaces for the counts of rgc_metrics. Without memory it keeps keys, leaves such rows for
 * later compactions, and counts keyspaces together.
 *
 * A skip drops the tombstones that it passes, and what these hid would become visible again. So a
 * filter skips to the end of a row only where no tombstone can be lost: if it is known to be
 * bottommost; or if its inputs are known and hold no tombstone (num_deletions and
 * num_range_deletions are 0 in all of them). Otherwise, with remove_mode=skip, it may remove a
 * shadowed version by a skip to the row's next possible version; a bottommost filter may remove a
 * rollback or a lock in the same way. In all other cases it answers RGC_REMOVE. One skip removes
 * several transaction records only if the properties of all inputs say that every key and every
 * record parses, and that each record holds its value.
 * Returns: RGC_KEEP, RGC_REMOVE or RGC_REMOVE_AND_SKIP_UNTIL. With the last one, *skip_until holds
 *   the key to continue from. It is above the judged key and valid until the next call on this
 *   filter. Otherwise *skip_until is set to NULL and *skip_until_len to 0. With filter NULL it
 *   returns RGC_KEEP.
 * Threads: the one that made the first decision of this filter. */
int rgc_filter_decide(rgc_filter_t* filter, int level, int value_type, const char* key,
                      size_t key_len, const char* value, size_t value_len, const char** skip_until,
                      size_t* skip_until_len);

/* rgc_filter_decide_by_key: judges one key without its value, for values that cost a read (blob
 * files). From the first call on, remove_mode=auto only removes: among blob files RocksDB steps
 * over each key where it would otherwise seek.
 * Returns: as rgc_filter_decide; or RGC_UNDETERMINED: the value is needed. Then nothing has
 *   changed, and the host must call rgc_filter_decide for the same key. Where the key alone
 *   decides, the filter needs no value, so a value that does not parse changes nothing.
 * Threads: as rgc_filter_decide. */
int rgc_filter_decide_by_key(rgc_filter_t* filter, int level, const char* key, size_t key_len,
                             const char** skip_until, size_t* skip_until_len);

/* rgc_filter_set_bottommost: tells whether the filter is bottommost, if that became known after
 * creation (1, 0 or -1, as in rgc_compaction_t). On stock RocksDB this is the usual case. The host
 * must call it before the first decision. Other numbers do nothing. With 0 the filter does not hand
 * over rows with a dead newest version: the filter of a compaction further down meets them again.
 * Threads: the one that decides. Calls from another thread do nothing. */
void rgc_filter_set_bottommost(rgc_filter_t* filter, int is_bottommost);

/* rgc_filter_set_inputs: tells the input files, if they became known after creation (RocksDB before
 * 8.7). The host must pass all of them; n 0 means unknown. It must call before the first decision.
 * Errors: as for rgc_compaction_t. The inputs that were known before stay in force.
 * Threads: the one that decides. Calls from another thread do nothing. */
void rgc_filter_set_inputs(rgc_filter_t* filter, const rgc_table_properties_t* inputs, size_t n,
                           char** errptr);

/* rgc_filter_destroy: destroys a filter.
 * Threads: any, after its last decision. */
void rgc_filter_destroy(rgc_filter_t* filter);

/* ---------------------------------------------------------------- table properties
 *
 * A COLLECTOR counts what a table file holds, key by key, while RocksDB writes the file. RocksDB
 * stores the result in the file as user-collected properties. They tell later whether a compaction
 * needs a filter (rgc_filter_create), which files hold garbage (rgc_collect), and why nothing is
 * collected (rgc_explain). They select work. They do not decide that a version is removed, with one
 * exception: whether a skip may pass several transaction records (rgc_filter_decide).
 *
 * The C++ adaptor collects by itself. RocksDB's C API can take over a collector's factory, but has
 * no function that creates one: a host on rocksdb/c.h needs the shim. Without properties everything
 * works, and more compactions get a filter.
 *
 * The properties of a file:
 *   - TiKV's, for the whole file: tikv.min_ts, tikv.max_ts, tikv.num_rows, tikv.num_puts,
 *     tikv.num_deletes, tikv.num_versions, tikv.max_row_versions, tikv.num_errors,
 *     tikv.oldest_stale_version_ts, tikv.newest_stale_version_ts, tikv.oldest_delete_ts,
 *     tikv.newest_delete_ts (8 bytes each, big-endian), tikv.rows_index; and tikv.min_expire_ts,
 *     tikv.max_expire_ts if a value expires. Unlike TiKV, values of other key modes do not count
 *     among RawKV rows.
 *   - rocks_gc.figures: for each keyspace and schema the rows, versions, bytes, delete marks, stale
 *     versions and their bytes, the timestamps since when versions are stale and rows deleted, the
 *     earliest expiry. 1,024 keyspaces and 1,024 schemas of a file have figures of their own; the
 *     others are added up. The format is a protobuf message of this library with a version number.
 *
 * The figures are those of one file: a row whose versions lie in two files has a newest version in
 * each of them. */

/* A collector. It belongs to one thread at a time. */
typedef struct rgc_collector_t rgc_collector_t;

/* What RocksDB writes under a key, in addition to RGC_VALUE, RGC_MERGE_OPERAND, RGC_BLOB_INDEX and
 * RGC_WIDE_COLUMNS. */
enum { RGC_TOMBSTONE = 4, RGC_RANGE_TOMBSTONE = 5 };

/* rgc_collector_create: creates the collector of one file. kind is the kind of the column family's
 * filters.
 * Errors: an unknown kind; gc NULL.
 * Threads: any. */
rgc_collector_t* rgc_collector_create(const rgc_t* gc, int kind, char** errptr);

/* rgc_collector_add: adds an entry, in RocksDB's order. value_type is RGC_VALUE, ... or
 * RGC_TOMBSTONE, ...; other numbers are entries that are not judged. If keys are not in order, the
 * file gets no rocks_gc.figures. An entry that cannot be read (NULL with a length) leaves the file
 * without properties. With collector NULL nothing happens.
 * Threads: one at a time. */
void rgc_collector_add(rgc_collector_t* collector, int value_type, const char* key, size_t key_len,
                       const char* value, size_t value_len);

/* rgc_collector_finish: ends the file, and passes each property to emit, on this thread. The bytes
 * are valid during the call of emit. emit must not unwind. Calls after the first one do nothing,
 * and so does rgc_collector_add after it.
 * Threads: one at a time. */
void rgc_collector_finish(rgc_collector_t* collector,
                          void (*emit)(void* state, const rgc_property_t* property), void* state);

/* rgc_collector_destroy: destroys a collector, also one that was not finished.
 * Threads: any, after its last call. */
void rgc_collector_destroy(rgc_collector_t* collector);

/* ---------------------------------------------------------------- RocksDB's C API
 *
 * There are two ways. Either the library builds the compaction filter factory from four functions
 * of the host's RocksDB: the host binds them, then calls rgc_rocksdb_filter_factory. Or the host
 * passes the raw callbacks to RocksDB itself, with rgc_factory_state as their state, or, for one
 * filter, with an rgc_filter_t*. */

/* A function of rocksdb/c.h. Fixed layout. */
typedef struct rgc_symbol_t {
  /* NUL-terminated; the library skips names that it does not need */
  const char* name;
  void (*address)(void); /* NULL means that this RocksDB lacks the function */
} rgc_symbol_t;

/* rgc_bind_rocksdb_symbols: binds the host's RocksDB by names and addresses. rocks_gc_rocksdb_c.h
 * fills the table. A binding belongs to one gc. The same binding again is a no-op.
 * Errors: another RocksDB than the bound one; a missing function, by name. */
void rgc_bind_rocksdb_symbols(rgc_t* gc, const rgc_symbol_t* symbols, size_t n, char** errptr);

/* rgc_bind_rocksdb_library: finds RocksDB's functions and keeps their library loaded. It looks in
 * one of three places: a handle of dlopen; or the path or SONAME of a library that is already
 * loaded (the call never loads it a second time: two copies of RocksDB in one process crash hosts);
 * or, if both are NULL, the process: its global scope first, then every loaded object. All
 * functions must lie in one object. A search does not bind an object that has only some of the
 * functions: another library uses the same names. It logs a warning that names the object.
 * Errors: both are given; Not found: a path that is not loaded, a missing function, no RocksDB (a
 *   static executable must be linked with -rdynamic, or pass the symbols); Not supported: functions
 *   of two objects, or more than one RocksDB, by their names; Not supported: a search in Node.js,
 *   where packages use the same names with other parameters. The texts say what to do. */
void rgc_bind_rocksdb_library(rgc_t* gc, void* dl_handle_or_null, const char* path_or_null,
                              char** errptr);

/* rgc_rocksdb_filter_factory: creates a factory for rocksdb_options_set_compaction_filter_factory.
 * The options own it from then on. The host must call it once per options object and never use a
 * factory twice. The factory holds a reference to gc. If the host does not give it to RocksDB, it
 * must call rocksdb_compactionfilterfactory_destroy.
 * Errors: nothing is bound; an unknown kind. */
struct rocksdb_compactionfilterfactory_t* rgc_rocksdb_filter_factory(rgc_t* gc, int kind,
                                                                     char** errptr);

/* rgc_factory_state: returns the state for rocksdb_compactionfilterfactory_create(state,
 * rgc_factory_destructor, rgc_factory_create_filter, rgc_factory_name), for a host that calls it
 * itself. The state holds a reference to gc, which rgc_factory_destructor drops. Until then gc may
 * be passed to rgc_filter_create, also after rgc_destroy. */
void* rgc_factory_state(rgc_t* gc, int kind, char** errptr);

/* rgc_factory_destructor: destroys a factory's state. RocksDB calls it when it destroys the
 * factory. */
void rgc_factory_destructor(void* factory_state);

/* rgc_factory_create_filter: creates a filter. RocksDB calls it once per compaction or
 * subcompaction, on the thread that runs it.
 * Returns: the filter. NULL means no filter: there is nothing to do; or nothing is bound, which is
 *   logged as an error. */
struct rocksdb_compactionfilter_t* rgc_factory_create_filter(
    void* factory_state, struct rocksdb_compactionfiltercontext_t* context);

/* rgc_factory_name: returns "rocks_gc.default" and so on. OPTIONS files record it, so it never
 * changes.
 * Returns: a static text. */
const char* rgc_factory_name(void* factory_state);

/* rgc_filter_callback: the filter function for rocksdb_compactionfilter_create. Its state is an
 * rgc_filter_t*. It never changes a value: it sets *value_changed to 0. RocksDB's C API shows it
 * plain values only.
 * Returns: 0 for keep, 1 for remove. */
unsigned char rgc_filter_callback(void* filter, int level, const char* key, size_t key_len,
                                  const char* value, size_t value_len, char** new_value,
                                  size_t* new_value_len, unsigned char* value_changed);

/* rgc_filter_destructor: calls rgc_filter_destroy, with the signature that RocksDB wants. */
void rgc_filter_destructor(void* filter);

/* rgc_filter_name: returns "rocks_gc.filter".
 * Returns: a static text. */
const char* rgc_filter_name(void* filter);

/* rgc_rocksdb_event_listener: creates a listener for rocksdb_options_add_eventlistener. The options
 * own it from then on. The host must call it once per options object. The listener tells the
 * filters of gc's factories exactly whether they write the last level of their keys. RocksDB's C
 * API alone says so of full compactions only. With the listener, filters hand rows over only where
 * nothing older lies below, not at every level. The listener looks at the list of live files once
 * per compaction. If the host does not give it to RocksDB, it must call
 * rocksdb_eventlistener_destroy.
 * Errors: nothing is bound; Not supported: this RocksDB's C API has no listeners (before 10.4). */
struct rocksdb_eventlistener_t* rgc_rocksdb_event_listener(rgc_t* gc, char** errptr);

/* ---------------------------------------------------------------- store
 *
 * What deleting needs. A filter cannot do everything. A newest delete mark may be removed only
 * after its older versions. A record whose value lies in the default column family may be removed
 * only together with that value. A destroyed range must free its space soon. All of that needs the
 * open DB: attach after opening it, detach before closing it. "Install" puts filters into options,
 * before open. "Attach" gives the library the open store:
 *
 *     rgc_attach_rocksdb(gc, db, families, n, &err);   after open, before the first write into a
 *                                                      range whose destroy was interrupted
 *     ...
 *     if (!rgc_detach(gc)) ...                         before close; 0 means refused: the DB must
 *                                                      stay open
 *
 * From then on the WORKER finishes rows that filters hand over. It is one thread of the library,
 * named rocks_gc. It blocks every signal except those of a crash (SEGV, BUS, FPE, ILL, ABRT), which
 * the host's handlers receive. It begins with a row once the filter that handed it over is
 * destroyed. It reads the row from the DB, and decides anew by the safe point of that moment. It
 * deletes oldest versions first and the delete mark last. It deletes a record and its value in one
 * batch. It always writes with the WAL on. It never writes into a write stall, and never writes
 * from a compaction's thread. It needs O(delete_batch_bytes) memory for a row of any length.
 *
 * The worker serves the families with role RGC_CF_DEFAULT (filters of kind RGC_KIND_RAW) and
 * RGC_CF_WRITE (RGC_KIND_TXN). Rows of other families whose newest version is dead stay.
 * rows_deferred counts them if the library knows the family of the filter. For that the host must
 * pass column_family_id, and the library must know the id of the family: it knows the id of the
 * family named "default", and of all families through the C++ engine or from RocksDB 7.7 on.
 *
 * The library flushes column families one by one. A host may write without a WAL, and rely on
 * atomic_flush for what it writes into several families. It must then attach all of these families
 * through the C++ engine, which flushes them together (RocksDB's C API cannot).
 *
 * DURABILITY. The worker's deletes are in the WAL. A version that lies only in a memtable, without
 * a WAL, is lost in a crash. So the worker deletes a row only if the newest version, by which it
 * decides, is durable. It deletes a record only if the newer record that shadows it is durable, and
 * that record's value too. Otherwise the worker flushes the family first, at most once a second,
 * for all rows that wait. It deletes no more than it has read: a transaction that commits at the
 * safe point meanwhile is kept.
 *
 * A COLUMN FAMILY THAT THE HOST DROPS while it is attached counts as empty from then on. The
 * library warns once, and leaves the family out of its writes. The handle must stay valid until
 * rgc_detach has returned. If it is the ledger's family, calls that must record something fail.
 *
 * Only rgc_detach ends the use of a store. A host that closes the DB without it crashes: the worker
 * continues to use the DB. If RocksDB answers "Shutdown in progress", the library stops using the
 * store and logs an error.
 *
 * WHERE NOTHING IS COLLECTED. FIFO compaction runs no filters. The C++ adaptor refuses it. With
 * RocksDB's C API the library cannot see it. A TransactionDB with the write policy WRITE_PREPARED
 * or WRITE_UNPREPARED must not be attached: its base DB shows versions that are not committed. */

/* Roles of column families.
 *   - RGC_CF_LEDGER: the library's own records. A family of its own is best: in another family,
 *     scans would see these records.
 *   - RGC_CF_LOCK: the library never drops its files whole, because that could bring deleted locks
 *     back. */
enum { RGC_CF_DEFAULT = 0, RGC_CF_WRITE = 1, RGC_CF_LOCK = 2, RGC_CF_OTHER = 3, RGC_CF_LEDGER = 4 };
/* A column family of the store. */
typedef struct rgc_column_family_t {
  size_t struct_size;
  int role;
  const char* name; /* RocksDB's own name of the family; copied */
  /* NULL means the default column family. Another handle must be valid until rgc_detach returns. */
  struct rocksdb_column_family_handle_t* handle;
} rgc_column_family_t;

/* An engine: the functions through which the library deletes. rgc_attach_rocksdb makes an engine
 * from the bound functions. The C++ adaptor (rocks_gc_rocksdb_store.h) makes one from a
 * rocksdb::DB*. A host with another way to its store fills one in.
 *
 * Rules for every function of an engine:
 *   - The library may call it from any thread, and several at once, until rgc_detach has returned.
 *     It holds no lock that its reading or advancing functions need.
 *   - The function must not unwind. It must not call back into the library, except functions that
 *     read and functions that advance safe points.
 *   - cf is the index into the families given at attach. Ranges are half open and have both bounds.
 *     Bytes are valid during the call.
 *   - It returns one of RGC_ENGINE_*. With RGC_ENGINE_ERROR it sets *errptr to a malloc'ed text
 *     "Kind: what", as everywhere. errptr is never NULL here, and *errptr is NULL before the call.
 *   - The worker repeats a write for which it got RGC_ENGINE_BUSY. A call of the host that gets it
 *     fails with kind Busy. */
/* Results of an engine's functions. NO_FAMILY: the host dropped the column family. The library
 * treats it as an empty one, and warns once. */
enum { RGC_ENGINE_OK = 0, RGC_ENGINE_BUSY = 1, RGC_ENGINE_ERROR = 2, RGC_ENGINE_NO_FAMILY = 3 };
/* Operations of a write. */
enum { RGC_OP_PUT = 0, RGC_OP_DELETE = 1, RGC_OP_DELETE_RANGE = 2 };
/* Flags of a write. SYNC: when the write returns, it is durable, with everything written before it.
 * NO_SLOWDOWN: return RGC_ENGINE_BUSY instead of waiting for a write stall. */
enum { RGC_WRITE_FLAG_SYNC = 1, RGC_WRITE_FLAG_NO_SLOWDOWN = 2 };
/* An iterator. The type belongs to the engine. */
typedef struct rgc_engine_iterator_t rgc_engine_iterator_t;

/* One write of a batch. Fixed layout. */
typedef struct rgc_write_t {
  int op; /* RGC_OP_... */
  uint32_t cf;
  const char* key;
  size_t key_len;
  const char* value; /* delete range: its end, exclusive; delete: NULL, 0 */
  size_t value_len;
} rgc_write_t;

/* A table file. */
typedef struct rgc_file_t {
  size_t struct_size;
  int level;
  uint64_t bytes, entries, deletions;
  /* the first and the last key, range tombstones included */
  const char* smallest;
  size_t smallest_len;
  const char* largest;
  size_t largest_len;
  const rgc_property_t* user_collected; /* NULL, 0 means not known */
  size_t num_user_collected;
  /* the store's own name, by which the library recognises the file; NULL, 0 means not known */
  const char* name;
  size_t name_len;
} rgc_file_t;

/* The functions of an engine. The first ten, up to write_stalled, must not be NULL. */
typedef struct rgc_engine_t {
  size_t struct_size;
  /* Reads the value under a key into malloc'ed memory. If there is none: OK with *value NULL. */
  int (*get)(void* state, uint32_t cf, const char* key, size_t key_len, char** value,
             size_t* value_len, char** errptr);
  /* Writes all n operations (at least one) in this order, with the WAL on, or none of them. flags
   * is an OR of RGC_WRITE_FLAG_... . Writes to a family that the host dropped are left out; the
   * others are written. */
  int (*write)(void* state, const rgc_write_t* writes, size_t n, int flags, char** errptr);
  /* Iterates over [start, end) as of now, in order, or backwards from the end. NULL means an error.
   */
  rgc_engine_iterator_t* (*iterate)(void* state, uint32_t cf, const char* start, size_t start_len,
                                    const char* end, size_t end_len, unsigned char backwards,
                                    char** errptr);
  /* Reads the next key and value. They are valid until the next call on the iterator. At the end:
   * OK with *key NULL. */
  int (*next)(rgc_engine_iterator_t* it, const char** key, size_t* key_len, const char** value,
              size_t* value_len, char** errptr);
  void (*iterator_destroy)(rgc_engine_iterator_t* it);
  /* Drops files below level 0 that lie in [start, end) as a whole, as many as it can. A file whose
   * last key is end must stay. */
  int (*delete_files)(void* state, uint32_t cf, const char* start, size_t start_len,
                      const char* end, size_t end_len, char** errptr);
  /* Compacts everything that overlaps [start, end) down to the lowest level that holds any of it,
   * and waits. last_level_too: also rewrites what lies in that level already. */
  int (*compact)(void* state, uint32_t cf, const char* start, size_t start_len, const char* end,
                 size_t end_len, unsigned char last_level_too, char** errptr);
  /* Writes the memtables of a family into files, and waits. */
  int (*flush)(void* state, uint32_t cf, char** errptr);
  /* Calls each with every table file of a family, in any order. file is valid during the call. */
  int (*files)(void* state, uint32_t cf, void (*each)(void* each_state, const rgc_file_t* file),
               void* each_state, char** errptr);
  /* Returns 1 if the store stops or delays writes now, else 0. */
  int (*write_stalled)(void* state);
  /* May be NULL. Called once, when the library will not call again. Not called if the attach
   * failed. */
  void (*destructor)(void* state);
  /* The functions from here on may be NULL. The library then uses those above instead, which is
   * slower. */
  /* As get, but reads the value that a crash at this moment would leave. A value that lies only in
   * a memtable, and not in the WAL, does not count (RocksDB: read tier kPersistedTier). NULL: the
   * library flushes the family, and calls get. */
  int (*get_durable)(void* state, uint32_t cf, const char* key, size_t key_len, char** value,
                     size_t* value_len, char** errptr);
  /* As flush, but waits at most about a second. *progress is 0 at the first call; its meaning is
   * the engine's own. BUSY: the flush has not finished. The library then calls again with the same
   * *progress, unless it must stop. NULL: the library calls flush. */
  int (*try_flush)(void* state, uint32_t cf, uint64_t* progress, char** errptr);
  /* As files, but only for files that overlap [start, end). user_collected is not needed. NULL: the
   * library calls files. */
  int (*files_in_range)(void* state, uint32_t cf, const char* start, size_t start_len,
                        const char* end, size_t end_len,
                        void (*each)(void* each_state, const rgc_file_t* file), void* each_state,
                        char** errptr);
  /* Tells RocksDB's id of a family and the kind of its filters (RGC_KIND_RAW, ...; 0 means that it
   * has no filter of this library, or that the kind is not known). Called during rgc_attach_engine.
   * NULL: neither is known. */
  void (*describe)(void* state, uint32_t cf, uint32_t* id, int* filter_kind);
  /* Tells that rgc_detach has been called. From now on compactions must return soon, with an error
   * of kind Aborted. Called while other functions of the engine run. NULL: rgc_detach waits for
   * them. */
  void (*cancel)(void* state);
} rgc_engine_t;

/* rgc_attach_rocksdb: attaches an open RocksDB through its C API. gc must be bound. Of a
 * TransactionDB the host attaches the base DB (rocksdb_transactiondb_get_base_db, from RocksDB 8.5
 * on). db must stay open until rgc_detach has returned. Everything else is as in rgc_attach_engine.
 * Errors: those of rgc_attach_engine; nothing is bound; Not supported: a function that deleting
 *   needs is missing, by name (RocksDB has all of them from 6.28 on); a name that is not the
 *   handle's; a NULL handle with another name than "default".
 * Blocks: as rgc_attach_engine. */
void rgc_attach_rocksdb(rgc_t* gc, struct rocksdb_t* db, const rgc_column_family_t* families,
                        size_t n, char** errptr);

/* rgc_attach_engine: attaches a store through an engine. The engine is copied. state is the first
 * argument of its functions. One gc has at most one store.
 *
 * The call reads the ledger (rgc_destroy_range, rgc_schema_drop) and finishes every destroy that
 * was interrupted. Until it has returned, the host must not write into the ranges of these
 * destroys. The host must pass the same families each time. If the ledger's family is missing, its
 * records are not seen. An interrupted destroy remains STARTED until all of its families are
 * passed.
 *
 * A ledger belongs to one context. Two contexts on one DB need a ledger family each
 * (RGC_CF_LEDGER).
 *
 * The call compares the ledger with the keyspaces that the host has registered or loaded. If a
 * destroyed keyspace is registered, or is loaded as ENABLED or DISABLED, the call fails with an
 * error that names the keyspace: filters would drop the data written there. The host must then
 * pause it (rgc_pause_keyspace), attach, and release its ranges (rgc_release_destroyed); or take
 * another id.
 *
 * A ledger that has a family of its own also records the GC types of keyspaces. If a keyspace was
 * registered with another type than the recorded one, the call fails with an error that names the
 * keyspace, and the library keeps everything of it. After the attach the host can register a
 * recorded keyspace only with the recorded type. Until the host registers it, nothing of it is
 * collected.
 * Errors: after each of these nothing is attached, and filters drop what they dropped before.
 *   - a store is attached already; the call is made inside a callback or a filter
 *   - no family; an unknown role; DEFAULT, WRITE or LEDGER twice; WRITE without DEFAULT
 *   - a name or a handle twice; a NULL name; an engine's function that is NULL
 *   - a family whose filters are of a kind that does not match its role (C hosts: a factory of a
 *     kind that matches no given role): they would judge keys by the wrong rules
 *   - the two conflicts with the ledger that are described above
 *   - a ledger record that does not parse, by its key: nothing was changed then
 *   - the engine's own errors
 * Warnings: the ledger has schemas and gc's options (schema_id, key_layout) do not read them: the
 *   records stay in the ledger, and nothing of these schemas is dropped. Filters of kind
 *   RGC_KIND_TXN are made, but none of RGC_KIND_RAW or RGC_KIND_DROPPED_ONLY: what is destroyed
 *   would stay in the files of the default family.
 * Blocks: it may take as long as the interrupted destroys would have taken. */
void rgc_attach_engine(rgc_t* gc, const rgc_engine_t* engine, void* state,
                       const rgc_column_family_t* families, size_t n, char** errptr);

/* rgc_detach: ends the use of the store. It ends the worker, waits for calls that use the store and
 * for a running compaction of the worker, and destroys the engine. It cancels flushes and
 * compactions of the library. Calls that wait for one fail with kind Aborted; what they recorded
 * remains recorded. (With RocksDB's C API this also cancels the host's manual compactions, if one
 * of the library's is running. Before RocksDB 7.4 rgc_detach waits for the compaction.)
 *
 * What is durable remains. Rows that still wait are left for later compactions; rows_deferred
 * counts them. The content of the ledger is no longer in force: filters drop nothing that was
 * destroyed or dropped by name until a store is attached whose ledger says so. If an unfinished
 * destroy has bounds that cut a row, filters keep everything until then. rgc_destroy does all of
 * this too.
 * Returns: 1 for done; also for NULL, and if no store is attached; 0 for refused.
 * Refused: on a thread inside a callback of the library; on a thread that has a living filter of
 *   this gc which has decided on that thread. Then the store is still attached and the worker
 *   continues. The host must NOT close the DB. It must call again from another thread, or after the
 *   thread's filters are destroyed.
 * Threads: any.
 * Blocks: on the calls and the compaction named above. */
RGC_MUST_CHECK unsigned char rgc_detach(rgc_t* gc);

/* rgc_reload_ledger: reads the ledger anew from the attached store, after something other than gc
 * has changed it: for hot standbys, whose store receives the primary's writes, and so the ledger,
 * by replication. (RocksDB's secondary instances accept no writes, and cannot attach.) From then on
 * filters, listings and the worker know what the ledger says: destroyed ranges, pending destroys,
 * schema orders, types of keyspaces. What is unchanged continues, with its debt and its counters. A
 * second call changes nothing.
 *
 * What gc knew and the ledger no longer has is forgotten: filters keep new keys there. The ledger
 * is the truth about what is destroyed, and a key of which it says nothing must not be removed.
 * (The primary removes a record when it rechecked the range, or when rgc_release_destroyed released
 * it for new data.)
 *
 * The host's order. Until the call has returned without an error, filters and worker act on the
 * records that they know. They would remove new keys of a range that the primary has released.
 *   - A replicated batch that adds records (a destroy, a drop, a truncation): the host applies it,
 *     and calls rgc_reload_ledger at any later time.
 *   - A replicated batch that deletes or replaces a record (a release, a recheck, a pending destroy
 *     that is taken back): the host calls rgc_detach before it applies the batch, and attaches
 *     again after. Attaching reads the ledger. Without the detach the worker may carry out the old
 *     record meanwhile, or write it back.
 *   - The host moves a safe point of a standby only when the store has everything that the primary
 *     wrote before it moved its own. Else the standby begins a pending destroy that the primary has
 *     taken back.
 *   - Files that the primary deleted whole remain in the standby. Their keys stay readable until a
 *     filter drops them. For a range that was destroyed with RGC_DESTROY_REUSABLE no filter does:
 *     the host destroys it on the standby too.
 *
 * The call writes nothing. The worker continues to write: it sweeps dropped schemas, truncates,
 * begins pending destroys that are due by gc's safe points, pays debts, and rechecks, as on the
 * primary. An interrupted destroy remains STARTED: its keys are dropped by filters, and the
 * primary, or the next attach, finishes it.
 * Errors: after each of these filters and worker continue with what they knew.
 *   - no store; inside a callback or a filter
 *   - a record that does not parse, by its key
 *   - the conflicts with the ledger that rgc_attach_engine describes: records of other families
 *     only; a destroyed keyspace that the host registered, or loaded as ENABLED or DISABLED (pause
 *     it or load its present state first); a keyspace that is registered with another type than the
 *     recorded one (everything of it is kept then)
 *   - the engine's own errors
 * Threads: any.
 * Blocks: it reads the whole ledger. It waits for destroys and rechecks that run, and for the rows
 *   that the worker is deleting. Destroys and orders about schemas wait for it. */
void rgc_reload_ledger(rgc_t* gc, char** errptr);

/* rgc_worker_pending: returns the number of rows that were handed over and are not finished, also
 * those whose filter has not ended. Each of these counts as one more: a schema that the worker must
 * clear or truncate; a debt; a pending destroy that was due at the worker's last look. */
size_t rgc_worker_pending(const rgc_t* gc);

/* rgc_worker_drain: waits until nothing is pending, at most timeout_ms. Rows of running filters
 * wait until the filters end. All rows wait while the library is switched off or the store stalls.
 * Truncations in paused keyspaces wait too. The call also waits for the pending destroys that are
 * due, and for all debts.
 * Returns: how many are still pending. It also returns 0 after an error: look at *errptr first.
 * Errors: no store; called inside a callback or a filter.
 * Blocks: at most timeout_ms. */
size_t rgc_worker_drain(rgc_t* gc, uint64_t timeout_ms, char** errptr);

/* The DEBT: files that may still hold keys of destroyed ranges, or of dropped or truncated
 * schemas. */
typedef struct rgc_debt_t {
  size_t struct_size;
  uint64_t debts; /* destroyed ranges and schemas whose files are not compacted */
  uint64_t files, bytes; /* files that may still hold their keys, and the size of these files */
} rgc_debt_t;

/* rgc_debt: fills out with the debt of this moment. The host must set out->struct_size. The worker
 * pays all debts together: it compacts their files at compact_bytes_per_second. It compacts nothing
 * while the store stalls writes. rgc_worker_drain waits until all debts are paid.
 * Errors: no store; out NULL; called inside a callback or a filter; the engine's own.
 * Threads: any.
 * Blocks: it lists the files of each family that has a debt. */
void rgc_debt(const rgc_t* gc, rgc_debt_t* out, char** errptr);

/* What rgc_collect did. Levels and files are RocksDB's. A file is considered if it overlaps the
 * range. */
typedef struct rgc_collect_report_t {
  size_t struct_size;
  /* files_skipped: the considered files that were not compacted */
  uint64_t files_considered, files_compacted, files_skipped;
  uint64_t bytes_before, bytes_after; /* of the files in the range */
  /* entries that the files in the range had before, and no longer have */
  uint64_t versions_removed;
  uint64_t elapsed_microseconds;
  uint64_t files_read; /* files that were judged by reading their key range */
  uint64_t files_without_garbage, files_over_budget; /* why files were skipped */
  uint64_t files_with_figures; /* the considered files whose properties tell what they hold */
  /* the garbage in the compacted files, by their properties: an estimate */
  uint64_t garbage_versions, garbage_bytes;
} rgc_collect_report_t;

/* rgc_collect: collects garbage now. It looks for files that hold garbage under today's safe
 * points. It looks at every level, also at the last one, where RocksDB by itself never looks again.
 * It judges a file by its tombstones and its properties, and estimates the bytes that a compaction
 * gives back. The figures of a file do not name garbage whose newer version lies in another file.
 * So if two files that overlap have old versions of one keyspace, they count as garbage if a good
 * part of them may be shadowed (ratio_threshold). A file without properties, or of which a part is
 * destroyed, is read: the call judges its key range as a filter would. So a file with one version
 * of one row shows no garbage then. (RocksDB's C API shows no properties. It knows nothing of the
 * tombstones of a file that RocksDB has not looked at since the DB was opened.) The call compacts
 * only the ranges of files with garbage: first those that give back the most bytes for each byte
 * that is compacted.
 *
 * column_family_or_null is a name given at attach. NULL means the families with roles DEFAULT and
 * WRITE. Bounds that are NULL mean everything. max_bytes limits what the call reads and compacts,
 * in bytes of files; 0 means no limit. A compaction counts with all files that it may include, at
 * every level. The call's own flush, which is always done, counts first.
 *
 * The library remembers which files it read. It reads them again only after a change of safe
 * points, of destroyed or dropped data, or of the files. So repeated calls find no more work after
 * some time. If a call reads and compacts nothing but reports files_over_budget, the budget is too
 * small for each of these files. If a RocksDB snapshot still needs the garbage of a file, a
 * compaction removes nothing. The next calls skip such a file, with a warning, until snapshots (if
 * the engine reports them), safe points or files change, or for a number of calls: 1 after the
 * first vain compaction, then 2, 4, up to 64.
 *
 * Afterwards the worker finishes the rows that the filters handed over. rgc_worker_drain waits for
 * it. The next rgc_collect removes the tombstones that the worker leaves. A row that is cut by the
 * border of a compaction keeps one version more. No file is selected again for that version.
 * Errors: no store; Not found: an unknown family; an inverted range; inside a callback or a filter;
 *   rgc_set_enabled(gc, 0); files were compacted, and no compaction asked this gc for a filter (is
 *   its factory in the options that the DB was opened with?); the engine's own.
 * Blocks: on its reads, its flush and its compactions. */
void rgc_collect(rgc_t* gc, const char* column_family_or_null, const char* start, size_t start_len,
                 const char* end, size_t end_len, uint64_t max_bytes,
                 rgc_collect_report_t* report_or_null, char** errptr);

/* rgc_collect_dry_run: tells what rgc_collect would do, and changes nothing: it flushes, reads and
 * compacts no file. In the report files_compacted are the files that it would compact for the
 * garbage that their properties name. files_read are those that it would have to read; whether they
 * hold garbage is unknown. bytes_after is bytes_before without garbage_bytes. Versions in memtables
 * do not count.
 * Errors: as rgc_collect.
 * Blocks: it lists the files and their properties. */
void rgc_collect_dry_run(rgc_t* gc, const char* column_family_or_null, const char* start,
                         size_t start_len, const char* end, size_t end_len, uint64_t max_bytes,
                         rgc_collect_report_t* report_or_null, char** errptr);

/* ---------------------------------------------------------------- locks */

/* rgc_oldest_lock: returns the oldest lock that stands in the way of a safe point. Before the host
 * moves a safe point to up_to, no lock of a transaction that began at or below up_to may be left
 * (H1). The call reads the attached families with role RGC_CF_LOCK, whose values are TiKV's locks.
 * keyspace is an id: its keys of mode x. RGC_KEYSPACE_NONE means keys of modes m and t; in the
 * plain layout, all keys. Before the global safe point moves, the host asks for RGC_KEYSPACE_NONE
 * and for each keyspace that follows it. A lock that only the host's memory holds is not seen, and
 * a lock that comes during the call may not be seen.
 * Returns: the least start timestamp at or below up_to of a lock; 0 if there is none, and after an
 *   error.
 * Errors: no store; inside a callback or a filter; a keyspace out of range, or an id in the plain
 *   layout; Not supported: no attached family has role RGC_CF_LOCK; Not found: the library knows
 *   that the host dropped the family; Corruption: a lock in the range does not parse, by its key;
 *   Aborted: rgc_detach was called; the engine's own. After an error the host must not move the
 *   safe point: it is not known that there is no lock.
 * Threads: any.
 * Blocks: it reads every lock of the keyspace, also those above up_to, since locks are not ordered
 *   by timestamp. While it reads it holds one iterator. It needs no memory for each lock. */
uint64_t rgc_oldest_lock(const rgc_t* gc, uint32_t keyspace, uint64_t up_to, char** errptr);

/* ---------------------------------------------------------------- explaining
 *
 * Why is nothing collected? The answer names each keyspace in each column family whose versions are
 * judged. It comes from the properties of the files, so it is an estimate: stale versions count as
 * spread evenly over the time between the oldest and the newest. Files without properties are
 * sampled: the first 10,000 keys of a file, 100,000 keys of a family. Versions in memtables do not
 * count. The figures of a keyspace are those of whole files, also if the range ends inside them. */

/* The first reason that applies. */
enum {
  RGC_WHY_NOTHING_STALE = 0, /* each version is the newest of its row in its file */
  RGC_WHY_NO_VERSIONS = 1,   /* no file holds a version of the keyspace */
  RGC_WHY_DUE = 2,           /* the next compactions collect the garbage */
  /* the garbage lies only in the last level, which RocksDB does not compact by itself: call
   * rgc_collect */
  RGC_WHY_ONLY_IN_LAST_LEVEL = 3,
  RGC_WHY_OWN_SAFE_POINT = 4,    /* stale versions are above the keyspace's own safe point */
  RGC_WHY_GLOBAL_SAFE_POINT = 5, /* stale versions are above the global safe point */
  RGC_WHY_NO_OWN_SAFE_POINT = 6, /* keyspace level, and it has no safe point of its own */
  RGC_WHY_NO_GLOBAL_SAFE_POINT = 7,
  RGC_WHY_NOT_REGISTERED = 8,
  RGC_WHY_PAUSED = 9,
  RGC_WHY_CONFLICT = 10,         /* both types were registered */
  RGC_WHY_UNKNOWN_TYPE = 11,     /* metadata with an unknown type were loaded */
  RGC_WHY_DISABLED = 12,         /* rgc_set_enabled(gc, 0) */
  RGC_WHY_VALUES_OF_RECORDS = 13, /* values go with the transaction records that name them */
  RGC_WHY_OTHER_KIND = 14,       /* the family's filters judge keys of other modes */
  RGC_WHY_NO_FILTER = 15,        /* no factory makes filters of the family's kind */
  RGC_WHY_DOES_NOT_PARSE = 16,
  RGC_WHY_BARRIER = 17 /* stale versions are above a barrier, which the text names */
};

/* The answer for one keyspace and mode in one column family. */
typedef struct rgc_explained_t {
  size_t struct_size;
  const char* column_family;
  int mode;          /* RGC_MODE_... */
  uint32_t keyspace; /* RGC_KEYSPACE_NONE for m, t and plain keys */
  int why;           /* RGC_WHY_... */
  const char* text;  /* the reason, and what to do */
  uint64_t own_safe_point, effective_safe_point; /* 0 means none */
  uint64_t files;            /* files that hold versions of it */
  uint64_t sampled_versions; /* those of its versions that are known from samples */
  uint64_t rows, versions, bytes;
  uint64_t due_versions, due_bytes; /* that could go now */
  uint64_t last_level_versions, last_level_bytes; /* the part of them in the last level */
  uint64_t held_versions, held_bytes; /* stale, and above the safe point */
  uint64_t unparsed;                  /* values that do not parse */
  uint64_t oldest_ts;                 /* of its versions; 0 means unknown */
} rgc_explained_t;

/* rgc_explain: explains the keyspaces that have keys in a range of stored keys. Bounds that are
 * NULL mean everything. each, if given, is called for each answer, as by the listing functions.
 * Returns: a text for rgc_free, a line for each of the 100 keyspaces with the most garbage; NULL
 *   after an error.
 * Errors: no store; an empty or inverted range; inside a callback or a filter; the engine's own.
 * Threads: any.
 * Blocks: it lists the files and their properties, and reads the samples. */
char* rgc_explain(const rgc_t* gc, const char* start, size_t start_len, const char* end,
                  size_t end_len, int (*each)(void* state, const rgc_explained_t* answer),
                  void* state, char** errptr);

/* rgc_explain_keyspace: explains one keyspace, also one that the library does not know or of which
 * no file holds a version.
 * Returns, threads, blocks: as rgc_explain.
 * Errors: as rgc_explain; an id above RGC_KEYSPACE_MAX. */
char* rgc_explain_keyspace(const rgc_t* gc, uint32_t keyspace,
                           int (*each)(void* state, const rgc_explained_t* answer), void* state,
                           char** errptr);

/* rgc_consistency_safe_point: returns the safe point at which two replicas of a range can be
 * compared: what is below it may be collected on one of them and not yet on the other. Bounds that
 * are NULL mean everything.
 * Returns: the global safe point; 0 after an error.
 * Errors: Not supported: the range holds a keyspace that is registered as keyspace level, so no one
 *   safe point holds for the range; an empty or inverted range.
 * Threads: any. */
uint64_t rgc_consistency_safe_point(const rgc_t* gc, const char* start, size_t start_len,
                                    const char* end, size_t end_len, char** errptr);

/* ---------------------------------------------------------------- destroying
 *
 * DESTROYING IS PERMANENT. The host promises that the range is never read or written again (H3).
 *
 * The LEDGER records a destroy first, durably. The record lies in the host's own store under
 * ledger_prefix: in the family with role LEDGER, else DEFAULT, else the first one. The library
 * writes no such record until something is destroyed. A record has these states:
 *
 *   PENDING   the destroy begins later (rgc_destroy_range_after); the range is in use
 *   STARTED   the call, or an attach after a crash, removes the keys
 *   CLEARED   no key is visible, durably; some files may still hold keys of the range: a DEBT
 *   DONE      no key is visible, durably; the worker has compacted these files
 *
 * recheck_seconds (24 h) after the range is CLEARED, the worker or rgc_recheck_destroyed destroys
 * it once more, to remove late keys. Then it removes the record. While a record is STARTED, CLEARED
 * or DONE, every filter of gc in one of the record's families drops every key in the range, at any
 * level and of any value type.
 *
 * One call does this in every attached family:
 *   - it drops the files below level 0 that lie in the range (not in lock families);
 *   - it deletes the keys that are left, in the write family before the default one. It uses point
 *     tombstones, or one range tombstone from delete_range_min_keys keys on. It obeys
 *     delete_bytes_per_second.
 * Then it returns: no key of the range is visible, and a crash brings none back.
 *
 * The files that may still hold keys of the range are the debt: files in level 0, and files at the
 * borders of the range. If there are none, the record is DONE at once. The worker pays the debt. It
 * waits until no new debt came for 200 ms. Then it flushes, and compacts each of these files once,
 * however many destroyed ranges end in it. It obeys compact_bytes_per_second, and compacts nothing
 * while the store stalls writes. A host that wants every byte back calls rgc_worker_drain. Dropped
 * and truncated schemas, and rechecks that find late keys, leave debts too. rgc_debt shows the
 * debt. rgc_detach does not pay it; the worker of the next attach does.
 *
 * A bound with a timestamp cuts a row. If the call writes tombstones in the range, it compacts that
 * row by force into the last level, so that no tombstone is left over one half of the row. A bound
 * means the same key in every family. For data of transactions the host must pass bounds without
 * timestamps: otherwise records are separated from their values. With plain_keys=prefix_free the
 * last 8 bytes of a bound may or may not be a timestamp. The library treats them as one, and
 * compacts the keys that begin with the rest.
 *
 * Destroys and rechecks of overlapping ranges run one after the other, also those of an attach and
 * of the worker. After a failed call, or a crash, the record remains STARTED. The destroy is
 * unfinished until a repeat with the same bounds, or the next attach, has finished it.
 *
 * Filters know a record only after an attach has read the ledger. Suppose that the host crashes in
 * the destroy of a range that cuts a row. A filter that runs before the next attach may then treat
 * a destroyed version as the newest, and remove live versions below it (H10). So a host whose
 * bounds have timestamps must open with rgc_set_enabled(gc, 0), or set its safe points after
 * attach. */

/* Flags. FORCE: destroys a keyspace whatever its state (rgc_keyspace_load). REUSABLE: when the call
 * returns, filters keep new keys in the range, and its record is not listed. The host may write the
 * range again, with timestamps above those of the destroyed versions. */
enum { RGC_DESTROY_FORCE = 1, RGC_DESTROY_REUSABLE = 2 };
/* States of a record. */
enum {
  RGC_DESTROY_STARTED = 0,
  RGC_DESTROY_DONE = 1,
  RGC_DESTROY_CLEARED = 2,
  RGC_DESTROY_PENDING = 3
};

/* What a destroy did, in all attached families. */
typedef struct rgc_destroy_report_t {
  size_t struct_size;
  uint64_t files_dropped, file_bytes_dropped; /* whole files, at once */
  uint64_t keys_deleted, range_tombstones;    /* keys: by point tombstones */
  uint64_t files_microseconds, keys_microseconds;
  uint64_t compact_microseconds; /* flushes, and compactions of rows that a bound cuts */
  /* the debt of this call: files that may still hold keys of the ranges */
  uint64_t files_left, file_bytes_left;
} rgc_destroy_report_t;

/* A half-open range of keys. Where the library fills it, the caller owns the bounds and must give
 * each to rgc_free, and end NULL means no upper bound. Where the host fills it, the bounds are the
 * host's, and the library only reads them. */
typedef struct rgc_range_t {
  size_t struct_size;
  char* start;
  size_t start_len;
  char* end;
  size_t end_len;
} rgc_range_t;

/* rgc_destroy_range: destroys all keys in [start, end). The bounds are stored keys without or with
 * a timestamp.
 * Errors: no store; inside a callback or a filter; a missing bound (NULL or empty); an inverted or
 *   empty range; a range that touches the library's own keys; unknown flags; Busy:
 *   RGC_DESTROY_REUSABLE for a range that overlaps another record, because filters would continue
 *   to drop what is written there (the text names the bounds of the record); the engine's own (the
 *   record remains STARTED, and the report says what was done).
 * Threads: any.
 * Blocks: on its deletes, at delete_bytes_per_second; on the compaction of rows that a bound cuts;
 *   on other destroys and rechecks of overlapping ranges. rgc_detach ends the waits. */
void rgc_destroy_range(rgc_t* gc, const char* start, size_t start_len, const char* end,
                       size_t end_len, int flags, rgc_destroy_report_t* report_or_null,
                       char** errptr);

/* rgc_destroy_ranges: destroys n ranges, each as rgc_destroy_range does, with one record each. One
 * durable write holds all records. The call lists the files of all ranges together. So one call for
 * many ranges costs far less than a call for each. The array stride is ranges[0].struct_size. n 0
 * does nothing. If an error is about one range, the call sets *failed_or_null to the index of that
 * range. Otherwise it sets it to n, also for a wrong struct_size, whose text names the index.
 * Errors: those of rgc_destroy_range, whose text then names the index; two ranges that overlap. If
 *   an argument is refused, nothing is done for any range. If the engine fails, the records that
 *   were written remain STARTED.
 * Threads: any.
 * Blocks: as rgc_destroy_range. */
void rgc_destroy_ranges(rgc_t* gc, const rgc_range_t* ranges, size_t n, int flags,
                        size_t* failed_or_null, rgc_destroy_report_t* report_or_null,
                        char** errptr);

/* rgc_destroy_keyspace: destroys a keyspace: its keys of mode r and of mode x, as two ranges with
 * two records. While these records exist, the id can neither be registered nor be loaded as ENABLED
 * or DISABLED.
 * Errors: those of rgc_destroy_range; a keyspace out of range; the plain layout; a keyspace that
 *   was loaded as ENABLED or DISABLED, without RGC_DESTROY_FORCE.
 * Threads: any.
 * Blocks: as rgc_destroy_range. */
void rgc_destroy_keyspace(rgc_t* gc, uint32_t keyspace, int flags,
                          rgc_destroy_report_t* report_or_null, char** errptr);

/* rgc_destroy_keyspaces: destroys n keyspaces, each as rgc_destroy_keyspace does, together as
 * rgc_destroy_ranges does.
 * Errors: those of rgc_destroy_keyspace, whose text then names the index; a keyspace that is given
 *   twice. If an argument is refused, nothing is done for any keyspace.
 * Threads: any.
 * Blocks: as rgc_destroy_range. */
void rgc_destroy_keyspaces(rgc_t* gc, const uint32_t* keyspaces, size_t n, int flags,
                           size_t* failed_or_null, rgc_destroy_report_t* report_or_null,
                           char** errptr);

/* rgc_destroy_range_after: orders a destroy that begins when the effective safe point of the range
 * is above ts. Until then the range is in use: readers and filters see no difference. The call
 * writes a record in state PENDING, durably, and returns. The worker looks for due destroys once a
 * second, and at each rgc_worker_drain, which waits for them. A repeat with the same bounds
 * replaces ts and flags. rgc_destroy_range with exactly these bounds replaces the record, and
 * destroys the range at once. While the keyspace is paused, or has no safe point, the destroy does
 * not begin. Without RGC_DESTROY_FORCE the destroy of a keyspace does not begin either while the
 * keyspace is loaded as ENABLED or DISABLED. With RGC_DESTROY_REUSABLE the host may write the range
 * again when its record is no longer listed.
 * Errors: those of rgc_destroy_range; a range that is not wholly in one keyspace and mode (or in
 *   the keys of mode m or t, or in the plain layout), because no single safe point decides about
 *   it; ts UINT64_MAX; Busy: the range is destroyed already, or has a debt.
 * Threads: any.
 * Blocks: on one durable write; on other destroys of overlapping ranges. */
void rgc_destroy_range_after(rgc_t* gc, const char* start, size_t start_len, const char* end,
                             size_t end_len, uint64_t ts, int flags, char** errptr);

/* rgc_destroy_keyspace_after: orders the destroy of a keyspace, as rgc_destroy_range_after does for
 * its two ranges. The id remains usable until the destroy begins.
 * Errors: those of rgc_destroy_range_after and rgc_destroy_keyspace.
 * Threads: any.
 * Blocks: as rgc_destroy_range_after. */
void rgc_destroy_keyspace_after(rgc_t* gc, uint32_t keyspace, uint64_t ts, int flags,
                                char** errptr);

/* rgc_take_back_destroy_range: removes the PENDING record of exactly this range, durably.
 * Errors: no store; inside a callback or a filter; Not found: no pending destroy has these bounds;
 *   Busy: the destroy has begun.
 * Threads: any.
 * Blocks: as rgc_destroy_range_after. */
void rgc_take_back_destroy_range(rgc_t* gc, const char* start, size_t start_len, const char* end,
                                 size_t end_len, char** errptr);

/* rgc_take_back_destroy_keyspace: the same for the two ranges of a keyspace, both or none.
 * Errors: those of rgc_take_back_destroy_range; a keyspace out of range; the plain layout.
 * Threads: any.
 * Blocks: as rgc_destroy_range_after. */
void rgc_take_back_destroy_keyspace(rgc_t* gc, uint32_t keyspace, char** errptr);

/* rgc_recheck_destroyed: destroys once more the ranges that were CLEARED at least recheck_seconds
 * before now_unix_seconds, and removes their CLEARED or DONE records. now_unix_seconds 0 means that
 * the time is unknown: nothing is done. The call is for recheck=manual. With recheck=auto the
 * worker does it by the clock.
 * Returns: how many records it removed.
 * Errors: no store; inside a callback or a filter; the engine's own (the record remains).
 * Blocks: as rgc_destroy_range. */
size_t rgc_recheck_destroyed(rgc_t* gc, uint64_t now_unix_seconds,
                             rgc_destroy_report_t* report_or_null, char** errptr);

/* rgc_recheck_destroyed_range: destroys exactly this range once more, however old its CLEARED or
 * DONE record is, and removes the record. (TiKV calls this a full cleanup.)
 * Errors: no store; inside a callback or a filter; Not found: no record has these bounds; Busy: the
 *   record is STARTED; the engine's own (the record remains).
 * Threads: any.
 * Blocks: as rgc_destroy_range. */
void rgc_recheck_destroyed_range(rgc_t* gc, const char* start, size_t start_len, const char* end,
                                 size_t end_len, rgc_destroy_report_t* report_or_null,
                                 char** errptr);

/* rgc_release_destroyed: removes the CLEARED or DONE record of exactly this range, so that the host
 * may write the range again, with timestamps above those of the destroyed versions. The worker
 * still pays its debt.
 * Errors: no store; inside a callback or a filter; Not found: no record has these bounds; Busy: the
 *   record is STARTED, or a pending destroy overlaps the range.
 * Blocks: on one durable write; on destroys and rechecks of overlapping ranges. */
void rgc_release_destroyed(rgc_t* gc, const char* start, size_t start_len, const char* end,
                           size_t end_len, char** errptr);

/* rgc_destroyed_count: returns the number of records of destroyed ranges in the ledger of the
 * attached store, without those that only remember a debt. Without a store it returns 0. */
size_t rgc_destroyed_count(const rgc_t* gc);

/* ---------------------------------------------------------------- schemas
 *
 * A SCHEMA is a part of a keyspace: all user keys that begin with its id, 4 bytes, big-endian
 * (option schema_id=prefix). The host allocates ids upwards and never uses an id twice in a
 * keyspace. Each keyspace has ids of its own, so two keyspaces may use the same number. The name
 * of a schema is known to the host only. The host may use a name again with a new id at any
 * time, also while the old schema is being removed.
 *
 * A schema is invalid in two cases. Every filter then drops its keys, of any kind and any value
 * type.
 *   - rgc_schema_drop dropped it. This is permanent, whatever lists or creations follow.
 *   - A list was loaded for its keyspace, and three things hold: its id is not in the last list;
 *     its id is at or below the highest_id_ever of that list; rgc_schema_create did not create
 *     it in this process.
 *
 * An empty list makes no schema invalid. Ids above highest_id_ever are UNKNOWN. Their keys are
 * kept and counted in kept_unknown_schema. Their versions are judged like any others. The
 * library reads schema ids only in keyspaces for which the host gave a list or an id. In api_v2,
 * TiDB keys (m and t) and user keys shorter than 4 bytes belong to no schema. Only the beginning
 * of a key decides whether it belongs to a schema, as with a destroyed range: a key that begins
 * correctly and is malformed otherwise is dropped with it. Running filters follow every change
 * from their next key on.
 *
 * keyspace must be RGC_KEYSPACE_NONE in the plain layout, and only there. All of these functions
 * need schema_id=prefix. Without it they fail with kind Invalid argument. Any thread may call
 * them. */

/* States. UNKNOWN: the host never told of it. TRUNCATING: valid, and the worker is deleting its old
 * versions. DROPPED: invalid. */
enum {
  RGC_SCHEMA_UNKNOWN = 0,
  RGC_SCHEMA_VALID = 1,
  RGC_SCHEMA_TRUNCATING = 2,
  RGC_SCHEMA_DROPPED = 3
};

/* rgc_schemas_load: loads the list of all valid schemas of a keyspace. It replaces the list before.
 * The order does not matter, and an id that occurs twice counts once. highest_id_ever is the
 * highest id that was ever allocated in the keyspace. The host must read it BEFORE it reads the
 * list: otherwise an id that is allocated in between counts as dropped. The host must pass a new id
 * to rgc_schema_create before it writes the id's first record. The host calls rgc_schemas_load
 * before open, for recovery and the first compactions. It may call again at any time.
 * Errors: a listed id above highest_id_ever, by its place and value; the keyspace. An error changes
 *   nothing. */
void rgc_schemas_load(rgc_t* gc, uint32_t keyspace, const uint32_t* valid_ids, size_t n,
                      uint32_t highest_id_ever, char** errptr);

/* rgc_schema_create: tells the id of a new schema. The host must call it before it writes the
 * schema's first record. From then on no list makes the schema invalid.
 * Errors: an id that rgc_schema_drop dropped. */
void rgc_schema_create(rgc_t* gc, uint32_t keyspace, uint32_t id, char** errptr);

/* rgc_schema_drop: drops a schema with all its data (truncateDataAndDropSchema). Dropping is
 * permanent. The ledger records it durably before anything else happens. The record is permanent:
 * the id is never valid again.
 *
 * Then the call drops the files below level 0 that hold only this schema, and returns. It drops no
 * files of lock families, and none in the plain layout, where shorter keys, which belong to no
 * schema, may lie between. Compactions and the worker remove the rest in the background. The worker
 * uses point tombstones, or one range tombstone from delete_range_min_keys keys on, then a flush
 * and a compaction of the files that overlap the schema. When nothing is left, the log says so.
 * Until then, and also after a crash, the host may repeat the call, but need not.
 *
 * There is no drop that keeps the data. Such records would be orphans: nothing could name them any
 * more, and a later schema with the same id would show them.
 * Errors: no store is attached (there is no place for the record); inside a callback or a filter;
 *   the engine's own: it is then not known whether the record was written, and the host must repeat
 *   the call. A failure after the record was written is only in the log: the schema is dropped, and
 *   the worker continues.
 * Threads: any.
 * Blocks: on the write to the ledger and on dropping files. */
void rgc_schema_drop(rgc_t* gc, uint32_t keyspace, uint32_t id, char** errptr);

/* rgc_schema_truncate: deletes the versions of a schema up to and including a timestamp
 * (truncateData). The schema stays valid. The call returns when the order is in the ledger. The
 * worker executes it row by row at its usual rate: the oldest versions first, and a record of
 * transactions with its value in one batch. After a restart it continues where it was. No reader
 * ever sees an older version become visible. Rows whose records do not parse are left unchanged and
 * counted in rows_left_unparsed; RawKV values need not parse.
 *
 * If the host calls this function several times for a schema, the highest timestamp counts. The
 * call makes the schema known: its state is VALID when the truncation is over, unless a list says
 * otherwise. In a paused keyspace the truncation waits until the keyspace is registered again. The
 * library refuses 0 and UINT64_MAX as timestamps: a truncation takes hours, and without a limit it
 * would delete what is written meanwhile. Pass the timestamp of now.
 * Errors: a timestamp of 0 or UINT64_MAX; no store; inside a callback or a filter; a schema that is
 *   invalid; Not supported: gc has made filters of kind RGC_KIND_TTL_V1, whose keys have no
 *   timestamps; the engine's own (repeat the call).
 * Threads: any.
 * Blocks: on the write to the ledger. */
void rgc_schema_truncate(rgc_t* gc, uint32_t keyspace, uint32_t id, uint64_t up_to_ts,
                         char** errptr);

/* rgc_schema_state: returns the state of a schema, RGC_SCHEMA_... . It returns UNKNOWN also for an
 * impossible keyspace, and without schema_id=prefix. */
int rgc_schema_state(const rgc_t* gc, uint32_t keyspace, uint32_t id);

/* ---------------------------------------------------------------- recovery
 *
 * Records that are only in the WAL come back at open, before a store is attached. A WAL FILTER
 * leaves out records that would be dropped at once: puts and merges of schemas that are invalid by
 * the lists loaded before open, and of keyspaces that were loaded as TOMBSTONE before open. It
 * never leaves out a delete of any kind: without it older data would come back. It never leaves out
 * keys under ledger_prefix. It works only in the families that the host names: others may hold
 * bytes that look like keys of gc. The other records of the same batch are replayed. A batch with
 * two-phase markers, or with anything unknown, is replayed unchanged. C++ hosts use
 * rocks_gc::WalFilter (rocks_gc_rocksdb_wal.h). */

/* rgc_wal_should_skip: says whether recovery should leave out a put or merge of this stored key. It
 * uses what gc knows now, which includes schemas that rgc_schema_drop dropped in this process. It
 * answers the same while the library is switched off (rgc_set_enabled).
 * Returns: 1 for leave out, else 0.
 * Threads: any. */
unsigned char rgc_wal_should_skip(const rgc_t* gc, const char* key, size_t len);

/* rgc_wal_filter_batch: returns what recovery should replay of a write batch. The batch is passed
 * as its bytes (rocksdb::WriteBatch::Data(), RocksDB's db/write_batch.cc). A no-op at its beginning
 * and wide columns are understood; a wrong count is not. families holds RocksDB's ids of the n
 * column families whose keys have gc's layout.
 * Returns: NULL without an error means that the whole batch is to be replayed unchanged. Otherwise
 *   a batch without the left-out records, with the same sequence number, for rgc_free. *out_len is
 *   its length. Each left-out record is replaced, in its family, by a delete of a key under
 *   ledger_prefix that never exists. So all other records keep their sequence numbers.
 * Errors: families or out_len NULL where it is needed.
 * Threads: any. */
char* rgc_wal_filter_batch(const rgc_t* gc, const char* batch, size_t len, const uint32_t* families,
                           size_t n, size_t* out_len, char** errptr);

/* rgc_rocksdb_wal_filter: creates a filter for rocksdb_options_set_wal_filter. The options do not
 * own it. The host must call rocksdb_walfilter_destroy when the DB is closed, not before: an open
 * RocksDB asks the filter for its name whenever it writes its options file. families are the names
 * of the families. The filter holds a reference to gc.
 *
 * RocksDB's C API can build records of the default family only. So recovery replays a batch
 * unchanged if a record of another family would remain in it. If the default family is not named,
 * recovery replays every batch unchanged. (rgc_shim_wal_filter can do more.)
 * Errors: nothing is bound; no family; a NULL name; Not supported: this RocksDB's C API has no WAL
 *   filters (before 11.8). */
struct rocksdb_walfilter_t* rgc_rocksdb_wal_filter(rgc_t* gc, const char* const* families, size_t n,
                                                   char** errptr);

/* ---------------------------------------------------------------- keyspace metadata
 *
 * What a placement driver stores of a keyspace. A state alone drops nothing in compactions:
 * rgc_destroy_keyspace removes a keyspace's data. TOMBSTONE is a final state. It makes recovery
 * leave out the keyspace's puts. */

/* States. Allowed moves: ENABLED and DISABLED to each other; DISABLED to ARCHIVED; ARCHIVED to
 * TOMBSTONE; each to itself. */
enum {
  RGC_KEYSPACE_ENABLED = 0,
  RGC_KEYSPACE_DISABLED = 1,
  RGC_KEYSPACE_ARCHIVED = 2,
  RGC_KEYSPACE_TOMBSTONE = 3
};

/* The metadata of a keyspace. */
typedef struct rgc_keyspace_meta_t {
  size_t struct_size;
  uint32_t id;
  int state;
  /* 1 to 20 of the characters -, _, A to Z, a to z, 0 to 9 */
  const char* name;
  /* keyspace_level, keyspace_level_gc; unified, global_gc; NULL means absent, which is global */
  const char* gc_management_type;
} rgc_keyspace_meta_t;

/* rgc_keyspace_load: loads a keyspace's metadata, and registers its GC type as
 * rgc_set_keyspace_gc_type does: the first type is valid. The call ends no pause. If the keyspace
 * is paused (rgc_pause_keyspace), or if both types were registered for it, the metadata are loaded
 * and everything is kept as before. Each such load is logged (RGC_LOG_INFO), and
 * rgc_keyspaces_foreach shows the keyspace with gc_type -2. A paused keyspace that had no type may
 * then be registered only with the type that was loaded.
 * Errors: after each of these nothing has changed, except where the list says so.
 *   - an id, state or name out of range
 *   - a state that may not follow the keyspace's present state (allowed moves: above)
 *   - the other GC type than the registered one: everything of the keyspace is kept then
 *     (rgc_set_keyspace_gc_type)
 *   - an unknown GC type string, by its value. Everything of the keyspace is then kept, as after
 *     rgc_pause_keyspace, until the host loads or registers a known type; if the keyspace is also
 *     paused, until the host registers it. (Unlike rgc_pause_keyspace the call does not wait.)
 *   - ENABLED or DISABLED for a keyspace that is destroyed (ARCHIVED and TOMBSTONE are accepted:
 *     they come after the destroy)
 * Threads: any. */
void rgc_keyspace_load(rgc_t* gc, const rgc_keyspace_meta_t* meta, char** errptr);

/* rgc_keyspace_load_protobuf: loads a keyspace's metadata from the bytes that PD stores
 * (keyspacepb.KeyspaceMeta): id 1, name 2, state 3, config 7. Of config it reads
 * gc_management_type. id 0 may be explicit or absent. Unknown fields are skipped.
 * Errors: those of rgc_keyspace_load; Corruption: bytes that do not parse (the text recognises JSON
 *   of PD's HTTP API, hex and base64); Not supported: a keyspace_identity (8) instead of an id. */
void rgc_keyspace_load_protobuf(rgc_t* gc, const char* bytes, size_t len, char** errptr);

/* rgc_keyspace_by_name: finds the keyspace with a name that rgc_keyspace_load or
 * rgc_keyspace_load_protobuf gave. PD gives a name to another keyspace only after the one that had
 * it was given up. So the call returns the keyspace that owns the name: it is loaded as ENABLED or
 * DISABLED, and not paused. If there is none, it returns, of those that had the name, the one with
 * the highest id. keyspace may be NULL, which means not wanted.
 * Returns: 1 for found, and *keyspace is the id. 0 if no loaded keyspace has the name, which is no
 *   error, and after an error; then *keyspace is not written.
 * Errors: a NULL name, or one that is not UTF-8; two keyspaces own the name, by both ids and the
 *   name: the host has not loaded yet that one of them was given up.
 * Threads: any. */
unsigned char rgc_keyspace_by_name(const rgc_t* gc, const char* name, uint32_t* keyspace,
                                   char** errptr);

/* rgc_keyspace_etcd_namespace: returns the prefix of a keyspace's own keys in etcd, as TiDB and PD
 * use it: "/keyspaces/tidb/4242". The id is not padded. It needs no context.
 * Returns: a text for rgc_free.
 * Errors: a keyspace out of range. Keys that belong to no keyspace (RGC_KEYSPACE_NONE) have no
 *   prefix of their own.
 * Threads: any. */
char* rgc_keyspace_etcd_namespace(uint32_t keyspace, char** errptr);

/* ---------------------------------------------------------------- listing
 *
 * What an operator asks. each returns 0 to continue, anything else to stop. The library calls it on
 * the caller's thread and holds no lock of its own. info, and everything that it points to, is
 * valid during the call. each must not unwind. It may call functions that read, and functions that
 * advance safe points. The call may or may not show a change that is made while it runs. If gc or
 * each is NULL, nothing happens. */

/* A keyspace of which the library knows anything. */
typedef struct rgc_keyspace_info_t {
  size_t struct_size;
  uint32_t id;
  int state; /* -1 means that no metadata were loaded */
  /* -1 means not registered, -2 that everything is kept */
  int gc_type;
  /* 0 means none */
  uint64_t own_safe_point, effective_safe_point;
  const char* name; /* "" means unknown */
} rgc_keyspace_info_t;

/* A destroyed range whose record exists. */
typedef struct rgc_destroyed_info_t {
  size_t struct_size;
  const char* start;
  size_t start_len;
  const char* end;
  size_t end_len;
  /* RGC_KEYSPACE_NONE for a plain range */
  uint32_t keyspace;
  int state; /* RGC_DESTROY_PENDING, _STARTED, _CLEARED or _DONE */
  /* when the destroy began, and when the range was cleared; 0 means not known, or not yet */
  uint64_t started_unix_seconds, done_unix_seconds;
  /* keys that filters dropped after the range was done, since attach */
  uint64_t late_keys_dropped;
  uint64_t pending_ts; /* the timestamp that a PENDING destroy waits for, else 0 */
} rgc_destroyed_info_t;

/* A schema that was listed, created, dropped or truncated. */
typedef struct rgc_schema_info_t {
  size_t struct_size;
  uint32_t keyspace, id; /* RGC_KEYSPACE_NONE in the plain layout */
  int state;             /* RGC_SCHEMA_... */
  /* 0 means never, or that the schema is dropped and no key of it is left; with TRUNCATING: the
   * timestamp of the running truncation */
  uint64_t truncated_up_to_ts;
} rgc_schema_info_t;

/* rgc_keyspaces_foreach: lists the keyspaces that were loaded or registered, or have a safe point
 * of their own, ordered by id. */
void rgc_keyspaces_foreach(const rgc_t* gc,
                           int (*each)(void* state, const rgc_keyspace_info_t* info), void* state);

/* rgc_destroyed_foreach: lists the records of destroyed ranges, ordered by start. Without a store
 * there are none. */
void rgc_destroyed_foreach(const rgc_t* gc,
                           int (*each)(void* state, const rgc_destroyed_info_t* info), void* state);

/* rgc_schemas_foreach: lists schemas, ordered by keyspace and id: those of the last lists, and
 * those that were told one by one. */
void rgc_schemas_foreach(const rgc_t* gc, int (*each)(void* state, const rgc_schema_info_t* info),
                         void* state);

/* ---------------------------------------------------------------- stored keys
 *
 * api_v2 and plain are the two key layouts (option key_layout).
 *
 *     api_v2   data prefix + memcomparable(prefix + user key) + timestamp
 *     plain    data prefix + user key + timestamp
 *
 * In api_v2 the prefix is the mode byte and, for r and x keys, 3 bytes of keyspace, big-endian.
 * memcomparable splits its input into groups of 8 bytes. A marker byte follows each group. It is ff
 * for a full group that is not the last one. The last group holds 0 to 7 bytes and is padded with
 * zeros. Its marker is ff minus the number of padding bytes (TiKV's codec::bytes). In plain the
 * mode is RGC_MODE_NONE and the keyspace RGC_KEYSPACE_NONE. The timestamp is 8 bytes, the bitwise
 * complement in big-endian, so that newer versions come first. */

/* The mode of a key. It is RGC_MODE_NONE in the plain layout. */
enum {
  RGC_MODE_NONE = 0,
  RGC_MODE_RAW = 'r',
  RGC_MODE_TXN = 'x',
  RGC_MODE_TIDB_META = 'm',
  RGC_MODE_TIDB_TABLE = 't'
};

/* A stored key taken apart. The caller owns user_key and must give it to rgc_free. It is never
 * NULL. */
typedef struct rgc_key_t {
  size_t struct_size;
  int mode;
  uint32_t keyspace; /* RGC_KEYSPACE_NONE for m, t and plain keys */
  uint64_t ts;
  char* user_key;
  size_t user_key_len;
} rgc_key_t;

/* rgc_encode_key: builds the stored key of version ts of a user key (0 and UINT64_MAX can be
 * encoded). keyspace must be RGC_KEYSPACE_NONE for m, t and plain keys.
 * Returns: the stored key, for rgc_free.
 * Errors: a mode that is not of the layout; a keyspace out of range; a plain key of the wrong
 *   length; a key that would be one of the library's own (ledger_prefix); out_len NULL.
 * Threads: any. */
char* rgc_encode_key(const rgc_t* gc, int mode, uint32_t keyspace, const char* user_key,
                     size_t user_key_len, uint64_t ts, size_t* out_len, char** errptr);

/* rgc_decode_key: takes a stored key apart. The host must set out->struct_size.
 * Returns: 1 for done.
 * Errors: Corruption: bytes that are not a stored key of this layout; the text says at which
 *   place. */
unsigned char rgc_decode_key(const rgc_t* gc, const char* key, size_t len, rgc_key_t* out,
                             char** errptr);

/* rgc_encode_range: builds the stored range of all versions of the user keys in [start, end). end
 * NULL or empty means up to the end of the keyspace. The bounds carry no timestamp. In the plain
 * layout they may have any length.
 * Errors: those of rgc_encode_key, except for lengths; start above end. */
void rgc_encode_range(const rgc_t* gc, int mode, uint32_t keyspace, const char* start,
                      size_t start_len, const char* end, size_t end_len, rgc_range_t* out,
                      char** errptr);

/* rgc_keyspace_range: builds the stored range of a whole keyspace; for modes m and t, of the whole
 * mode; in the plain layout, of all data.
 * Errors: those of rgc_encode_range. */
void rgc_keyspace_range(const rgc_t* gc, int mode, uint32_t keyspace, rgc_range_t* out,
                        char** errptr);

/* ---------------------------------------------------------------- codec
 *
 * Translates keys between a client of one keyspace and the store, as client-go's codec v2 does. It
 * needs no context. Any thread may call these functions.
 *
 *     user key      what the keyspace's own client knows: any bytes       6b6579             "key"
 *     request key   prefix + user key: in requests to the store           72001092 6b6579
 *                   and in its answers (here mode r, keyspace 4242)
 *     region key    memcomparable(request key), as above: bounds of       720010926b657900 fe
 *                   regions
 *
 * The prefix is the mode byte and 3 bytes of keyspace, big-endian. Read as a number of 4 bytes, the
 * prefix plus one is the end of the keyspace: 72001092 ends at 72001093, and the last keyspace of a
 * mode, 72ffffff, ends at 73000000. Region keys have no data prefix (TiKV's z) and no timestamp.
 *
 * mode must be RGC_MODE_RAW or RGC_MODE_TXN, and keyspace 0 to RGC_KEYSPACE_MAX. In every function
 * that has these parameters anything else is an error. Input of the decoding functions may be
 * empty: an absent key, or no bound. An empty key decodes to an empty key. Errors of kind
 * Corruption say that bytes are not a region key. All other errors are of kind Invalid argument,
 * except missing memory (Aborted). Returned keys are for rgc_free. They are never NULL, also when
 * they are empty. */

/* rgc_codec_parse_keyspace: reads the mode and the keyspace of a request key. mode and keyspace may
 * each be NULL, which means not wanted.
 * Returns: 1 for done.
 * Errors: a key that is shorter than 4 bytes, or whose first byte is not r or x. Then nothing is
 *   written. */
unsigned char rgc_codec_parse_keyspace(const char* request_key, size_t len, int* mode,
                                       uint32_t* keyspace, char** errptr);

/* rgc_codec_encode_key: builds the request key of a user key.
 * Errors: out_len NULL. */
char* rgc_codec_encode_key(int mode, uint32_t keyspace, const char* key, size_t len,
                           size_t* out_len, char** errptr);

/* rgc_codec_decode_key: returns the user key of a request key.
 * Errors: out_len NULL; a key of another keyspace or mode, or one that is shorter than the prefix.
 *   The text names the key and says "lies outside keyspace". */
char* rgc_codec_decode_key(int mode, uint32_t keyspace, const char* key, size_t len,
                           size_t* out_len, char** errptr);

/* rgc_codec_encode_range: builds the range of request keys of the user keys in [start, end). end
 * NULL or empty means up to the end of the keyspace, so out->end is never NULL. The host must set
 * out->struct_size.
 * Returns: 1 for done.
 * Errors: start above end. */
unsigned char rgc_codec_encode_range(int mode, uint32_t keyspace, const char* start,
                                     size_t start_len, const char* end, size_t end_len,
                                     rgc_range_t* out, char** errptr);

/* rgc_codec_decode_range: returns the range of user keys whose request keys lie in [start, end).
 * end NULL or empty means no bound. The call cuts off what lies beyond the keyspace: a start before
 * it becomes empty, an end after it becomes NULL. Both together mean the whole keyspace. The host
 * must set out->struct_size.
 * Returns: 1 for done.
 * Errors: start above end; a range that lies before or after the keyspace, whose text says "lies
 *   outside keyspace". A client that is told the current regions (EpochNotMatch) ignores regions
 *   with that error, and gives up at any other error. */
unsigned char rgc_codec_decode_range(int mode, uint32_t keyspace, const char* start,
                                     size_t start_len, const char* end, size_t end_len,
                                     rgc_range_t* out, char** errptr);

/* rgc_codec_encode_region_key: builds the region key of a user key, by which its region is looked
 * up.
 * Errors: out_len NULL. */
char* rgc_codec_encode_region_key(int mode, uint32_t keyspace, const char* key, size_t len,
                                  size_t* out_len, char** errptr);

/* rgc_codec_decode_region_key: returns the user key of a region key.
 * Errors: those of rgc_codec_decode_key; Corruption: bytes that are not one whole encoding, or
 *   bytes after it. */
char* rgc_codec_decode_region_key(int mode, uint32_t keyspace, const char* key, size_t len,
                                  size_t* out_len, char** errptr);

/* rgc_codec_encode_region_range: does the same as rgc_codec_encode_range, with region keys as
 * bounds. */
unsigned char rgc_codec_encode_region_range(int mode, uint32_t keyspace, const char* start,
                                            size_t start_len, const char* end, size_t end_len,
                                            rgc_range_t* out, char** errptr);

/* rgc_codec_decode_region_range: does the same as rgc_codec_decode_range, for a region given by its
 * bounds.
 * Errors: those of rgc_codec_decode_range; Corruption: a bound that is neither empty nor a region
 *   key. The text names the region by both bounds, and the malformed bound. */
unsigned char rgc_codec_decode_region_range(int mode, uint32_t keyspace, const char* start,
                                            size_t start_len, const char* end, size_t end_len,
                                            rgc_range_t* out, char** errptr);

/* rgc_codec_encode_keys: does rgc_codec_encode_key for n keys in one call, which is faster than n
 * calls. Key i has lens[i] bytes. The caller provides offsets with n + 1 elements. It must not
 * overlap the other arrays.
 * Returns: all request keys one after the other, for one rgc_free. Key i is the bytes from
 *   offsets[i] up to offsets[i + 1]. n 0 gives no bytes and offsets[0] 0. It converts all keys or
 *   none.
 * Errors: offsets NULL; keys or lens NULL with n > 0; a key that is NULL with a length other than
 *   0. */
char* rgc_codec_encode_keys(int mode, uint32_t keyspace, const char* const* keys,
                            const size_t* lens, size_t n, size_t* offsets, char** errptr);

/* rgc_codec_decode_keys: does rgc_codec_decode_key for n keys in one call. Arrays and result are
 * those of rgc_codec_encode_keys. It converts all keys or none.
 * Errors: those of both functions. The text names the key by its index. */
char* rgc_codec_decode_keys(int mode, uint32_t keyspace, const char* const* keys,
                            const size_t* lens, size_t n, size_t* offsets, char** errptr);

/* rgc_codec_decode_bucket_keys: translates the bounds of a region's buckets, region keys in order,
 * into bounds of user keys. An empty first key means no lower bound. An empty last key means no
 * upper bound. All bounds before the keyspace become one empty first key: the beginning of the
 * keyspace. All bounds at or after the end of the keyspace become one empty last key: its end.
 * Bounds within the keyspace lose their prefix. So two empty keys mean one bucket, the whole
 * keyspace. A region outside the keyspace gives a single key. Arrays and result are those of
 * rgc_codec_encode_keys, with one difference: *n_out tells how many keys there are, at most n, and
 * offsets is written up to offsets[*n_out]. It converts all keys or none.
 * Errors: those of rgc_codec_encode_keys; n_out NULL; a key below the previous key; an empty key
 *   between others; Corruption: a key that is not a region key. The text names the key by its
 *   index, and the region by its bounds, the first and the last key. */
char* rgc_codec_decode_bucket_keys(int mode, uint32_t keyspace, const char* const* keys,
                                   const size_t* lens, size_t n, size_t* offsets, size_t* n_out,
                                   char** errptr);

/* ---------------------------------------------------------------- PD's keys and values
 *
 * What a placement driver (PD) keeps in etcd, for hosts that read it themselves. These functions
 * need no context and reach no network. Any thread may call them.
 *
 *     key                                                       what                   value
 *     /pd/{cluster}/leader                                      LEADER
 *     /pd/{cluster}/keyspaces/meta/{id, 8 digits}               KEYSPACE_META          protobuf
 *     /pd/{cluster}/keyspaces/id/{name}                         KEYSPACE_NAME          decimal
 *     /pd/{cluster}/keyspaces/alloc_id                          KEYSPACE_ALLOCATOR     8 bytes
 *     /pd/{cluster}/gc/safe_point                               GC_SAFE_POINT          hex
 *     /pd/{cluster}/keyspaces/gc_safe_point/{8 digits}          GC_SAFE_POINT          JSON
 *     /tidb/store/gcworker/saved_safe_point                     TXN_SAFE_POINT         decimal
 *     /keyspaces/tidb/{id}/tidb/store/gcworker/...              TXN_SAFE_POINT         decimal
 *     /pd/{cluster}/gc/safe_point/service/{name}                BARRIER                JSON
 *     /pd/{cluster}/keyspaces/service_safe_point/{8}/{name}     BARRIER                JSON
 *     /pd/{cluster}/gc/global_gc_barriers/{name}                BARRIER                JSON
 *     /pd/{cluster}/gc/gc_state_revision                        STATE_REVISION         decimal
 *     /tidb/server/minstartts/{instance}                        MIN_START              decimal
 *     /keyspaces/tidb/{id}/tidb/server/minstartts/{instance}    MIN_START              decimal
 *
 * The path of a key says whose the value is. A keyspace id inside a value is not believed. A key
 * that is absent means 0. */

/* What a key holds. */
enum {
  RGC_PD_LEADER = 1,             /* the PD that leads; while it exists, only PD writes these keys */
  RGC_PD_KEYSPACE_META = 2,      /* for rgc_keyspace_load_protobuf */
  RGC_PD_KEYSPACE_NAME = 3,      /* the id of the keyspace with this name */
  RGC_PD_KEYSPACE_ALLOCATOR = 4, /* the end of the last window of ids */
  RGC_PD_GC_SAFE_POINT = 5,      /* the safe point of filters */
  RGC_PD_TXN_SAFE_POINT = 6,     /* no reader begins below it */
  RGC_PD_BARRIER = 7,            /* a barrier, or service safe point (rgc_barrier_set) */
  RGC_PD_STATE_REVISION = 8,     /* counted up by each transaction that writes a GC state */
  RGC_PD_MIN_START = 9           /* the least start timestamp of a TiDB instance; 0 means none */
};

/* A key taken apart. The caller owns name and must give it to rgc_free. */
typedef struct rgc_pd_key_t {
  size_t struct_size;
  int what; /* RGC_PD_... */
  /* whose: an id; RGC_KEYSPACE_NONE for the null keyspace, and for keys that belong to none;
   * RGC_KEYSPACE_ALL for a barrier of all */
  uint32_t keyspace;
  char* name; /* of a keyspace, barrier or instance; NULL for other keys */
} rgc_pd_key_t;

/* A value. */
typedef struct rgc_pd_value_t {
  size_t struct_size;
  uint64_t number; /* a timestamp, an id, a revision */
  /* a barrier's last second, so the ttl for rgc_barrier_set is this - now + 1; UINT64_MAX means
   * without end, also if PD's number is 0 or below; 0 for other values */
  uint64_t expires_unix_seconds;
} rgc_pd_value_t;

/* rgc_pd_parse_key: tells what a key of etcd is. cluster is PD's cluster id, which is part of the
 * keys. The host must set out->struct_size. A watch by the prefix /pd/{cluster}/gc/safe_point
 * brings barriers too, so the host must take each key apart.
 * Returns: 1 for a key of the list above. 0 for another key, also of another cluster, which is no
 *   error, and after an error; then *out is not written.
 * Errors: out NULL, or its struct_size; Corruption: a key of the list with a bad part, by its text:
 *   an id that is not written as in the list, or above RGC_KEYSPACE_MAX; a name that is empty or
 *   holds a NUL. */
unsigned char rgc_pd_parse_key(uint64_t cluster, const char* key, size_t len, rgc_pd_key_t* out,
                               char** errptr);

/* rgc_pd_parse_value: reads the value under a key. what and keyspace are those of the key. Numbers
 * are exact to 64 bits, also in JSON. In JSON, unknown fields are skipped. The host must set
 * out->struct_size.
 * Returns: 1 for done. 0 after an error; then *out is not written.
 * Errors: out NULL, or its struct_size; RGC_PD_LEADER, RGC_PD_KEYSPACE_META or an unlisted number
 *   as what: their values hold no number; Corruption: a value that does not parse, by its text. */
unsigned char rgc_pd_parse_value(int what, uint32_t keyspace, const char* value, size_t len,
                                 rgc_pd_value_t* out, char** errptr);

/* ---------------------------------------------------------------- counters */

/* Counters since rgc_create, running filters included. They count what filters did: if two filters
 * meet the same version, it counts twice. (Before RocksDB 8.4 a manual compaction may compact the
 * last level twice.) */
typedef struct rgc_stats_t {
  size_t struct_size;
  /* runs_started: filters created; filters_not_needed: compactions that needed no filter (the
   * reasons are at the end); runs_closed: filters that kept everything from some key on, because of
   * a panic, another thread, or keys out of order */
  uint64_t runs_started, filters_not_needed, runs_closed;
  uint64_t kept, removed, skipped; /* decisions */
  /* dropped: removed keys of destroyed ranges, destroyed keyspaces and dropped schemas;
   * late_dropped: those of them that were removed after the destroy or drop was done */
  uint64_t dropped, late_dropped;
  /* expired: newest versions below the safe point that filters found expired (TTL v1: expired
   * values that they removed); delete_marked: newest versions below the safe point that are delete
   * marks, and rows of transactions whose first record is a delete */
  uint64_t expired, delete_marked;
  /* keys and values that were kept because they do not parse. unparsed_values also counts
   * transaction records with a field of a later version; the library reads them up to that
   * field. */
  uint64_t unparsed_keys, unparsed_values;
  /* versions kept because their keyspace was never registered, while something is collected */
  uint64_t kept_unknown_keyspace;
  /* versions kept because the host never told their schema, in keyspaces with a list or an id of
   * schemas */
  uint64_t kept_unknown_schema;
  /* refused safe points: a step back, 0, UINT64_MAX, too far ahead, or of a paused keyspace */
  uint64_t safe_points_refused;
  /* registrations with the other type, and registrations after the global safe point may have
   * judged the keyspace */
  uint64_t gc_types_refused;
  /* rows_queued: rows handed to the worker; rows_done: rows that the worker finished */
  uint64_t rows_queued, rows_done;
  /* rows_deferred: rows left for a later compaction, counted each time that a filter meets one
   * (queue full, no store); rows_left_unparsed: rows that the worker left because they do not
   * parse */
  uint64_t rows_deferred, rows_left_unparsed;
  /* pending: number of rows given to the worker and not finished, plus unfinished drops and
   * truncations of schemas (rgc_worker_pending); destroyed_records: number of destroyed ranges with
   * a record in the attached store's ledger */
  uint64_t pending, destroyed_records;
  uint64_t cache_bytes; /* bytes of memory that the safe points occupy */
  /* why filters were not needed: see rgc_filter_create */
  uint64_t not_needed_no_safe_point, not_needed_nothing_dropped, not_needed_too_new;
  uint64_t not_needed_little_garbage, not_needed_nothing_expired;
  /* Versions kept: their keyspace is keyspace level and has no safe point of its own, while a
   * global one is set; the filters of their column family judge keys of other modes; collecting is
   * switched off. The log names the first of each. */
  uint64_t kept_no_own_safe_point, kept_other_kind, kept_disabled;
  /* safe points of keyspaces that are not registered as keyspace level, each counted once */
  uint64_t own_safe_points_unused;
} rgc_stats_t;

/* rgc_stats: fills out with the counters. The host must set out->struct_size. For gc NULL it writes
 * zeros. Counters of running filters may differ from each other by the key that is being judged.
 * Threads: any. */
void rgc_stats(const rgc_t* gc, rgc_stats_t* out);

/* rgc_metrics: returns the counters of rgc_stats_t, the global safe point, the number of barriers
 * (rocks_gc_barriers) and of safe points that they hold back (rocks_gc_safe_points_held) as
 * OpenMetrics text for a scrape endpoint. Each name is rocks_gc_ and the name in rgc_stats_t; a
 * counter also has the suffix _total.
 *
 * With the label keyspace it has what filters did (rocks_gc_keyspace_kept_total, _removed_total,
 * _dropped_total, _filters_not_needed_total), the garbage in the files
 * (rocks_gc_keyspace_garbage_bytes) and the age of the effective safe point
 * (rocks_gc_keyspace_safe_point_age_seconds, for timestamps of PD; it is left out inside a
 * callback). It names the keyspaces with the
 * most garbage (option metrics_keyspaces); keyspace="others" is the sum of all others. The garbage
 * comes from the properties of the files. The worker looks at them after a call of rgc_metrics, at
 * most once a minute, so the first calls do not show it. With the option metrics_tikv the text also
 * has the metrics that TiKV's dashboards read.
 * Returns: a text for rgc_free; NULL for gc NULL.
 * Threads: any. */
char* rgc_metrics(const rgc_t* gc);

/* ---------------------------------------------------------------- loading at run time */

/* Every function of this header, X(name), for hosts that look functions up with dlsym. */
#define RGC_EVERY_FUNCTION(X)         \
  X(rgc_abi_version)                  \
  X(rgc_version)                      \
  X(rgc_error_kind)                   \
  X(rgc_free)                         \
  X(rgc_set_logger)                   \
  X(rgc_options_create)               \
  X(rgc_options_set)                  \
  X(rgc_options_parse)                \
  X(rgc_options_describe)             \
  X(rgc_options_destroy)              \
  X(rgc_create)                       \
  X(rgc_destroy)                      \
  X(rgc_set_clock)                    \
  X(rgc_set_enabled)                  \
  X(rgc_advance_global_safe_point)    \
  X(rgc_advance_keyspace_safe_point)  \
  X(rgc_advance_keyspace_safe_points) \
  X(rgc_set_keyspace_gc_type)         \
  X(rgc_set_keyspace_gc_types)        \
  X(rgc_pause_keyspace)               \
  X(rgc_global_safe_point)            \
  X(rgc_keyspace_safe_point)          \
  X(rgc_safe_point_for_key)           \
  X(rgc_barrier_set)                  \
  X(rgc_barrier_delete)               \
  X(rgc_barriers_foreach)             \
  X(rgc_filter_create)                \
  X(rgc_filter_decide)                \
  X(rgc_filter_decide_by_key)         \
  X(rgc_filter_set_bottommost)        \
  X(rgc_filter_set_inputs)            \
  X(rgc_filter_destroy)               \
  X(rgc_collector_create)             \
  X(rgc_collector_add)                \
  X(rgc_collector_finish)             \
  X(rgc_collector_destroy)            \
  X(rgc_bind_rocksdb_symbols)         \
  X(rgc_bind_rocksdb_library)         \
  X(rgc_rocksdb_filter_factory)       \
  X(rgc_factory_state)                \
  X(rgc_factory_destructor)           \
  X(rgc_factory_create_filter)        \
  X(rgc_factory_name)                 \
  X(rgc_filter_callback)              \
  X(rgc_filter_destructor)            \
  X(rgc_filter_name)                  \
  X(rgc_rocksdb_event_listener)       \
  X(rgc_rocksdb_wal_filter)           \
  X(rgc_wal_should_skip)              \
  X(rgc_wal_filter_batch)             \
  X(rgc_attach_rocksdb)               \
  X(rgc_attach_engine)                \
  X(rgc_detach)                       \
  X(rgc_reload_ledger)                \
  X(rgc_worker_pending)               \
  X(rgc_worker_drain)                 \
  X(rgc_debt)                         \
  X(rgc_collect)                      \
  X(rgc_collect_dry_run)              \
  X(rgc_oldest_lock)                  \
  X(rgc_explain)                      \
  X(rgc_explain_keyspace)             \
  X(rgc_consistency_safe_point)       \
  X(rgc_destroy_range)                \
  X(rgc_destroy_ranges)               \
  X(rgc_destroy_keyspace)             \
  X(rgc_destroy_keyspaces)            \
  X(rgc_destroy_range_after)          \
  X(rgc_destroy_keyspace_after)       \
  X(rgc_take_back_destroy_range)      \
  X(rgc_take_back_destroy_keyspace)   \
  X(rgc_recheck_destroyed)            \
  X(rgc_recheck_destroyed_range)      \
  X(rgc_release_destroyed)            \
  X(rgc_destroyed_count)              \
  X(rgc_schemas_load)                 \
  X(rgc_schema_create)                \
  X(rgc_schema_drop)                  \
  X(rgc_schema_truncate)              \
  X(rgc_schema_state)                 \
  X(rgc_keyspace_load)                \
  X(rgc_keyspace_load_protobuf)       \
  X(rgc_keyspace_by_name)             \
  X(rgc_keyspace_etcd_namespace)      \
  X(rgc_keyspaces_foreach)            \
  X(rgc_destroyed_foreach)            \
  X(rgc_schemas_foreach)              \
  X(rgc_encode_key)                   \
  X(rgc_decode_key)                   \
  X(rgc_encode_range)                 \
  X(rgc_keyspace_range)               \
  X(rgc_codec_parse_keyspace)         \
  X(rgc_codec_encode_key)             \
  X(rgc_codec_decode_key)             \
  X(rgc_codec_encode_range)           \
  X(rgc_codec_decode_range)           \
  X(rgc_codec_encode_region_key)      \
  X(rgc_codec_decode_region_key)      \
  X(rgc_codec_encode_region_range)    \
  X(rgc_codec_decode_region_range)    \
  X(rgc_codec_encode_keys)            \
  X(rgc_codec_decode_keys)            \
  X(rgc_codec_decode_bucket_keys)     \
  X(rgc_pd_parse_key)                 \
  X(rgc_pd_parse_value)               \
  X(rgc_stats)                        \
  X(rgc_metrics)

#ifdef __cplusplus
}
#endif
#endif
