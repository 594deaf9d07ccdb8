/* host.c - a host whose engine crashes on the library's thread. Its SIGSEGV handler prints the
 * thread that it runs on, and ends the process. It needs no RocksDB.
 *
 * Usage: host LIBRARY */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../every_export/attached.h"
#include "../every_export/parts.h"

static void handler(int signal) {
  char text[64] = "the handler: ";
  size_t len = strlen(text);
  (void)signal;
  prctl(PR_GET_NAME, text + len);
  len = strlen(text);
  text[len++] = '\n';
  _exit(write(STDOUT_FILENO, text, len) == (ssize_t)len ? 0 : 1);
}

static void crash_on_the_library_s_thread(void* state, int function) {
  char name[32] = "";
  (void)state;
  (void)function;
  prctl(PR_GET_NAME, name);
  if (strcmp(name, "rocks_gc") != 0) return;
  volatile int* volatile nowhere = NULL;
  *nowhere = 1;
}

int main(int argc, char** argv) {
  REQUIRE(argc == 2);
  alarm(120);
  api_load(argv[1]);
  REQUIRE(signal(SIGSEGV, handler) != SIG_ERR);
  rgc_t* gc = gc_at_80("");
  struct mem_engine* engine = engine_new();
  attach(gc, engine, 2);
  put_dead_row(engine, "a", 3);
  engine->during = crash_on_the_library_s_thread;
  run_over(gc, engine, CF_DEFAULT, RGC_KIND_RAW);
  drain(gc);
  return 1;
}
