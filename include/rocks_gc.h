/* rocks_gc.h - garbage collection for RocksDB hosts, loaded at run time.
 *
 * librocks_gc.so decides, inside RocksDB's compactions, which old versions may go. It is told a safe point per keyspace
 * (tenant) and links no RocksDB itself: the functions it needs come from the RocksDB that the host already has. This
 * header needs no RocksDB header and goes together with rocksdb/c.h in any order, in C99, C11 and C++.
 *
 * CONVENTIONS, once for all functions
 *
 *  1. Handles (rgc_*_t) are opaque. X_create gives one, X_destroy takes it back; destroying NULL does nothing.
 *  2. Bytes are a pointer and a length, need no terminating NUL and are read during the call only. NULL goes with length
 *     0; NULL with another length is an error.
 *  3. errptr, where there is one, comes last and may be NULL. Otherwise it is written exactly once by every call,
 *     whatever it held: NULL on success, else a malloc'ed text for rgc_free, "Kind: what, with the value, and what to
 *     do". Kinds are RocksDB's words: Invalid argument, Not found, Not supported, Busy, Corruption, IO error, Aborted.
 *     With errptr NULL, or without memory for the text, it goes to the log. A failed call returns 0 or NULL and has
 *     changed nothing, except what its text says is kept from then on.
 *  4. What the library hands out by pointer (char*) is malloc'ed and the caller's: give it to rgc_free.
 *  5. Public structs begin with size_t struct_size, which the caller sets to sizeof of the struct it was compiled with.
 *     They grow at the end only. Given to the library: missing fields count as zero, a size below that of version 1 is
 *     an error. Filled by the library: it writes the smaller of the two sizes and sets struct_size to what it wrote; a
 *     struct that receives malloc'ed pointers must have at least its size of version 1. Structs marked "fixed for ever"
 *     carry no size.
 *  6. Enumerations cross as int. A number that is not listed is an error that names it.
 *  7. A NULL handle, a wrong length, a number out of range is a clear error or, where a function has no errptr, a no-op
 *     that returns 0, NULL or RGC_KEEP. It is never a crash. Arrays are taken all or nothing: one bad element changes
 *     nothing and is named by its index and its value.
 *  8. No panic and no exception leaves the library. When in doubt it keeps: bytes that are not what they should be are kept,
 *     wherever they are shown to it (H7 says where they are not).
 *  9. The library may be loaded by dlopen. It is linked -z nodelete: dlclose does not unload it.
 * 10. A function that can refuse says so. Where it has no errptr it returns 1 = done, or 0 = refused: then nothing has
 *     changed, and the reason is in the log. Such functions are marked RGC_MUST_CHECK: a compiler warns where a host drops
 *     the answer. After a refused rgc_detach or rgc_destroy the store is still attached, and the host must not close the DB.
 *
 * TIMESTAMPS are unsigned 64-bit numbers that only need an order. A SAFE POINT is the timestamp below which no reader
 * will read any more; 0 = unknown = collect nothing. A KEYSPACE is a tenant, named by a number from 0 to
 * RGC_KEYSPACE_MAX. The EFFECTIVE SAFE POINT of a key is
 *   - of a key of a keyspace that was named keyspace level: the keyspace's own safe point (0 until one came),
 *   - of a key of a keyspace that was named global: the global safe point,
 *   - of a key of a keyspace of which everything is kept (removed, both types named, an unknown type
 *     loaded): 0,
 *   - of a key of a keyspace that was never named: 0 (with unknown_keyspace=global: the global one),
 *   - of TiDB keys (mode m and t), and of every key in the plain layout: the global safe point.
 *
 * WHAT IS COLLECTED. Kind RGC_KIND_RAW (RawKV rows, a version a RocksDB key): a version below its effective safe point
 * that is not the newest of its row. Within one run (one compaction) the first version of a row that the run sees is
 * always kept. A newest version that is a delete mark or has expired goes last: to remove it takes a look at the whole
 * database, which a run cannot have, so its row is handed to the worker of the attached store. Kind RGC_KIND_TXN (records of
 * transactions, commit_ts at or below the safe point): rollbacks and locks; and what is older than the row's first put or
 * delete, but for puts whose value lies in the default column family: those, and a first delete, are the worker's, too. A put
 * whose GC fence is at or below the safe point counts as a delete. Kind RGC_KIND_TTL_V1 (API V1 with TTL): what has
 * expired. Every kind: what is destroyed, and what is of a schema that is dropped. Without a store what is the worker's stays,
 * counted in rows_deferred.
 *
 * WHAT THE HOST PROMISES. A host that breaks a promise loses data, as each one says.
 *  H1 No reader reads below the effective safe point. The host does not write, ingest or restore a version below it:
 *     the version would be collected, or a newer one would. For transactions both hold at the safe point, too: no
 *     commit at or below it. And no lock stands there: the host resolves the locks of transactions that began at or
 *     below a safe point before it publishes that safe point. Else a transaction may be collected half: the primary's
 *     record goes, and a reader that meets the secondary's lock takes the transaction for rolled back.
 *     What a crash lost counts, too: a host that writes lost versions again, with the timestamps that they had (from a
 *     log of its own), holds its safe points below them until they are durable. So it does with a lock that comes back.
 *     A restore that must: (1) rgc_pause_keyspace or rgc_set_enabled(gc, 0); (2) restore; (3) flush and compact the
 *     range by force into the last level, with no RocksDB snapshot held; (4) rgc_set_keyspace_gc_type, or enable. Loads
 *     of metadata do not end the pause. Without step 3 versions hidden by tombstones count as the newest.
 *  H2 Nobody else deletes a newest version so that an older one should be seen: the older one may be gone already. A
 *     tool that must goes the way of H1. Whole rows, and versions that are not the newest, may be deleted freely; in a
 *     row that was deleted as a whole only newer versions may follow.
 *  H3 A destroyed range is never written again: runs drop what comes there. With RGC_DESTROY_REUSABLE, or once it is forgotten, it may
 *     be, with timestamps above the destroyed ones, or after step (3) of H1: what is older is taken for garbage. The id of a dropped
 *     schema is never written again, in its keyspace; and once rgc_schema_truncate was called nobody writes a version of that
 *     schema at or below its timestamp: it may go, or take the place of a newer one of its row.
 *  H4 The column family has the bytewise comparator, no user-defined timestamps, no SingleDelete on these keys (RocksDB
 *     reports corruption where one meets a removed version), and no filter object shared between compactions (the
 *     library notices by the thread and the order of the keys, and keeps everything).
 *  H5 WAL recovery keeps a prefix (not kSkipAnyCorruptedRecords): the worker deletes oldest versions first, and where a later
 *     write comes back without an earlier one a dead row is alive again. A host that writes several families without a WAL
 *     (atomic_flush) attaches all of them, to one rgc_t, by the C++ adaptor, which flushes them together: else a crash may
 *     bring back one of them without the other.
 *  H6 Compaction filters ignore snapshots: a RocksDB snapshot held across a collection may miss what was collected.
 *  H7 Keys of judged rows hold plain values, and no other keys lie between the versions of a row. Merge operands, wide
 *     columns and keys that are not of the layout are kept by a run that is shown them. A skip is not: one to the row's end takes
 *     whatever stands between the versions it takes, one to the next version what extends the key it takes; so does a range
 *     tombstone over a row; and the worker deletes merge operands and wide columns with the versions that they stand for. A host
 *     that has such keys sets remove_mode=remove and delete_range_min_keys=0. (RocksDB's C API never skips.)
 *  H8 One rgc_t serves one DB. A destroyed range or a dropped schema is so in the families that were attached when the
 *     call was made, and runs drop nothing in other families. RocksDB's C API does not tell a run its family: there the
 *     library takes a run to be in an attached family whose role goes with the run's kind. So a C host gives no family
 *     that it does not attach a filter of this rgc_t. Runs of a second DB would drop what the first one destroyed. The
 *     C++ adaptor refuses to open a DB with an rgc_t that has an attached store; RocksDB's C API cannot.
 *  H9 Only the primary is attached. Attaching writes: into the ledger, and what the worker deletes. A follower that
 *     replicates the primary's WAL gets the deletes from there; it runs filters at most. Of a TransactionDB the write
 *     policy is WRITE_COMMITTED: with the others the base DB shows what is prepared and not committed. The C++ adaptor
 *     refuses them; RocksDB's C API cannot.
 * H10 A bound of a destroyed range that carries a timestamp cuts a row in two. A version that the destroyed half shadowed
 *     may be gone already, as in H2. And after a crash in such a destroy runs know nothing of it until the store is
 *     attached: a run takes the destroyed half for the newest, and removes the half that is alive. So from open to attach
 *     the host keeps the safe point below the versions of the row, or calls rgc_set_enabled(gc, 0). Bounds without
 *     timestamps cut nothing.
 *
 * LIFE OF AN rgc_t
 *     rgc_options_create, rgc_options_set ...          what the keys look like
 *     rgc_create                                       one per DB
 *     rgc_set_logger, rgc_set_clock                    if wanted (errors go to standard error until then)
 *     rgc_bind_rocksdb_symbols                         or rgc_bind_rocksdb_library
 *     rgc_set_keyspace_gc_type ...                     before the first safe point, so that nothing is kept for nothing
 *     rgc_advance_..._safe_point ...                   now, and from then on whenever they move
 *     rgc_keyspace_load, rgc_schemas_load ...          if there are metadata and schemas
 *     rgc_rocksdb_wal_filter                           if recovery is to leave out what is of dropped schemas (11.8 and later)
 *     rgc_rocksdb_filter_factory                       one per options object, which takes it over
 *     rgc_rocksdb_event_listener                       if RocksDB's C API has listeners (10.4 and later)
 *     rocksdb_options_set_compaction_filter_factory, rocksdb_open
 *     rgc_attach_rocksdb                               so that the worker can finish what runs cannot
 *     ... work ...
 *     rgc_detach                                       before the DB closes
 *     rocksdb_close                                    before exit: RocksDB's own threads must have ended when its static data goes
 *     rocksdb_options_destroy                          destroys the factory
 *     rgc_destroy
 */
#ifndef ROCKS_GC_H
#define ROCKS_GC_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/* The version of this contract. Within one number functions and trailing struct fields are only added.
 * rgc_abi_version() tells the loaded library's. */
#define RGC_ABI_VERSION 1
/* The version of the library that this header came with. */
#define RGC_VERSION_STRING "0.1.0"

/* Marks functions whose answer the host must look at (convention 10). A host that wants no warnings defines it to nothing
 * before it includes this header. */
