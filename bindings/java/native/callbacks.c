/* Loggers and clocks for Java 22 and later: a callback's state is the function of java.lang.foreign
 * to call. An exception that leaves such a function ends the process. The functions catch all, but
 * they cannot catch that they have no stack to begin with.
 *
 * RocksDB's threads become daemon threads of Java during the call only. java.lang.foreign by itself
 * gives them back when they end. But RocksDB joins its threads at exit, and a thread that still
 * belongs to the ended JVM never ends. */
#define _GNU_SOURCE
#include <jni.h>
#include <pthread.h>
#include <stdint.h>

typedef void log_function(void *state, int level, const char *message);
typedef uint64_t clock_function(void *state);
/* The stack for a callback, with the 96 kB that Java keeps for itself. */
enum { NEEDED = 160 << 10 };
typedef enum { OWN, BORROWED, NONE } thread;

static JavaVM *java;

jint JNI_OnLoad(JavaVM *vm, void *reserved) {
  (void)reserved;
  java = vm;
  return JNI_VERSION_1_8;
}

int rgc_java_has_stack(void) {
  static _Thread_local char *end;
  char here;
  pthread_attr_t attributes;
  if (!end && pthread_getattr_np(pthread_self(), &attributes) == 0) {
    size_t size;
    pthread_attr_getstack(&attributes, (void **)&end, &size);
    pthread_attr_destroy(&attributes);
  }
  return end && &here - end > NEEDED;
}

static thread enter(void) {
  void *environment;
  if (!rgc_java_has_stack()) return NONE;
  if ((*java)->GetEnv(java, &environment, JNI_VERSION_1_8) == JNI_OK) return OWN;
  return (*java)->AttachCurrentThreadAsDaemon(java, &environment, NULL) == JNI_OK ? BORROWED : NONE;
}

static void leave(thread entered) {
  if (entered == BORROWED) (*java)->DetachCurrentThread(java);
}

void rgc_java_log(void *state, int level, const char *message) {
  thread entered = enter();
  if (entered != NONE) ((log_function *)state)(NULL, level, message);
  leave(entered);
}

uint64_t rgc_java_clock(void *state) {
  thread entered = enter();
  uint64_t now = entered == NONE ? 0 : ((clock_function *)state)(NULL);
  leave(entered);
  return now;
}
