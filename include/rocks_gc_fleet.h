/* rocks_gc_fleet.h - one node of a fleet: safe points, keyspaces, schemas and ranges from etcd.
 *
 * librocks_gc_fleet.so reads etcd and feeds an rgc_t of rocks_gc.h, in a process that has
 * librocks_gc.so loaded. It is a library of its own because it has an async runtime, threads and
 * sockets, and a host that does not want them in its process does not load it. The keys and values
 * in etcd are those of PD, so the same host follows a TiKV cluster, where PD writes, or a fleet
 * without PD, where `rocks-gc worker` writes.
 *
 *     rgc_fleet_t* fleet = rgc_fleet_load(gc, options, &host, 10000, &err);   before open
 *     ... open the DB, attach it (rgc_attach_rocksdb) ...
 *     rgc_fleet_follow(fleet, 30000, &err);                                   after attach
 *     ...
 *     rgc_fleet_close(fleet);                                                 before rgc_detach
 *
 * WORDS
 *   - A SCOPE is a keyspace with a safe point of its own, or the global one: all keyspaces that
 *     follow the global safe point, and keys outside of keyspaces. Functions take a keyspace's id,
 *     or RGC_KEYSPACE_NONE for keys outside of keyspaces, and find the scope. Callbacks are given
 *     RGC_KEYSPACE_NONE for the global scope.
 *   - T is the transaction safe point of a scope: no reader begins below it.
 *   - G is the GC safe point of a scope: what filters use. Always G <= T.
 *   - A NODE is a process with a store, registered in etcd under a lease.
 *   - A STANDBY replicates from a primary. It has no locks of its own, so no worker waits for it,
 *     and it may not lock. To promote it: rgc_fleet_close, then rgc_fleet_load as primary.
 *   - An EPOCH is one registration of a node. When the lease has run out, the node registers anew,
 *     as another epoch.
 *   - A node is FENCED when an operator, or the control plane, has ended its registration.
 *
 * WHAT THE NODE DOES
 *   - It registers keyspaces with their GC types, and moves safe points as etcd says. A change is
 *     effective within a second. A keyspace whose metadata vanish or cannot be read is paused
 *     (rgc_pause_keyspace): everything of it is kept. A safe point that goes back changes nothing.
 *   - Away from etcd it keeps the safe points that it has. They were safe, and remain so. When etcd
 *     is there again, it lists everything anew, and compares: what vanished meanwhile is gone.
 *   - It drops and truncates schemas by the orders in etcd, destroys ranges, and answers.
 *   - It tells etcd up to which T no lock is left on it. Only then does the worker move G.
 *
 * WHAT THE HOST PROMISES, in addition to H1 to H10 of rocks_gc.h
 *
 *  F1 Transactions. A host with transactions gives `resolve`. It asks rgc_fleet_may_lock before it
 *     writes a lock, and does not write the lock if the answer is 0. From the answer to the write
 *     it holds a latch that `resolve` takes too: else `resolve` misses the lock. A lock that comes
 *     after the node has answered is a lock below G, and the library may collect half of its
 *     transaction.
 *  F2 The host serves requests only while rgc_fleet_may_serve answers 1. Other nodes, and the
 *     control plane, do not wait for a node whose registration has ended: its data may be
 *     re-assigned, and schemas count as dropped. A request that was let in before, and takes longer
 *     than the lease, asks again before it answers. `fenced` ends the service until rgc_fleet_close
 *     and rgc_fleet_load. Requests for a schema whose rgc_schema_state is RGC_SCHEMA_DROPPED are
 *     refused: the node tells etcd that a schema is dropped as soon as this is its state.
 *  F3 Locks of one transaction on several nodes. A node whose lease ran out is not waited for. So
 *     another node may collect the record that says how a transaction ended, while this node still
 *     has a lock of it. A host whose transactions touch several nodes must therefore treat a lock
 *     whose transaction is unknown, and whose start timestamp is at or below G, as undecided: it
 *     asks for an operator, and does not roll it back.
 *
 * The conventions of rocks_gc.h hold: errptr, malloc'ed texts for rgc_free, struct_size, enums as
 * int. Callbacks run on threads of this library, named rocks_gc_fleet, several at once. These
 * threads block every signal except those of a crash. Callbacks must not unwind. */
#ifndef ROCKS_GC_FLEET_H
#define ROCKS_GC_FLEET_H

#include <stddef.h>
#include <stdint.h>

#include "rocks_gc.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A follower. It may be used by several threads. */
typedef struct rgc_fleet_t rgc_fleet_t;
/* Options. One thread uses them at a time. */
typedef struct rgc_fleet_options_t rgc_fleet_options_t;

/* The version of this header's functions. Within a version functions are only added. */
#define RGC_FLEET_ABI_VERSION 1u

/* rgc_fleet_abi_version: returns RGC_FLEET_ABI_VERSION of the library.
 * Threads: any.
 * Blocks: no. */
uint32_t rgc_fleet_abi_version(void);