#ifndef RGC_MUST_CHECK
#if defined(__GNUC__) || defined(__clang__)
#define RGC_MUST_CHECK __attribute__((warn_unused_result))
#else
#define RGC_MUST_CHECK
#endif
#endif

/* Options under construction. One thread at a time. Lives until rgc_options_destroy; rgc_create only reads it. */
typedef struct rgc_options_t rgc_options_t;
/* The context: options, safe points, counters, the bound RocksDB. Shared by any number of threads. Factories and filters
 * hold a reference of their own, so rgc_destroy may come before theirs: they go on with the last safe points. */
typedef struct rgc_t rgc_t;
/* A run: the filter of one (sub)compaction. Belongs to one thread, from its first decision on. */
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

/* Levels of the log. A message's level is RGC_LOG_ERROR (something was refused or given up that the host must mend) to
 * RGC_LOG_DEBUG (a line or two a run). */
enum { RGC_LOG_OFF = 0, RGC_LOG_ERROR = 1, RGC_LOG_WARN = 2, RGC_LOG_INFO = 3, RGC_LOG_DEBUG = 4 };

/* A logger: message is one line of UTF-8 without a line end, valid during the call. Called from any thread, RocksDB's
 * compaction threads among them, from several at once, and under no lock of the library's. It must return soon and must
 * not unwind (throw, panic, longjmp). It may call readers and advances; what those would log is lost. It must not touch the
 * run that is deciding: no rgc_filter_ function on it. */
typedef void (*rgc_log_fn)(void* state, int level, const char* message);

/* A clock: unix time in seconds; 0 = unknown: nothing expires, and no bound on safe points can be met. The
 * log warns of that once. More than 100,000,000,000 cannot be seconds: the time is unknown, and the log says
 * once that the answer looks like milliseconds, microseconds or nanoseconds. rgc_set_clock says how far a
 * clock is believed.
 * Called once a run, from the thread that makes the run, once a row and once a second from the worker's, by
 * calls that destroy or collect, and, with max_safe_point_ahead_seconds, once per advance; possibly from
 * several threads at once; under no lock of the library's. It must not unwind. It may call readers. */
typedef uint64_t (*rgc_clock_fn)(void* state);

/* rgc_abi_version: the RGC_ABI_VERSION of the loaded library. A host that loads at run time compares it with its
 * header's before any other call. */
uint32_t rgc_abi_version(void);

/* rgc_version: the RGC_VERSION_STRING of the loaded library. Static; not to be freed. */
const char* rgc_version(void);

/* Kinds of errors, for rgc_error_kind. */
enum {
  RGC_ERROR_NONE = 0,
  RGC_ERROR_INVALID_ARGUMENT = 1, /* "Invalid argument": the call is wrong; repeating it changes nothing */
  RGC_ERROR_NOT_FOUND = 2,        /* "Not found" */
  RGC_ERROR_NOT_SUPPORTED = 3,    /* "Not supported": right in itself, but not with this store or these options */
  RGC_ERROR_BUSY = 4,             /* "Busy": not now; the host may try again */
  RGC_ERROR_CORRUPTION = 5,       /* "Corruption": bytes that do not parse */
  RGC_ERROR_IO = 6,               /* "IO error": the store failed */
  RGC_ERROR_ABORTED = 7,          /* "Aborted": the library gave up */
  RGC_ERROR_UNKNOWN = 8           /* a text that begins with no kind */
};

/* rgc_error_kind: the kind of an error text of this library: RGC_ERROR_...; so a host need not parse the text. NULL is
 * RGC_ERROR_NONE. Reads the text during the call, and does not free it. Any thread; does not block. */
int rgc_error_kind(const char* error_or_null);

/* rgc_free: gives back what the library handed out as char*: error texts, encoded keys, bounds, metrics. NULL does
 * nothing. Works from any thread. (It is free(); the name spares hosts with another malloc a crash.) */
void rgc_free(void* ptr);

/* rgc_set_logger: sets the logger of the whole process for messages up to max_level. Until the first call
 * errors go to standard error, one line each: "rocks_gc: error: " and the message. A standard error that is
 * closed, or has no reader, does no harm (a file descriptor 2 that is closed on exec is a file of the host:
 * nothing is written there). log NULL or max_level RGC_LOG_OFF = silence. Any thread. When it returns 1 the
 * last call of the logger before has ended, so that its state may be freed. Refused (0): on a thread inside a
 * callback of the library; a level that is not listed. Then the logger before is still called, and the host
 * must keep its state. */
RGC_MUST_CHECK unsigned char rgc_set_logger(rgc_log_fn log, void* state, int max_level);

/* ---------------------------------------------------------------- options */

/* rgc_options_create: options with every default. Never NULL. */
rgc_options_t* rgc_options_create(void);

/* rgc_options_set: sets one option. name and value are NUL-terminated texts. Errors: an unknown name, or a value that
 * the option does not take: both are named. What options mean together is checked by rgc_create.
 *
 *   key_layout                   api_v2 (default) | plain
 *                                api_v2: TiKV's API V2 keys; plain: user key + timestamp, all under the global safe point
 *   data_prefix                  empty (default); text, or hex when it begins with 0x and is even: what stands before
 *                                every stored key (TiKV: z)
 *   plain_keys                   none (default) | N | prefix_free
 *                                for plain: every user key has exactly N bytes (checked), or no user key is a prefix of
 *                                another (the host's promise). Without it plain is refused: rows of keys of which one is
 *                                a prefix of the other interleave
 *   history                      latest (default) | snapshot; plain has no default and is refused without it
 *                                latest: readers want the newest version only; snapshot: readers read at a timestamp at
 *                                or above the safe point (backup, CDC), so the first version below it stays too
 *   unknown_keyspace             keep (default) | global
 *                                keyspaces that were never named: keep everything, or use the global safe point. global
 *                                is for hosts without keyspace-level tenants, or that name each such tenant before the
 *                                first global safe point and before its first write; else a slow tenant loses data
 *   schema_id                    off (default) | prefix
 *                                prefix: the first 4 bytes of a user key, big-endian, are the id of its schema, where schemas are
 *                                given (rgc_schemas_load). In api_v2 of keys of mode r and x with at least 4 bytes; in plain of keys
 *                                with at least 4 + 8 bytes behind the data prefix (plain_keys=1 to 3 is refused)
 *   remove_mode                  auto (default) | remove | skip
 *                                for hosts that can skip (rgc_filter_decide): auto takes whatever costs less, by the time that it
 *                                sees removes and seeks take; remove leaves a tombstone for each version; skip leaves none
 *                                wherever that loses nothing, also where it costs more
 *   ttl_grace_seconds            0 (default): expired means expire_ts <= now - grace. now is the believed
 *                                time (rgc_set_clock), which may be up to an hour ahead: a host whose
 *                                clock is less than sure sets a grace
 *   max_safe_point_ahead_seconds 0 (default) = off: a safe point whose physical part (ts >> 18, milliseconds) is further
 *                                ahead of the believed time is refused
 *   worker_queue_max_rows             1000000 (default): how many rows may wait for the worker; more are left for later runs
 *   worker_queue_max_bytes            67108864 (default): how much memory rows that wait for the worker may take, of all runs and
 *                                in the queue; more are left for later runs
 *   delete_batch_bytes           32768 (default): the worker's batches
 *   delete_bytes_per_second      0 (default) = off: how fast the worker deletes
 *   delete_range_min_keys        10000 (default): from so many versions of a row, or keys of a destroyed range, on one range tombstone
 *                                takes the place of point tombstones; 0 = never
 *   recheck                      auto (default) | manual
 *                                destroyed ranges are looked at once more by the worker, or by rgc_recheck_destroyed only
 *   recheck_seconds              86400 (default): how long after they were done
 *   ledger_prefix                0x01726f636b735f67632f (default): keys with this prefix are the library's own records
 *                                and are always kept; never empty. Neither it nor a non-empty data_prefix may begin
 *                                with the other; with schema_id=prefix and no data_prefix it begins with neither r nor x */
void rgc_options_set(rgc_options_t* options, const char* name, const char* value, char** errptr);

/* rgc_options_parse: sets several options from "name=value;name=value". Spaces around names and values and empty
 * parts are skipped. All or nothing. */
void rgc_options_parse(rgc_options_t* options, const char* text, char** errptr);

/* rgc_options_describe: a text with one line per option: name, default, meaning. For rgc_free. */
char* rgc_options_describe(void);

/* rgc_options_destroy: gives the options back. Contexts made from them stay as they are. */
void rgc_options_destroy(rgc_options_t* options);

/* ---------------------------------------------------------------- context */

/* rgc_create: a context. options_or_null NULL = every default. Errors: options that do not go together. */
rgc_t* rgc_create(const rgc_options_t* options_or_null, char** errptr);

/* rgc_destroy: rgc_detach, and gives up the host's reference; gc must not be used afterwards. Factories and filters that still live go on
 * with the last safe points. A clock set by rgc_set_clock is not called any more when it returns; runs that begin
 * later know no time, so nothing expires in them. 1 for NULL. Refused (0): on a thread inside a callback of the library; while a
 * store is attached, on a thread that has a living filter of this gc. Then gc is as it was: the host must keep the DB open and
 * the clock's state in memory, and call again from another thread, or once the thread's filters are destroyed. */
RGC_MUST_CHECK unsigned char rgc_destroy(rgc_t* gc);

/* rgc_set_clock: sets the clock; NULL = the system's, the state at start. The library does not believe a clock
 * blindly:
 *   - It expects the system's time at rgc_create or rgc_set_clock, plus what a monotonic clock has measured
 *     since. A clock that is behind is followed down at once, and the expected time with it. A step back is a
 *     warning in the log.
 *   - A clock up to one hour ahead of the expected time is believed at once. One that is further ahead is
 *     believed when it has kept its lead, give or take an hour, for 10 minutes. Until then the expected time is
 *     used. The log warns when that begins, and when the clock is believed.
 * So a clock that leaps far ahead for a moment lets nothing expire, and no safe point pass. A clock that stands
 * still or is far in the past may be set for tests; to move it forward by more than an hour, call rgc_set_clock
 * again. Any thread. When it returns 1 the last call of the clock before has ended, so
 * that its state may be freed. Refused (0): on a thread inside a callback of the library; gc NULL. Then the clock
 * before is still called, and the host must keep its state. */
RGC_MUST_CHECK unsigned char rgc_set_clock(rgc_t* gc, rgc_clock_fn clock, void* state);

