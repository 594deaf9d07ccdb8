/* Loggers and clocks for Java 22 and later: a callback's state is the function of java.lang.foreign
 * to call.
 *
 * RocksDB's threads become daemon threads of Java during the call only. java.lang.foreign by itself
 * gives them back when they end. But RocksDB joins its threads at exit, and a thread that still
 * belongs to the ended JVM never ends. */
#include <jni.h>
#include <stdint.h>

typedef void log_function(void *state, int level, const char *message);
typedef uint64_t clock_function(void *state);
typedef enum { OWN, BORROWED, NONE } thread;

static JavaVM *java;

jint JNI_OnLoad(JavaVM *vm, void *reserved) {
  (void)reserved;
  java = vm;
  return JNI_VERSION_1_8;
}

static thread enter(void) {
  void *environment;
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