/* rgc_fleet_set_logger: sets the logger of this library for the whole process, for messages up to
 * max_level (RGC_LOG_OFF, ..., of rocks_gc.h). Until the first call warnings and errors go to
 * standard error. log NULL means silence. When the call has returned 1, the last call of the old
 * logger has ended.
 * Returns: 1 for done, 0 for refused.
 * Refused: on a thread inside a callback of this library; a level that is not listed.
 * Threads: any.
 * Blocks: on calls of the old logger. */
RGC_MUST_CHECK unsigned char rgc_fleet_set_logger(rgc_log_fn log, void* state, int max_level);

/* rgc_fleet_options_create: creates options with every default.
 * Returns: the options, never NULL. */
rgc_fleet_options_t* rgc_fleet_options_create(void);

/* rgc_fleet_options_set: sets an option by its name. Both texts are NUL-terminated.
 *     endpoints        required: URLs of members of one etcd cluster, separated by commas
 *     cluster          required: the cluster's id in keys, a decimal number (PD's, or your own)
 *     node             required: this node's name, 1 to 64 of the characters A to Z, a to z, 0 to
 *                      9, - . _ ; one process uses a name at a time
 *     role             primary (default) or standby. A standby gets the same orders, and is not
 *                      waited for; see rgc_fleet_replicated, and rgc_reload_ledger of rocks_gc.h
 *     lease_seconds    10 (2 to 3600): how long the registration outlives a dead process
 *     call_timeout_ms  3000 (100 to 60000): how long one attempt of a call to etcd may take
 *     user, password_file
 *                      etcd's user, and a file whose first line is the password. A password is
 *                      never an option, so that it is not in a log or a list of processes
 *     ca_file          PEM: whose certificates are trusted. Needed for https
 *     cert_file, key_file
 *                      PEM: the client's certificate and key, if etcd asks for them
 *     tls_domain       the name in the servers' certificates, if it is not the endpoint's host
 * Errors: an unknown name; a bad value. */
void rgc_fleet_options_set(rgc_fleet_options_t* options, const char* name, const char* value,
                           char** errptr);

/* rgc_fleet_options_destroy: destroys options. NULL does nothing. */
void rgc_fleet_options_destroy(rgc_fleet_options_t* options);

/* The host's functions. Each may be NULL. */
typedef struct rgc_fleet_host_t {
  size_t struct_size;
  void* state;
  /* Resolves all locks of the scope at or below up_to, durably. Returns 1 if none is left, 0 for
   * not yet: the library then asks again after half a second. At most 16 scopes are asked for at
   * the same time, in turn. A call that does not return holds up its scope, and takes one of these
   * 16 places. NULL means that this node holds no transactions, and no worker waits for it. */
  int (*resolve)(void* state, uint32_t keyspace, uint64_t up_to);
  /* This node is fenced. The follower has stopped; safe points do not move any more. All holds of
   * the node have ended, without hold_lost: rgc_fleet_is_held answers 0. */
  void (*fenced)(void* state, const char* why);
  /* A hold (rgc_fleet_hold) could not be renewed in time, and counts as lost. Its readers must
   * stop. A reader that must know asks rgc_fleet_is_held: the callback may come late. */
  void (*hold_lost)(void* state, uint32_t keyspace, const char* name);
} rgc_fleet_host_t;

/* rgc_fleet_load: connects to etcd, reads everything at one revision, and gives it to gc: keyspaces
 * and their GC types, safe points, lists of schemas. The host calls it before it opens the DB, so
 * that recovery and the first compactions know what was dropped. gc must live until
 * rgc_fleet_close. The library copies options and host. host_or_null NULL: no functions.
 * Returns: the follower, or NULL.
 * Errors: Not found: librocks_gc.so.1 is not loaded; Not supported: its ABI is another one;
 *   Invalid argument: an option is missing, or options do not go together; IO error: no etcd,
 *   one of another cluster, a wrong endpoint or certificate, a denied permission, the time is up.
 *   The text says which. What was loaded until then remains in gc.
 * Threads: any.
 * Blocks: at most for timeout_ms. */
rgc_fleet_t* rgc_fleet_load(rgc_t* gc, const rgc_fleet_options_t* options,
                            const rgc_fleet_host_t* host_or_null, uint64_t timeout_ms,
                            char** errptr);

/* rgc_fleet_follow: registers the node, reads what etcd holds, and follows it from now on. The host
 * calls it after it has attached its store. When it returns without an error, the node may serve.
 * Later calls wait until the node may serve.
 * Errors: IO error: etcd did not answer, or another process has registered the name. A process that
 *   ended without rgc_fleet_close keeps its name for lease_seconds, so timeout_ms should be longer.
 *   After an error the call may be repeated.
 * Threads: any.
 * Blocks: at most for timeout_ms. */
void rgc_fleet_follow(rgc_fleet_t* fleet, uint64_t timeout_ms, char** errptr);