/* rgc_set_enabled: 0 = every run keeps everything, also the runs that are on, from their next row on; 1 (the state at
 * start) = collect again. The worker rests meanwhile; it returns when the rows that the worker has in hand are finished or put back: do
 * not call it under a lock that your clock, logger or engine takes. Any thread. Refused (0): on a thread inside a callback of the
 * library; while a store is attached, on a thread that has a living filter of this gc (the worker may wait for that compaction);
 * gc NULL. Then the library goes on as before: a host that restores data must not begin. */
RGC_MUST_CHECK unsigned char rgc_set_enabled(rgc_t* gc, unsigned char enabled);

/* ---------------------------------------------------------------- safe points
 * Any thread, at any time, runs on included. Readers never wait, whatever writers do. A run looks its safe points up once
 * per stretch of keys of one keyspace; a safe point that moves works from the next stretch on. */

/* What a keyspace's garbage is collected by: the global safe point, or its own. */
enum { RGC_GC_GLOBAL = 0, RGC_GC_KEYSPACE_LEVEL = 1 };
/* The highest keyspace id. */
#define RGC_KEYSPACE_MAX 16777215u
/* The keyspace of keys that belong to none: TiDB keys, and all in the plain layout. */
#define RGC_KEYSPACE_NONE UINT32_MAX

/* rgc_advance_global_safe_point: moves the global safe point forward to ts. 1 = moved, 0 = not newer, or refused. 0,
 * UINT64_MAX, a step back and a ts too far ahead (max_safe_point_ahead_seconds) are refused, counted in
 * safe_points_refused and logged. */
unsigned char rgc_advance_global_safe_point(rgc_t* gc, uint64_t ts);

/* rgc_advance_keyspace_safe_point: moves a keyspace's own safe point forward. 1 = moved, 0 = not newer, or refused. A
 * safe point that comes before the keyspace's type is stored, and used once the keyspace is named keyspace
 * level. The first one of a keyspace that was never named, or was named global, is a warning in the log:
 * nothing is collected by it. Counted in safe_points_refused: a step back, and any safe point of a keyspace of
 * which everything is kept (no error, no effect). Counted, and an error: 0, UINT64_MAX, a ts too far ahead. A
 * keyspace above RGC_KEYSPACE_MAX is an error. */
unsigned char rgc_advance_keyspace_safe_point(rgc_t* gc, uint32_t keyspace, uint64_t ts, char** errptr);

/* rgc_advance_keyspace_safe_points: the same for n pairs, in order; returns how many moved. What would be an error of one
 * of them changes nothing at all and names the pair by index and value. Linear in n, about 10 ns a pair; readers and
 * runs do not notice. */
size_t rgc_advance_keyspace_safe_points(rgc_t* gc, const uint32_t* keyspaces, const uint64_t* ts, size_t n, char** errptr);

/* rgc_set_keyspace_gc_type: names a keyspace's type. The first one stands for as long as the process lives: the same again
 * is a no-op, the other one an error that names both, counted in gc_types_refused. After
 * that error, here or in rgc_keyspace_load, the right type is unknown: everything of the keyspace is
 * kept, also by runs that are on, from their next row. Only rgc_set_keyspace_gc_type with the type that stands
 * ends that; as after rgc_pause_keyspace, an own safe point then starts at 0. For the other type make another
 * rgc_t. A keyspace that becomes keyspace level
 * after unknown_keyspace=global may have judged it (a global safe point was there) is taken, warned about, and counted
 * there too. A keyspace that is destroyed (rgc_destroy_keyspace; its record stands) cannot be named, also one that had a type: an
 * error. */
void rgc_set_keyspace_gc_type(rgc_t* gc, uint32_t keyspace, int type, char** errptr);

/* rgc_set_keyspace_gc_types: the same type for n keyspaces, all or nothing. If the other type stands
 * for some of them, everything of each of those is kept; the text names the first one, and how many there are. */
void rgc_set_keyspace_gc_types(rgc_t* gc, const uint32_t* keyspaces, size_t n, int type, char** errptr);

/* rgc_pause_keyspace: keep everything of this keyspace until rgc_set_keyspace_gc_type(s) names it again, with
 * the same type only (one that had none may take any). No load of metadata ends it. Runs that are on follow
 * from their next row. Named again, an own safe point starts at 0; the
 * global one holds at once. Removing a removed keyspace is a no-op. It returns when the rows that the worker has in hand are
 * finished or put back, as rgc_set_enabled does. What is destroyed is dropped all the same. Errors: a keyspace out of range; on a
 * thread inside a callback of the library; while a store is attached, on a thread that has a living filter of this gc. */
void rgc_pause_keyspace(rgc_t* gc, uint32_t keyspace, char** errptr);

/* rgc_global_safe_point: 0 = none came yet. */
uint64_t rgc_global_safe_point(const rgc_t* gc);

/* rgc_keyspace_safe_point: the effective safe point of a keyspace; 0 = nothing is collected, or keyspace out of range. */
uint64_t rgc_keyspace_safe_point(const rgc_t* gc, uint32_t keyspace);

/* rgc_safe_point_for_key: the effective safe point of a stored key (with its timestamp); 0 if it is never collected, a
 * key that is not of the layout among them. A few nanoseconds, whatever the number of keyspaces. */
uint64_t rgc_safe_point_for_key(const rgc_t* gc, const char* key, size_t len);

/* ---------------------------------------------------------------- a run
 * For hosts that call the decision themselves. Hosts on rocksdb/c.h need none of it: see the next section.
 * Keys must come in RocksDB's order. A key below the one before closes the run: everything from there on is kept. The
 * same key again is legal and judged as the first time. A value that does not parse closes its row only. A key that is not
 * of the layout is kept and ends the row before it: what follows begins a row, and its first version is kept. 
 * The first such key of an rgc_t is a warning in the log that names data_prefix: it may be another one than the
 * host's. */

/* Kinds of runs, one per column family. No role (RGC_CF_) has the number of a kind: a number below 16 is refused.
 * RGC_KIND_DROPPED_ONLY: only what is dropped as a whole: destroyed ranges, dropped schemas. For column families whose keys are judged by nobody (locks).
 * RGC_KIND_RAW: the column family of RawKV data. In api_v2 keys of mode r are judged, all others are kept.
 * RGC_KIND_TXN: the column family of transaction records (TiKV's write). In api_v2 keys of mode x, m and t are judged. In the
 * plain layout one context serves RGC_KIND_RAW or RGC_KIND_TXN, not both: its keys do not tell them apart.
 * RGC_KIND_TTL_V1: keys without timestamp, values with 8 bytes of expiry (API V1 TTL). */
enum { RGC_KIND_DROPPED_ONLY = 16, RGC_KIND_RAW = 17, RGC_KIND_TXN = 18, RGC_KIND_TTL_V1 = 19 };
/* Decisions; not RocksDB's numbers. A caller may treat RGC_REMOVE_AND_SKIP_UNTIL as RGC_REMOVE. */
enum { RGC_KEEP = 0, RGC_REMOVE = 1, RGC_REMOVE_AND_SKIP_UNTIL = 2, RGC_UNDETERMINED = 3 };
/* What RocksDB shows under a key. Only values are judged; merge operands, wide columns and numbers that are not listed are
 * kept. RGC_BLOB_INDEX: the value lies in a blob file and is not at hand; judged by the key alone. */
enum { RGC_VALUE = 0, RGC_MERGE_OPERAND = 1, RGC_BLOB_INDEX = 2, RGC_WIDE_COLUMNS = 3 };

/* A property of a table file. Fixed for ever. */
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
  uint64_t num_deletions;       /* point tombstones of any kind */
  uint64_t num_range_deletions;
  const rgc_property_t* user_collected; /* checked, not read yet */
  size_t num_user_collected;
} rgc_table_properties_t;

/* What is known of the compaction. */
typedef struct rgc_compaction_t {
  size_t struct_size;
  int is_full;                /* 1 yes, 0 no, -1 unknown */
  int is_manual;              /* same */
  int is_bottommost;          /* same: does it write the last level, so that nothing older lies below its range? */
  int start_level;            /* -1 unknown */
  int output_level;           /* -1 unknown */
  uint32_t column_family_id;
  /* Every input file; or none, then they are unknown. From one to the next are inputs[0].struct_size bytes. */
  const rgc_table_properties_t* inputs;
  size_t num_inputs;
} rgc_compaction_t;

/* rgc_filter_create: a run. compaction_or_null NULL = nothing is known. NULL without an error = there is nothing to do, use
 * no filter; counted in filters_not_needed: nothing is destroyed, no schema is invalid, and no effective safe point is above 0 anywhere.
 * One that comes later works from the next run on. RGC_KIND_TTL_V1 always gets one. Errors: an unknown kind, a field out of range. Any thread. */
rgc_filter_t* rgc_filter_create(rgc_t* gc, int kind, const rgc_compaction_t* compaction_or_null, char** errptr);

/* rgc_filter_decide: judges one key. level = the compaction's start level, as RocksDB tells it. value_type is one of
 * RGC_VALUE ...; answers RGC_KEEP, RGC_REMOVE or RGC_REMOVE_AND_SKIP_UNTIL. With the last *skip_until holds the key to go
 * on from, above this one, valid until the next call on this filter; else it is set to NULL, 0. A caller that cannot skip
 * gives NULL for one of them and is never told to. No allocation but for the longest key so far, and for rows that wait for the
 * worker (worker_queue_max_bytes); where there is no memory keys are kept and such rows are left for later runs. filter NULL = RGC_KEEP.
 *
 * A skip drops the tombstones that it passes, and what they hid would be alive again. So a skip to the end of the row comes
 * only where none can be lost: in a run that is known to be bottommost, or whose inputs are known and hold no tombstone
 * (num_deletions and num_range_deletions 0 in all of them). Anywhere else a shadowed version may go by a skip to the row's
 * next possible version (remove_mode=skip), in a bottommost run also a rollback or a lock; everything else is removed. Transaction
 * records are never skipped together. */
int rgc_filter_decide(rgc_filter_t* filter, int level, int value_type, const char* key, size_t key_len, const char* value, size_t value_len,
                      const char** skip_until, size_t* skip_until_len);

/* rgc_filter_decide_by_key: the same without the value, for values that cost a read (blob files). RGC_UNDETERMINED = the
 * value is needed: nothing has changed, call rgc_filter_decide for the same key. What goes or stays by the key alone is never
 * read, so whether such a value would parse does not matter. From the first call on remove_mode=auto only removes: among
 * blob files RocksDB walks where it would seek. */
int rgc_filter_decide_by_key(rgc_filter_t* filter, int level, const char* key, size_t key_len, const char** skip_until, size_t* skip_until_len);

/* rgc_filter_set_bottommost: what became known after creation (1, 0, -1, as in rgc_compaction_t), on stock RocksDB the
 * usual case. Before the first decision. Other numbers, and calls from another thread than the one that decides, do nothing.
 * 0 = rows with a dead newest version are not handed over: a run further down will meet them again. */
void rgc_filter_set_bottommost(rgc_filter_t* filter, int is_bottommost);

/* rgc_filter_set_inputs: the input files, where they became known after creation (RocksDB before 8.7): all of them, or n 0 =
 * unknown. Before the first decision; from another thread than the one that decides it does nothing. Errors: as for
 * rgc_compaction_t; what was known before stays. */
void rgc_filter_set_inputs(rgc_filter_t* filter, const rgc_table_properties_t* inputs, size_t n, char** errptr);

/* rgc_filter_destroy: ends the run. Any thread, after its last decision. */
void rgc_filter_destroy(rgc_filter_t* filter);

/* ---------------------------------------------------------------- RocksDB's C API
 * Either the library builds the compaction filter factory from four functions of the host's RocksDB (bind, then
 * rgc_rocksdb_filter_factory), or the host hands the raw callbacks to RocksDB itself, with rgc_factory_state as their
 * state, or, for one filter, with an rgc_filter_t*. */

/* A function of rocksdb/c.h. Fixed for ever. */
typedef struct rgc_symbol_t {
  const char* name;      /* NUL-terminated; names the library does not need are skipped */
  void (*address)(void); /* NULL = this RocksDB lacks it */
} rgc_symbol_t;

/* rgc_bind_rocksdb_symbols: binds the host's RocksDB by name and address; rocks_gc_rocksdb_c.h fills the table. A binding
 * belongs to one gc: the same again is a no-op, another RocksDB an error. Errors: a missing function, by name. */
void rgc_bind_rocksdb_symbols(rgc_t* gc, const rgc_symbol_t* symbols, size_t n, char** errptr);

/* rgc_bind_rocksdb_library: finds the functions, and keeps their library loaded. By a handle of dlopen's; or by the path or
 * SONAME of a library that is already loaded (it is never loaded a second time: two copies of RocksDB in one process crash
 * hosts); or, both NULL, by searching the process: its global scope, then every loaded object. Errors, with what to do: both given; a path that is
 * not loaded; a missing function; no RocksDB found (a static executable must be linked -rdynamic, or give the
 * symbols); more than one found, with their names. */
void rgc_bind_rocksdb_library(rgc_t* gc, void* dl_handle_or_null, const char* path_or_null, char** errptr);

/* rgc_rocksdb_filter_factory: a factory for rocksdb_options_set_compaction_filter_factory, which takes it over: one call
 * per options object, never the same one twice. It holds a reference to gc. Errors: nothing is bound; an unknown kind.
 * If it is not given to RocksDB: rocksdb_compactionfilterfactory_destroy. */
struct rocksdb_compactionfilterfactory_t* rgc_rocksdb_filter_factory(rgc_t* gc, int kind, char** errptr);

/* rgc_factory_state: the state for rocksdb_compactionfilterfactory_create(state, rgc_factory_destructor,
 * rgc_factory_create_filter, rgc_factory_name), when the host calls it. A reference to gc, given back by
 * rgc_factory_destructor: until then gc may be given to rgc_filter_create, also after rgc_destroy. */
void* rgc_factory_state(rgc_t* gc, int kind, char** errptr);

/* rgc_factory_destructor: RocksDB calls it when the factory goes. */
void rgc_factory_destructor(void* factory_state);

/* rgc_factory_create_filter: RocksDB calls it once a (sub)compaction, on the run's own thread. NULL = no filter: nothing to
 * do, or (logged as an error) nothing is bound. */
struct rocksdb_compactionfilter_t* rgc_factory_create_filter(void* factory_state, struct rocksdb_compactionfiltercontext_t* context);

/* rgc_factory_name: "rocks_gc.default" and so on; static. OPTIONS files record it, so it never changes. */
const char* rgc_factory_name(void* factory_state);

/* rgc_filter_callback: the filter function of rocksdb_compactionfilter_create; its state is an rgc_filter_t*. 0 = keep,
 * 1 = remove. Never changes a value: *value_changed is set to 0. RocksDB's C API shows it plain values only. */
unsigned char rgc_filter_callback(void* filter, int level, const char* key, size_t key_len, const char* value, size_t value_len,
                                  char** new_value, size_t* new_value_len, unsigned char* value_changed);

/* rgc_filter_destructor: rgc_filter_destroy, in the shape that RocksDB wants. */
void rgc_filter_destructor(void* filter);

/* rgc_filter_name: "rocks_gc.filter"; static. */
const char* rgc_filter_name(void* filter);

/* rgc_rocksdb_event_listener: a listener for rocksdb_options_add_eventlistener, which takes it over: one call per options
 * object. It tells the runs of gc's factories whether they write the last level of their keys, exactly: RocksDB's C API by itself
 * says so of full compactions only. Then rows are handed to the worker where nothing older lies below, not at every level on the
 * way. It looks at the list of live files once per compaction. Errors: nothing is bound; Not
 * supported: this RocksDB's C API has no listeners (before 10.4). If it is not given to RocksDB:
 * rocksdb_eventlistener_destroy. */
struct rocksdb_eventlistener_t* rgc_rocksdb_event_listener(rgc_t* gc, char** errptr);

/* ---------------------------------------------------------------- the store: what deleting needs
 * A run cannot do everything: a newest delete mark may go only after its older versions, a record whose value lies in the
 * default column family only together with it, and a destroyed range must give its space back now. All of that takes the
 * open DB. "Install" puts filters into options, before open; "attach" gives the library the open store:
 *
 *     rgc_attach_rocksdb(gc, db, families, n, &err);   after open, before anybody writes where a destroy was interrupted
 *     ...
 *     if (!rgc_detach(gc)) ...                         before close; 0 = refused: the DB must stay open
 *
 * From then on rows that runs hand over are finished by the WORKER, one thread of the library's. It is named rocks_gc and blocks
 * every signal but those of a crash (SEGV, BUS, FPE, ILL, ABRT), which the host's handlers get. Once the run's filter is gone it reads the row from the DB, decides anew by the safe point of then, and deletes
 * oldest versions first, the delete mark last, a record and its value in one batch, always with the WAL on. It never writes
 * into a write stall, never writes from a compaction's thread, and needs O(delete_batch_bytes) memory for a row of any length.
 * The worker serves the families with role RGC_CF_DEFAULT (runs of kind RGC_KIND_RAW) and RGC_CF_WRITE (RGC_KIND_TXN). Dead rows of
 * other families stay, counted in rows_deferred where the family is known (hosts that tell column_family_id, whose families are
 * named "default" or bound from 7.7 on).
 *
 * The library flushes column families one by one. A host that writes without a WAL, and relies on atomic_flush for what it writes into
 * several of them, attaches all of these through the C++ engine, which flushes them together (RocksDB's C API cannot).
 *
 * DURABILITY. The worker's deletes are in the WAL. A version that lies only in a memtable, without a WAL, is lost in a
 * crash. So the worker deletes a row only by a newest version that is durable, and a record by one whose value is
 * durable, too. Where it is not, the worker flushes the family first, once a second at most, for all rows that wait.
 * It deletes no more than it has read: a transaction that commits at the safe point meanwhile stays.
 *
 * A COLUMN FAMILY THAT THE HOST DROPS while it is attached counts as empty from then on. The library warns once. Its
 * writes leave such a family out. The handle must stay valid until rgc_detach has returned. If it is the ledger's
 * family, calls that record something are errors.
 *
 * Only rgc_detach ends a store. A host that closes the DB without it crashes: the worker goes on using the DB. Where
 * RocksDB answers "Shutdown in progress", the library stops using the store, and logs an error.
 *
 * WHERE NOTHING IS COLLECTED: FIFO compaction runs no filters (the C++ adaptor refuses it; on RocksDB's C API the
 * library cannot see it). A TransactionDB with the write policy WRITE_PREPARED or WRITE_UNPREPARED must not be
 * attached: its base DB shows versions that are not committed. */

/* Roles of column families. LEDGER: the library's own records; a family of its own is best, for scans of the others would see
 * them. LOCK: its files are never dropped whole, because that could bring deleted locks back. */
enum { RGC_CF_DEFAULT = 0, RGC_CF_WRITE = 1, RGC_CF_LOCK = 2, RGC_CF_OTHER = 3, RGC_CF_LEDGER = 4 };
/* A column family of the store. */
typedef struct rgc_column_family_t {
  size_t struct_size;
  int role;
  const char* name;                              /* copied; RocksDB's own name of it */
  struct rocksdb_column_family_handle_t* handle; /* NULL = the default column family; else valid until rgc_detach returns */
} rgc_column_family_t;

/* An engine: the port through which the library deletes. rgc_attach_rocksdb makes one of the bound functions, the C++ adaptor
 * (rocks_gc_rocksdb_store.h) one of a rocksdb::DB*; hosts with another way to their store fill one in.
 *
 * Every function may be called from any thread, several at once, under no lock that a reader or an advance of the library's needs,
 * until rgc_detach has returned. None may unwind or call back into the library, but for readers and advances. cf = index into the
 * families given at attach. Ranges are half open and have both bounds. Bytes are valid during the call. Each answers one of
 * RGC_ENGINE_*; with RGC_ENGINE_ERROR it sets *errptr (never NULL here, *errptr is NULL before) to a malloc'ed text, "Kind: what" as
 * everywhere. BUSY: the worker tries its write again, and again; to a call of the host's it is an error of kind Busy. */
/* NO_FAMILY: the host dropped the column family. The library takes it for an empty one, and warns once. */
enum { RGC_ENGINE_OK = 0, RGC_ENGINE_BUSY = 1, RGC_ENGINE_ERROR = 2, RGC_ENGINE_NO_FAMILY = 3 };
/* What a write does. */
enum { RGC_OP_PUT = 0, RGC_OP_DELETE = 1, RGC_OP_DELETE_RANGE = 2 };
/* Flags of a write. SYNC: durable, with everything written before it, when it returns. NO_SLOWDOWN: answer RGC_ENGINE_BUSY
 * instead of waiting for a write stall. */