/* rgc_fleet_may_serve: asks whether the node may serve. See F2. The answer rests on a monotonic
 * clock that counts from the moment when the last renewal of the lease was sent. While a machine is
 * suspended this clock stands still: a host on such a machine must not rely on the answer.
 * Returns: 1 for yes. 0 for no: the node is not registered for certain at this moment, is fenced,
 *   or has not read everything since it registered; fleet NULL.
 * Threads: any.
 * Blocks: no. It costs some ten nanoseconds. */
unsigned char rgc_fleet_may_serve(const rgc_fleet_t* fleet);

/* rgc_fleet_may_lock: asks whether a transaction may write a lock in a keyspace, or with
 * RGC_KEYSPACE_NONE outside of keyspaces. See F1.
 * Returns: 1 for yes. 0 for no: start_ts is at or below T of the keyspace's scope; T cannot be
 *   read; the node may not serve (rgc_fleet_may_serve); it is a standby, or gave no `resolve`; the
 *   keyspace is not known, or everything of it is kept; a keyspace out of range; fleet NULL.
 * Threads: any.
 * Blocks: no. */
unsigned char rgc_fleet_may_lock(const rgc_fleet_t* fleet, uint32_t keyspace, uint64_t start_ts);

/* rgc_fleet_replicated: tells how far this node, a standby, has replicated: up to and including
 * this sequence number of its primary's. The order to truncate a schema has a sequence number; the
 * standby truncates when it has replicated up to it: what came later would survive. A lower number
 * than before changes nothing. A primary need not call it. fleet NULL does nothing.
 * Threads: any.
 * Blocks: no. */
void rgc_fleet_replicated(rgc_fleet_t* fleet, uint64_t sequence);

/* rgc_fleet_hold: sets a barrier in etcd for a reader of this node: while it lives, T and G of the
 * scope do not pass ts. The library renews it until rgc_fleet_release or rgc_fleet_close. It
 * outlives a dead process by at most ttl_seconds. A second hold of the same name replaces the
 * first one. A keyspace that follows the global safe point counts as the global scope. Names are
 * shared by all nodes of the fleet: put the node's name into them.
 * Errors: Invalid argument: a ttl below 3 or above 86400, a bad name (as a node's); IO error: ts is
 *   below T, so that a reader at ts comes too late; etcd did not answer; the node is fenced. Then
 *   there is no hold.
 * Threads: any, not inside a callback.
 * Blocks: at most for timeout_ms. */
void rgc_fleet_hold(rgc_fleet_t* fleet, uint32_t keyspace, const char* name, uint64_t ts,
                    uint64_t ttl_seconds, uint64_t timeout_ms, char** errptr);

/* rgc_fleet_is_held: asks whether a hold stands. A reader asks after it has read: if the answer is
 * 1, what it has read was complete.
 * Returns: 1 for yes. 0 for no: there is no such hold, or it does not stand for certain at this
 *   moment; fleet or name NULL; a keyspace out of range.
 * Threads: any.
 * Blocks: no. */
unsigned char rgc_fleet_is_held(const rgc_fleet_t* fleet, uint32_t keyspace, const char* name);

/* rgc_fleet_release: ends a hold, and deletes its barrier. A hold that there is not is no error.
 * Errors: IO error: etcd did not answer. The hold is not renewed any more, and ends by itself.
 * Threads: any, not inside a callback.
 * Blocks: at most for timeout_ms. */
void rgc_fleet_release(rgc_fleet_t* fleet, uint32_t keyspace, const char* name,
                       uint64_t timeout_ms, char** errptr);

/* rgc_fleet_status: returns the follower's state as JSON, for the caller to free by rgc_free:
 *     is_connected           whether a watch is running
 *     revision               the newest revision of etcd that is known
 *     epoch                  of the registration; null: not registered
 *     is_fenced              see F2
 *     unresolved             scopes whose locks `resolve` has not resolved yet
 *     schemas_in_conflict    schemas that are valid in etcd, and were dropped on this node: etcd
 *                            was restored from a backup, and vends ids that were used before
 *     last_error             why the last session ended; null: none has
 *     keyspaces, paused_keyspaces, safe_points, safe_points_went_back, unreadable
 *                            figures; unreadable counts keys and values that could not be read
 * Returns: NULL for fleet NULL.
 * Threads: any.
 * Blocks: no. */
char* rgc_fleet_status(const rgc_fleet_t* fleet);

/* rgc_fleet_close: stops, ends the registration and the holds, and frees the follower. The host
 * calls it before rgc_detach.
 * Returns: 1 for done, and for NULL; 0 for refused.
 * Refused: on a thread inside a callback of this library.
 * Threads: any; no other call on this fleet may run or follow.
 * Blocks: until all callbacks have returned; up to ten seconds if etcd does not answer. */
RGC_MUST_CHECK unsigned char rgc_fleet_close(rgc_fleet_t* fleet);

#ifdef __cplusplus
}
#endif

#endif /* ROCKS_GC_FLEET_H */