enum { RGC_WRITE_FLAG_SYNC = 1, RGC_WRITE_FLAG_NO_SLOWDOWN = 2 };
/* The engine's own. */
typedef struct rgc_engine_iterator_t rgc_engine_iterator_t;

/* One write of a batch. Fixed for ever. */
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
  const char* smallest; /* the first and the last key, range tombstones included */
  size_t smallest_len;
  const char* largest;
  size_t largest_len;
  const rgc_property_t* user_collected; /* NULL, 0 = not known */
  size_t num_user_collected;
  const char* name; /* the store's own, by which it is known again; NULL, 0 = not known */
  size_t name_len;
} rgc_file_t;

/* The functions of an engine, each of them but destructor there. */
typedef struct rgc_engine_t {
  size_t struct_size;
  /* The value under a key, malloc'ed; none: OK with *value NULL. */
  int (*get)(void* state, uint32_t cf, const char* key, size_t key_len, char** value, size_t* value_len, char** errptr);
  /* All of them, at least one, or none, in this order, with the WAL on. flags = RGC_WRITE_..., or'ed. Writes to a family that the
   * host dropped are left out, and the others are written. */
  int (*write)(void* state, const rgc_write_t* writes, size_t n, int flags, char** errptr);
  /* What lies in [start, end) as of now, in order, or backwards from the end. NULL = an error. */
  rgc_engine_iterator_t* (*iterate)(void* state, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len,
                                    unsigned char backwards, char** errptr);
  /* The next key and value, valid until the next call on it; OK with *key NULL = there is none. */
  int (*next)(rgc_engine_iterator_t* it, const char** key, size_t* key_len, const char** value, size_t* value_len, char** errptr);
  void (*iterator_destroy)(rgc_engine_iterator_t* it);
  /* Drops the files below level 0 that lie in [start, end) as a whole; as many as it can. A file that ends at end stays. */
  int (*delete_files)(void* state, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len, char** errptr);
  /* Compacts what overlaps [start, end) down to the lowest level that has any of it, and waits; last_level_too: also rewrites what
   * lies there already. */
  int (*compact)(void* state, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len, unsigned char last_level_too,
                 char** errptr);
  /* Writes the memtables of a family into files, and waits. */
  int (*flush)(void* state, uint32_t cf, char** errptr);
  /* Calls each with every table file of a family, in any order; file is valid during the call. */
  int (*files)(void* state, uint32_t cf, void (*each)(void* each_state, const rgc_file_t* file), void* each_state, char** errptr);
  /* Does the store stop or delay writes now? 1 yes, 0 no. */
  int (*write_stalled)(void* state);
  /* May be NULL. Called once, when the library will not call again; not if the attach failed. */
  void (*destructor)(void* state);
  /* The functions from here on may be NULL. The library then uses those above instead, which is slower. */
  /* As get, but the value that a crash at this moment would leave: a value that lies only in a memtable, and not in the WAL, does
   * not count (RocksDB: read tier kPersistedTier). NULL: the library flushes the family, and calls get. */
  int (*get_durable)(void* state, uint32_t cf, const char* key, size_t key_len, char** value, size_t* value_len, char** errptr);
  /* As flush, but waits about a second at most. *progress is 0 at the first call; it is the engine's own. BUSY: the flush has not
   * finished; the library calls again with the same *progress, unless it must stop. NULL: the library calls flush. */
  int (*try_flush)(void* state, uint32_t cf, uint64_t* progress, char** errptr);
  /* As files, but only those that overlap [start, end); user_collected is not needed. NULL: the library calls files. */
  int (*files_in_range)(void* state, uint32_t cf, const char* start, size_t start_len, const char* end, size_t end_len,
                        void (*each)(void* each_state, const rgc_file_t* file), void* each_state, char** errptr);
  /* What is known of a family: RocksDB's id of it, and the kind of the filters that it has (RGC_KIND_RAW ...; 0 = none of this
   * library's, or not known). Called during rgc_attach_engine. NULL: neither is known. */
  void (*describe)(void* state, uint32_t cf, uint32_t* id, int* filter_kind);
  /* rgc_detach has been called: compactions come back soon from now on, with an error of kind Aborted. Called while other functions
   * of the engine run. NULL: rgc_detach waits for them. */
  void (*cancel)(void* state);
} rgc_engine_t;

/* rgc_attach_rocksdb: attaches an open RocksDB through its C API; gc must be bound. A TransactionDB: its base DB
 * (rocksdb_transactiondb_get_base_db, from 8.5 on). db must stay open until rgc_detach has returned. See rgc_attach_engine. Errors
 * besides: nothing is bound; Not supported: a function that deleting needs is missing (all are there from 6.28 on), by name; a name that is not
 * the handle's. */
void rgc_attach_rocksdb(rgc_t* gc, struct rocksdb_t* db, const rgc_column_family_t* families, size_t n, char** errptr);

/* rgc_attach_engine: attaches a store through an engine; engine is copied, state is the first argument of its functions. It
 * reads the ledger (rgc_destroy_range, rgc_schema_drop) and finishes every destroy that was interrupted, so it may take as long as they
 * did: until it has returned nobody may write into their ranges. One store per gc. Give the same families each time: records of a ledger
 * that lies in a family that is not given are not seen, and an interrupted destroy stays STARTED until all of its
 * families are given.
 *
 * A ledger is one context's. Two contexts on one DB need a ledger family each (RGC_CF_LEDGER).
 *
 * Attaching compares what the host has said with what the ledger says. A destroyed keyspace that the host registered,
 * or loaded as ENABLED or DISABLED, is an error that names it: what is written there would be dropped. Pause it
 * (rgc_pause_keyspace), attach, and forget its ranges (rgc_release_destroyed), or take another id. The GC types of
 * keyspaces are recorded in a ledger that has a family of its own: a keyspace that was registered with the other type
 * is an error that names it, and everything of it is kept. A type that is recorded refuses the other one; by itself it
 * collects nothing.
 * Errors, after which nothing is attached, and runs drop what they dropped before: those above; a family whose filters
 * are of a kind that does not go with its role (C hosts: a factory of a kind that goes with no given role), which would
 * judge keys by the wrong rules; a store is attached already; inside a callback or a
 * run; no
 * family; a role that is unknown, or DEFAULT, WRITE or LEDGER twice; WRITE without DEFAULT; a name or a handle twice, a NULL name; with
 * rgc_attach_rocksdb a NULL handle with another name than "default"; a function that is NULL; a ledger record that does not parse, by its key: nothing was changed then;
 * the engine's own errors. Warns in the log if the ledger has schemas and gc does not read them (schema_id, key_layout): they are kept
 * there, and nothing of them is dropped. Warns if runs of kind RGC_KIND_TXN, but none of RGC_KIND_RAW or RGC_KIND_DROPPED_ONLY, are made:
 * what is destroyed would stay in the default family's files. */
void rgc_attach_engine(rgc_t* gc, const rgc_engine_t* engine, void* state, const rgc_column_family_t* families, size_t n, char** errptr);

/* rgc_detach: ends the worker, waits for calls that use the store and for a compaction of the worker's that is on, and gives the engine
 * back. Flushes and compactions of the library are cancelled: calls that wait for one are errors of kind Aborted, and what they had
 * recorded stays so. (On RocksDB's C API that cancels the host's manual compactions, too, if one of the library's is on; before 7.4
 * rgc_detach waits for it.) What is durable stays; rows that still wait are left for later runs, counted in rows_deferred. What the
 * ledger said ends: runs drop nothing that was destroyed or dropped by name until a store is attached whose ledger says it. If a
 * destroy is not finished whose bounds cut a row, runs keep everything until then. Without a store, and for
 * NULL, it does nothing and returns 1. rgc_destroy does it, too. Any thread. Refused (0): on a thread inside a callback of the library,
 * or that has a living filter of this gc which has decided there. Then the store is still attached and the worker goes on: the host
 * must NOT close the DB. It calls again from another thread, or once the thread's filters are destroyed. */
RGC_MUST_CHECK unsigned char rgc_detach(rgc_t* gc);

/* rgc_worker_pending: rows handed over and not finished yet, also those whose run is still on, and schemas that the worker is to clear or
 * truncate, each as one. */
size_t rgc_worker_pending(const rgc_t* gc);

/* rgc_worker_drain: waits until nothing is pending, at most timeout_ms; returns how many still are (0 too after an error: look at *errptr
 * first). Rows of runs that are on wait for their ends, and all of them while the library is switched off or the store stalls;
 * truncations of removed keyspaces rest. Errors:
 * no store; called inside a callback or a run. */
size_t rgc_worker_drain(rgc_t* gc, uint64_t timeout_ms, char** errptr);

/* What rgc_collect did. Levels and files are RocksDB's; a file is considered if it overlaps the range. */
typedef struct rgc_collect_report_t {
  size_t struct_size;
  uint64_t files_considered, files_compacted, files_skipped; /* skipped = the others */
  uint64_t bytes_before, bytes_after;                        /* of the files in the range */
  uint64_t versions_removed;                                 /* entries that the files in the range had, and have no more */
  uint64_t elapsed_microseconds;
  uint64_t files_read;                                       /* judged by reading their key range */
  uint64_t files_without_garbage, files_over_budget;         /* why files were skipped */
} rgc_collect_report_t;

/* rgc_collect: collects now. Looks for the files that hold garbage under today's safe points, at every level, also in the last
 * one, where RocksDB never looks again by itself: by their counts and properties where those decide (a file with tombstones, of which
 * RocksDB's C API knows nothing for files that it has not looked at since it was opened; TiKV's
 * MVCC properties), else by reading the key range of the file and judging it as a run would. Compacts only the ranges of those, the
 * cheapest first. column_family_or_null: a name given at attach; NULL = those with roles DEFAULT and WRITE. Bounds NULL =
 * everything. max_bytes bounds what is read and compacted, in bytes of files; 0 = no bound. A compaction counts with all files
 * that it may drag along, at every level; the call's own flush, which is always done, counts first. Files that were read are
 * remembered until safe points, what is dropped, or the files change, so repeated calls come to an end. A call that reads
 * and compacts nothing, but has files_over_budget, says that the budget is too small for any of them.
 * Files that were compacted and lost nothing (a RocksDB snapshot keeps what it sees) are skipped, with a warning, until snapshots
 * (where the engine tells of them), safe points or files change, or for some calls: 1, 2, 4 ... 64. Rows that runs hand over are
 * finished by the worker afterwards: rgc_worker_drain waits for it, and the tombstones it leaves go with the next collect. A row that
 * a compaction's border cuts keeps one version more, for which no file is picked again. Errors: no store; an unknown family; an
 * inverted range; inside a callback or a run; rgc_set_enabled(gc, 0); files were compacted, and no compaction asked this gc for
 * a filter (is its factory in the options that the DB was opened with?); the engine's own. */
void rgc_collect(rgc_t* gc, const char* column_family_or_null, const char* start, size_t start_len, const char* end, size_t end_len,
                 uint64_t max_bytes, rgc_collect_report_t* report_or_null, char** errptr);

/* ---------------------------------------------------------------- destroying
 * DESTROYING IS FOR EVER: the caller promises that nobody reads or writes the range again (H3). It is written into the LEDGER
 * first, durably: a record in the host's own store under ledger_prefix, in the family with role LEDGER, else DEFAULT, else the
 * first one, and only once something is destroyed. A record is STARTED, then DONE, then gone: after recheck_seconds (24 h) the
 * worker, or rgc_recheck_destroyed, destroys the range once more, for what came late, and drops the record. As long as it stands,
 * every run of gc in one of those families drops whatever lies in the range, at any level and of any value type.
 *
 * One call does, in every attached family: drop the files below level 0 that lie in the range (but of lock families); delete
 * the keys that are left, the write family before the default one, by point tombstones or, from delete_range_min_keys keys on, by
 * one range tombstone; flush, and compact what level 0 and the files at the borders hold of it, where anything of the range was
 * found. A row that a bound cuts (a bound
 * with a timestamp) is compacted by force into the last level, so that no tombstone is left over one half of it. A bound is a key,
 * and is taken as one in every family: of transactions' data give bounds without timestamps, else records are parted from
 * their values. With plain_keys=prefix_free nobody can tell whether the last 8 bytes of a bound are a timestamp: they are taken for one,
 * and what begins with the rest is compacted.
 *
 * When a call returns nobody is deleting in the range any more: calls, interrupted destroys and rechecks whose ranges overlap go
 * one after the other. A call that fails, or a crash, leaves the record STARTED: the range is dead until a repeat with the
 * same bounds, or the next attach, has finished it. Runs know of it only when the ledger has been read: after a crash in the destroy of a
 * range that cuts a row, a run before the next attach would take the half that is dead for the newest (H10). A host
 * whose bounds carry timestamps opens with rgc_set_enabled(gc, 0), or gives its safe points after attach. */

/* FORCE: destroys a keyspace whatever its state (rgc_keyspace_load). REUSABLE: no record is kept once it is done, and the range may
 * be written again, with timestamps above the destroyed ones. */
enum { RGC_DESTROY_FORCE = 1, RGC_DESTROY_REUSABLE = 2 };
/* States of a record. */
enum { RGC_DESTROY_STARTED = 0, RGC_DESTROY_DONE = 1 };

/* What destroying did, in all attached families. */
typedef struct rgc_destroy_report_t {
  size_t struct_size;
  uint64_t files_dropped, file_bytes_dropped; /* whole files, at once */
  uint64_t keys_deleted, range_tombstones;    /* keys: by point tombstones */
  uint64_t files_microseconds, keys_microseconds, compact_microseconds;
  uint64_t files_left, file_bytes_left; /* that may still hold something of the range: another compaction has them */
} rgc_destroy_report_t;

/* rgc_destroy_range: destroys all keys in [start, end), stored keys without or with a timestamp. Any thread. Errors: no store;
 * inside a callback or a run; a bound that is missing (NULL or empty); an inverted or empty range; one that touches the
 * library's own keys; unknown flags; Busy: RGC_DESTROY_REUSABLE where another record stands, which would go on dropping what is
 * written there, with its bounds; the engine's own (the record stays STARTED; the report says what was done). */
void rgc_destroy_range(rgc_t* gc, const char* start, size_t start_len, const char* end, size_t end_len, int flags,
                       rgc_destroy_report_t* report_or_null, char** errptr);

/* rgc_destroy_keyspace: destroys a keyspace: its keys of mode r and of mode x, two ranges and two records. As long as these stand its
 * id can be neither named nor loaded as ENABLED or DISABLED. Errors: those of rgc_destroy_range; a keyspace out of range; the plain
 * layout; one that was loaded as ENABLED or DISABLED, without RGC_DESTROY_FORCE. */
void rgc_destroy_keyspace(rgc_t* gc, uint32_t keyspace, int flags, rgc_destroy_report_t* report_or_null, char** errptr);

/* rgc_recheck_destroyed: runs the DONE records that are at least recheck_seconds old at now_unix_seconds once more, and drops
 * them. Returns how many. 0 = the time is unknown: none. For recheck=manual; with auto the worker does it by the clock. Errors: no
 * store; inside a callback or a run; the engine's own (the record stays). */
size_t rgc_recheck_destroyed(rgc_t* gc, uint64_t now_unix_seconds, rgc_destroy_report_t* report_or_null, char** errptr);

/* rgc_release_destroyed: drops the DONE record of exactly this range, so that the range may be written again, with timestamps
 * above the destroyed ones; waits for a recheck of it. Errors: no store; inside a callback or a run; Not found: no record has
 * these bounds; Busy: it is STARTED. */
void rgc_release_destroyed(rgc_t* gc, const char* start, size_t start_len, const char* end, size_t end_len, char** errptr);

/* rgc_destroyed_count: records in the ledger of the attached store; 0 without a store. */
size_t rgc_destroyed_count(const rgc_t* gc);

/* ---------------------------------------------------------------- schemas
 * A SCHEMA is a part of a keyspace: all user keys that begin with its id, 4 bytes, big-endian (option schema_id=prefix). Ids are vended
 * by the host, upwards, and never used twice in their keyspace; other keyspaces have ids of their own, the same numbers too. What a
 * schema is called is the host's business: the same name may come back with a new id at any time, also while the old one is going.
 *
 * A schema is invalid, and every run drops its keys, of any kind and any value type,
 *   - once it was dropped by rgc_schema_drop: for ever, whatever lists or creations follow; or
 *   - once a list was loaded for its keyspace: if its id is not in the last list, is at or below the highest_id_ever that came with that
 *     list, and was not named by rgc_schema_create in this process.
 * An empty list makes nothing invalid. Ids above highest_id_ever are UNKNOWN: they are kept, and counted in kept_unknown_schema; their
 * versions are judged like any others. Schemas are read only in keyspaces of which a list or an id was given. In api_v2 TiDB keys
 * (m and t) and user keys shorter than 4 bytes are of no schema. A key is of a schema by its head alone, as it is of a destroyed range:
 * what begins as one and is otherwise damaged goes with it. Runs that are on follow every change from their next key on.
 *
 * keyspace is RGC_KEYSPACE_NONE in the plain layout, and only there. All of these need schema_id=prefix; without it they are errors of
 * kind Invalid argument. Any thread. */

/* States. UNKNOWN: nobody told of it. TRUNCATING: valid, and the worker is deleting its old versions. DROPPED: invalid. */
enum { RGC_SCHEMA_UNKNOWN = 0, RGC_SCHEMA_VALID = 1, RGC_SCHEMA_TRUNCATING = 2, RGC_SCHEMA_DROPPED = 3 };

/* rgc_schemas_load: the list of all valid schemas of a keyspace, which takes the place of the list before; in any order, an id twice
 * counts once. highest_id_ever = the highest id that was ever vended in the keyspace. The host reads it BEFORE it reads the list, else
 * an id that is vended in between is taken for dropped; and it names an id by rgc_schema_create before the first record of it is
 * written. Before open, for recovery and the first compactions, and again whenever it likes. Errors, which change nothing: a listed id
 * above highest_id_ever, by its place and value; the keyspace. */
void rgc_schemas_load(rgc_t* gc, uint32_t keyspace, const uint32_t* valid_ids, size_t n, uint32_t highest_id_ever, char** errptr);

/* rgc_schema_create: names a new schema's id, before its first record is written. From now on no list makes it invalid. Errors: an id that
 * was dropped by rgc_schema_drop. */
void rgc_schema_create(rgc_t* gc, uint32_t keyspace, uint32_t id, char** errptr);

/* rgc_schema_drop: drops a schema with all its data (truncateDataAndDropSchema), for ever. Its record is in the ledger, durably, before
 * anything else happens, and stays there: the id is never valid again. Then the files below level 0 that hold nothing else are
 * dropped, but of lock families (in the plain layout none is: shorter keys, which are of no schema, may lie between), and the call
 * returns. What is left goes in compactions, and by the worker: point tombstones, or one range tombstone from delete_range_min_keys
 * keys on, then a flush and a compaction of what reaches into it. When none is left the log says so. Before that, and also after a
 * crash, a repeat does the same again, and is not needed. There is no drop without truncating: the records would be orphans
 * that nothing can name any more, and that a later schema of the same id would show. Errors: no store is attached (there is
 * nowhere to record it); inside a callback or a run; the engine's own: whether the record was written is not known then, repeat the
 * call. What goes wrong after the record was written is in the log only: the schema is dropped, and the worker goes on. */
void rgc_schema_drop(rgc_t* gc, uint32_t keyspace, uint32_t id, char** errptr);

/* rgc_schema_truncate: deletes the versions of a schema up to and at a timestamp (truncateData); it stays valid. Returns when the order is
 * in the ledger; the worker does it, row by row, the oldest versions first, a record of transactions with its value in one batch, at its
 * usual rate, and goes on where it was after a restart. No reader ever sees an older version come up. Rows whose records do not parse are
 * left as they are, counted in rows_left_unparsed; RawKV values need not parse. Of one and the same schema the highest timestamp
 * stands. It names the schema: VALID when it is over, unless a list says otherwise. In a removed keyspace it rests until that is named
 * again. 0 and UINT64_MAX are refused: the pass takes hours, and without a bound it would take what is written meanwhile; give the
 * timestamp of now.
 * Errors: no store; inside a callback or a run; a schema that is invalid; Not supported: gc has made runs of kind RGC_KIND_TTL_V1, whose keys
 * have no timestamps; the engine's own (repeat the call). */
void rgc_schema_truncate(rgc_t* gc, uint32_t keyspace, uint32_t id, uint64_t up_to_ts, char** errptr);

/* rgc_schema_state: RGC_SCHEMA_...; UNKNOWN also for a keyspace that there cannot be, or without schema_id=prefix. */
int rgc_schema_state(const rgc_t* gc, uint32_t keyspace, uint32_t id);

/* ---------------------------------------------------------------- recovery
 * Records that are only in the WAL come back at open, before anything is attached. A WAL FILTER leaves out those that would be dropped
 * at once: puts and merges of schemas that are invalid by the lists loaded before open, and of keyspaces that were loaded as TOMBSTONE
 * before open. Never a delete of any kind, without which older data would come back; never keys under ledger_prefix; and only in the
 * families that the host names: others may hold bytes that look like its keys. The other records of the same batch stay. A batch with
 * two-phase markers, or with anything unknown in it, passes as it is. C++ hosts take rocks_gc::WalFilter (rocks_gc_rocksdb_wal.h). */

/* rgc_wal_should_skip: is a put or merge of this stored key to be ignored at recovery? 1 or 0, by what gc knows now: of a schema that was
 * dropped by name in this process, too; rgc_set_enabled does not matter. Any thread. */
unsigned char rgc_wal_should_skip(const rgc_t* gc, const char* key, size_t len);

/* rgc_wal_filter_batch: what recovery is to replay of a write batch, given as its bytes (rocksdb::WriteBatch::Data(), RocksDB's
 * db/write_batch.cc; a no-op at its beginning and wide columns are known, a wrong count is not). families: RocksDB's ids of those whose
 * keys are ours, n of them. NULL without an error = all of it, as it is; else a batch without the ignored records, with the same sequence
 * number, its length in *out_len, for rgc_free; in the place of each stands, in its family, a delete of a key under ledger_prefix that there never
 * is, so that all others keep their sequence numbers. Any thread. Errors: families or out_len NULL where it is needed. */
char* rgc_wal_filter_batch(const rgc_t* gc, const char* batch, size_t len, const uint32_t* families, size_t n, size_t* out_len, char** errptr);

/* rgc_rocksdb_wal_filter: a filter for rocksdb_options_set_wal_filter, which does not take it over: rocksdb_walfilter_destroy when the DB
 * is closed, not before (an open RocksDB asks it for its name whenever it writes its options file). families: their names. It holds a
 * reference to gc. RocksDB's C API can build records of the default family only: a batch with a record of another one that is not
 * ignored is replayed as it is, and so is every batch if the default one is not named (rgc_shim_wal_filter can do more). Errors: nothing
 * is bound; no family; a NULL name; Not supported: this RocksDB's C API has no WAL filters (before 11.8). */
struct rocksdb_walfilter_t* rgc_rocksdb_wal_filter(rgc_t* gc, const char* const* families, size_t n, char** errptr);

/* ---------------------------------------------------------------- keyspaces' metadata
 * What a placement driver stores of a keyspace. A state alone drops nothing in compactions: what makes a keyspace's data go is
 * rgc_destroy_keyspace. TOMBSTONE, from which there is no way back, keeps its puts out of recovery. */

/* States. Allowed moves: ENABLED and DISABLED to each other; DISABLED to ARCHIVED; ARCHIVED to TOMBSTONE; each to itself. */
enum { RGC_KEYSPACE_ENABLED = 0, RGC_KEYSPACE_DISABLED = 1, RGC_KEYSPACE_ARCHIVED = 2, RGC_KEYSPACE_TOMBSTONE = 3 };

/* The metadata of a keyspace. */
typedef struct rgc_keyspace_meta_t {
  size_t struct_size;
  uint32_t id;
  int state;
  const char* name;               /* 1 to 20 of the characters -, _, A to Z, a to z, 0 to 9 */
  const char* gc_management_type; /* keyspace_level or keyspace_level_gc; unified or global_gc; NULL = absent = global */
} rgc_keyspace_meta_t;

/* rgc_keyspace_load: takes over a keyspace's metadata, and names its GC type as rgc_set_keyspace_gc_type does: the first one stands.
 * It ends no pause: of a keyspace that was removed (rgc_pause_keyspace), or for which both types were named,
 * the metadata are taken over and everything is kept as before. Each such load says so in the log
 * (RGC_LOG_INFO), and rgc_keyspaces_foreach shows the keyspace with gc_type -2. A removed keyspace that had no
 * type may only be named with the one that was loaded. Any thread.
 * Errors, which change nothing but as said: an id, state or name out of range; a state that the one before does
 * not lead to; the other GC type than the one that stands: then everything of the keyspace is kept
 * (rgc_set_keyspace_gc_type);
 * any other GC type string, by its value: then everything of the keyspace is kept, as by rgc_pause_keyspace (but it does not
 * wait), until a type that is known is loaded or named (only named, if it was removed too); ENABLED or
 * DISABLED for a keyspace that is destroyed (ARCHIVED and TOMBSTONE are taken: they come after the destroy). */
void rgc_keyspace_load(rgc_t* gc, const rgc_keyspace_meta_t* meta, char** errptr);

/* rgc_keyspace_load_protobuf: the same from the bytes that PD stores (keyspacepb.KeyspaceMeta): id 1, name 2, state 3, config 7, of which
 * gc_management_type is read; id 0 may be explicit or absent; unknown fields are skipped. Errors: those of rgc_keyspace_load; bytes that
 * do not parse (Corruption; JSON of PD's HTTP API, hex and base64 text are named); Not supported: a
 * keyspace_identity (8) instead of an id. */
void rgc_keyspace_load_protobuf(rgc_t* gc, const char* bytes, size_t len, char** errptr);

/* ---------------------------------------------------------------- what an operator asks
 * each: 0 = go on, else stop. It is called on the caller's thread, under no lock of the library's; info and what it points to are valid
 * during the call. It must not unwind, and may call readers and advances. What changes meanwhile may be shown or not. gc or each NULL:
 * nothing happens. */

/* A keyspace of which anything is known. */
typedef struct rgc_keyspace_info_t {
  size_t struct_size;
  uint32_t id;
  int state;                                     /* -1 = no metadata loaded */
  int gc_type;                                   /* -1 = not named, -2 = everything is kept */
  uint64_t own_safe_point, effective_safe_point; /* 0 = none */
  const char* name;                              /* "" = unknown */
} rgc_keyspace_info_t;

/* A destroyed range whose record stands. */
typedef struct rgc_destroyed_info_t {
  size_t struct_size;
  const char* start;
  size_t start_len;
  const char* end;
  size_t end_len;
  uint32_t keyspace;                                                        /* RGC_KEYSPACE_NONE for a plain range */
  int state;                                                                /* RGC_DESTROY_STARTED or RGC_DESTROY_DONE */
  uint64_t started_unix_seconds, done_unix_seconds;                         /* 0 = not known, not yet */
  uint64_t late_keys_dropped;                                               /* by runs, after it was done, since attach */
} rgc_destroyed_info_t;

/* A schema that was listed, created, dropped or truncated. */
typedef struct rgc_schema_info_t {
  size_t struct_size;
  uint32_t keyspace, id;       /* RGC_KEYSPACE_NONE in the plain layout */
  int state;                   /* RGC_SCHEMA_... */
  uint64_t truncated_up_to_ts; /* 0 = never; with TRUNCATING: what is being done */
} rgc_schema_info_t;

/* rgc_keyspaces_foreach: keyspaces that were loaded or named, or have a safe point of their own, by id. */
void rgc_keyspaces_foreach(const rgc_t* gc, int (*each)(void* state, const rgc_keyspace_info_t* info), void* state);

/* rgc_destroyed_foreach: the records of destroyed ranges, by start; none without a store. */
void rgc_destroyed_foreach(const rgc_t* gc, int (*each)(void* state, const rgc_destroyed_info_t* info), void* state);

/* rgc_schemas_foreach: schemas by keyspace and id: those of the last lists, and those that were named one by one. */
void rgc_schemas_foreach(const rgc_t* gc, int (*each)(void* state, const rgc_schema_info_t* info), void* state);

/* ---------------------------------------------------------------- stored keys
 * api_v2:  data prefix + memcomparable(prefix + user key) + timestamp. The prefix is the mode byte and, of r and x keys, 3
 *          bytes of keyspace, big-endian. memcomparable: groups of 8 bytes, each followed by a marker, ff for a full group
 *          that is not the last; the last one holds 0 to 7 bytes, is padded by zeros, and its marker is ff minus the
 *          number of padding bytes (TiKV's codec::bytes).
 * plain:   data prefix + user key + timestamp. Mode RGC_MODE_NONE, keyspace RGC_KEYSPACE_NONE.
 * The timestamp is 8 bytes, the bitwise complement in big-endian, so that newer versions come first. */

/* The mode of a key; RGC_MODE_NONE in the plain layout. */
enum { RGC_MODE_NONE = 0, RGC_MODE_RAW = 'r', RGC_MODE_TXN = 'x', RGC_MODE_TIDB_META = 'm', RGC_MODE_TIDB_TABLE = 't' };

/* A half-open range of keys. The bounds are the caller's, each for rgc_free; end NULL = no upper bound. */
typedef struct rgc_range_t {
  size_t struct_size;
  char* start;
  size_t start_len;
  char* end;
  size_t end_len;
} rgc_range_t;

/* A stored key taken apart. user_key is the caller's, for rgc_free; it is never NULL. */
typedef struct rgc_key_t {
  size_t struct_size;
  int mode;
  uint32_t keyspace; /* RGC_KEYSPACE_NONE of m, t and plain keys */
  uint64_t ts;
  char* user_key;
  size_t user_key_len;
} rgc_key_t;

/* rgc_encode_key: the stored key of a user key's version ts (0 and UINT64_MAX can be encoded). keyspace is
 * RGC_KEYSPACE_NONE for m, t and plain keys. Any thread. Errors: a mode that is not of the layout, a keyspace out of
 * range, a plain key of the wrong length, a key that would be one of the library's own (ledger_prefix), out_len NULL. */
char* rgc_encode_key(const rgc_t* gc, int mode, uint32_t keyspace, const char* user_key, size_t user_key_len, uint64_t ts, size_t* out_len,
                     char** errptr);

/* rgc_decode_key: takes a stored key apart; 1 = done. out->struct_size must be set. Errors (Corruption): bytes that are not a
 * stored key of this layout, with the place. */
unsigned char rgc_decode_key(const rgc_t* gc, const char* key, size_t len, rgc_key_t* out, char** errptr);

/* rgc_encode_range: the stored range of all versions of the user keys in [start, end). end NULL or empty = up to the end of the
 * keyspace. The bounds carry no timestamp, and in the plain layout have any length. Errors: those of rgc_encode_key but for
 * lengths; start above end. */
void rgc_encode_range(const rgc_t* gc, int mode, uint32_t keyspace, const char* start, size_t start_len, const char* end, size_t end_len,
                      rgc_range_t* out, char** errptr);

/* rgc_keyspace_range: the stored range of a whole keyspace; of a whole mode for m and t; of all data in the plain layout.
 * Errors: those of rgc_encode_range. */
void rgc_keyspace_range(const rgc_t* gc, int mode, uint32_t keyspace, rgc_range_t* out, char** errptr);

/* ---------------------------------------------------------------- codec
 * Between a client of one keyspace and the store, as client-go's codec v2 does it. No context is needed. Any thread.
 *
 *   user key       what the keyspace's own client knows: any bytes           6b6579               "key"
 *   request key    prefix + user key: in requests to the store and answers   72001092 6b6579      of mode r, keyspace 4242
 *   region key     memcomparable(request key), as above: bounds of regions   720010926b657900 fe
 *
 * The prefix is the mode byte and 3 bytes of keyspace, big-endian. A keyspace ends where the prefix, counted up by one as a number
 * of 4 bytes, begins: 72001092 ends at 72001093, and the last one of a mode, 72ffffff, at 73000000. Region keys have no data
 * prefix (TiKV's z) and no timestamp.
 *
 * mode is RGC_MODE_RAW or RGC_MODE_TXN, keyspace 0 to RGC_KEYSPACE_MAX; anything else is an error of every function that takes them.
 * What is decoded may be empty: a key that is not there, or no bound; a key then decodes to an empty one. Errors of kind Corruption
 * say that bytes are no region key; all others are of kind Invalid argument, but for missing memory (Aborted). Keys that are handed out
 * are for rgc_free, and never NULL, also when they are empty. */

/* rgc_codec_parse_keyspace: the mode and the keyspace that a request key names; 1 = done. mode and keyspace may each be NULL = not
 * wanted. Errors: a key that is shorter than 4 bytes, or whose first byte is not r or x; then nothing is written. */
unsigned char rgc_codec_parse_keyspace(const char* request_key, size_t len, int* mode, uint32_t* keyspace, char** errptr);

/* rgc_codec_encode_key: the request key of a user key. Errors: out_len NULL. */
char* rgc_codec_encode_key(int mode, uint32_t keyspace, const char* key, size_t len, size_t* out_len, char** errptr);

/* rgc_codec_decode_key: the user key of a request key. Errors: out_len NULL; a key of another keyspace or mode, or shorter than the
 * prefix; the text names the key and "lies outside keyspace". */
char* rgc_codec_decode_key(int mode, uint32_t keyspace, const char* key, size_t len, size_t* out_len, char** errptr);

/* rgc_codec_encode_range: the range of request keys of the user keys in [start, end); 1 = done. end NULL or empty = up to the end of
 * the keyspace, so that out->end is never NULL. out->struct_size must be set. Errors: start above end. */
unsigned char rgc_codec_encode_range(int mode, uint32_t keyspace, const char* start, size_t start_len, const char* end, size_t end_len,
                                     rgc_range_t* out, char** errptr);

/* rgc_codec_decode_range: the user keys whose request keys lie in [start, end), end NULL or empty = no bound; 1 = done. What reaches
 * beyond the keyspace is cut off: a start before it becomes empty, an end behind it NULL, both = the whole keyspace.
 * out->struct_size must be set. Errors: start above end; a range that lies before the keyspace or behind it, whose text says "lies
 * outside keyspace". A client that is told the regions of today (EpochNotMatch) drops those, and gives up at any other error. */
unsigned char rgc_codec_decode_range(int mode, uint32_t keyspace, const char* start, size_t start_len, const char* end, size_t end_len,
                                     rgc_range_t* out, char** errptr);

/* rgc_codec_encode_region_key: the region key of a user key, by which its region is looked up. Errors: out_len NULL. */
char* rgc_codec_encode_region_key(int mode, uint32_t keyspace, const char* key, size_t len, size_t* out_len, char** errptr);

/* rgc_codec_decode_region_key: the user key of a region key. Errors: those of rgc_codec_decode_key; Corruption: bytes that are not
 * one whole encoding, or have more behind it. */
char* rgc_codec_decode_region_key(int mode, uint32_t keyspace, const char* key, size_t len, size_t* out_len, char** errptr);

/* rgc_codec_encode_region_range: as rgc_codec_encode_range, with region keys for bounds. */
unsigned char rgc_codec_encode_region_range(int mode, uint32_t keyspace, const char* start, size_t start_len, const char* end,
                                            size_t end_len, rgc_range_t* out, char** errptr);

/* rgc_codec_decode_region_range: as rgc_codec_decode_range, of a region by its bounds. Errors: those, and Corruption: a bound that is
 * neither empty nor a region key; the text names the region by both bounds, and the broken one. */
unsigned char rgc_codec_decode_region_range(int mode, uint32_t keyspace, const char* start, size_t start_len, const char* end,
                                            size_t end_len, rgc_range_t* out, char** errptr);

/* rgc_codec_encode_keys: rgc_codec_encode_key for n keys in one call, key i of lens[i] bytes, which is faster than n calls. Returns all
 * request keys one behind the other, for one rgc_free; key i is the bytes from offsets[i] up to offsets[i + 1]. offsets is the
 * caller's, n + 1 elements, no part of the other arrays. n = 0 gives no bytes and offsets[0] = 0. All or nothing. Errors: offsets
 * NULL; keys or lens NULL with n > 0; a key that is NULL with another length than 0. */
char* rgc_codec_encode_keys(int mode, uint32_t keyspace, const char* const* keys, const size_t* lens, size_t n, size_t* offsets,
                            char** errptr);

/* rgc_codec_decode_keys: rgc_codec_decode_key for n keys in one call; arrays and result as of rgc_codec_encode_keys. All or nothing.
 * Errors: those of both; the text names the key by its index. */
char* rgc_codec_decode_keys(int mode, uint32_t keyspace, const char* const* keys, const size_t* lens, size_t n, size_t* offsets,
                            char** errptr);

/* rgc_codec_decode_bucket_keys: the bounds of a region's buckets, region keys in order, as bounds of user keys; an empty first key is no
 * lower bound, an empty last one no upper bound. Those before the keyspace become one empty first key, its beginning; those at or
 * behind its end one empty last key, its end; those within lose their prefix. So two empty keys are one bucket, the whole keyspace, and
 * of a region that lies outside a single one is left. Arrays and result are as of rgc_codec_encode_keys, but that *n_out tells how
 * many keys there are, at most n; offsets is written up to offsets[*n_out]. All or nothing. Errors: those of rgc_codec_encode_keys;
 * n_out NULL; a key below the one before it; an empty key between others; Corruption: one that is no region key; the text names the
 * key by its index, and the region by its bounds, the first and the last key. */
char* rgc_codec_decode_bucket_keys(int mode, uint32_t keyspace, const char* const* keys, const size_t* lens, size_t n, size_t* offsets,
                                   size_t* n_out, char** errptr);

/* ---------------------------------------------------------------- seeing */

/* Counters since rgc_create, runs that are on included. They count what runs did: a version that two runs meet counts twice
 * (before RocksDB 8.4 a manual compaction may pass the last level twice). */
typedef struct rgc_stats_t {
  size_t struct_size;
  uint64_t runs_started, filters_not_needed, runs_closed; /* closed: a panic, a foreign thread or keys out of order; kept everything from there */
  uint64_t kept, removed, skipped;                  /* decisions */
  uint64_t dropped, late_dropped;                   /* of the removed: in a destroyed range, dropped keyspace or schema; after it was done */
  uint64_t expired, delete_marked;                  /* newest versions seen dead below the safe point; rows whose first record is a delete; TTL v1: removed by expiry */
  uint64_t unparsed_keys, unparsed_values;          /* kept; also write records with a field of a later version, which are read up to there */
  uint64_t kept_unknown_keyspace;                   /* kept because their keyspace was never named, while something is collected */
  uint64_t kept_unknown_schema;                     /* kept though nobody told their schema, in keyspaces whose schemas are given */
  uint64_t safe_points_refused;                     /* steps back, 0, UINT64_MAX, too far ahead, of removed keyspaces */
  uint64_t gc_types_refused;                        /* other types of named keyspaces; types that came too late */
  uint64_t rows_queued, rows_done;                  /* handed to the worker; finished */
  uint64_t rows_deferred, rows_left_unparsed;        /* left for a later run, each time a run meets one: queue full, no store; not parsed */
  uint64_t pending, destroyed_records;
  uint64_t cache_bytes;                             /* memory of the safe points */
} rgc_stats_t;

/* rgc_stats: fills out, whose struct_size must be set. gc NULL = zeros. Any thread; counters of runs that are on may differ
 * from each other by the key in hand. */
void rgc_stats(const rgc_t* gc, rgc_stats_t* out);

/* rgc_metrics: those of the same counters that this version counts, cache_bytes and the global safe point, as OpenMetrics
 * text for a scrape endpoint (names rocks_gc_..., as in rgc_stats_t). For rgc_free. gc NULL = NULL. */
char* rgc_metrics(const rgc_t* gc);

/* ---------------------------------------------------------------- loading at run time */

/* Every function of this header, X(name): for hosts that look them up with dlsym. */
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
  X(rgc_pause_keyspace)              \
  X(rgc_global_safe_point)            \
  X(rgc_keyspace_safe_point)          \
  X(rgc_safe_point_for_key)           \
  X(rgc_filter_create)                \
  X(rgc_filter_decide)                \
  X(rgc_filter_decide_by_key)         \
  X(rgc_filter_set_bottommost)        \
  X(rgc_filter_set_inputs)            \
  X(rgc_filter_destroy)               \
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
  X(rgc_wal_should_skip)                  \
  X(rgc_wal_filter_batch)             \
  X(rgc_attach_rocksdb)               \
  X(rgc_attach_engine)                \
  X(rgc_detach)                       \
  X(rgc_worker_pending)                      \
  X(rgc_worker_drain)                        \
  X(rgc_collect)                      \
  X(rgc_destroy_range)                \
  X(rgc_destroy_keyspace)             \
  X(rgc_recheck_destroyed)            \
  X(rgc_release_destroyed)             \
  X(rgc_destroyed_count)              \
  X(rgc_schemas_load)                 \
  X(rgc_schema_create)                \
  X(rgc_schema_drop)                  \
  X(rgc_schema_truncate)              \
  X(rgc_schema_state)                 \
  X(rgc_keyspace_load)                \
  X(rgc_keyspace_load_protobuf)       \
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
  X(rgc_stats)                        \
  X(rgc_metrics)

#ifdef __cplusplus
}
#endif
#endif
