/* standard_error.c - the library writes errors to standard error until the host sets a logger, and
 * no standard error ends the host.
 *
 * Usage: standard_error LIBRARY default | closed | pipe | silent | FILE */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "api.h"
#include "check.h"

/* An error of a call without errptr, a warning, and an error again. */
static void go_wrong(void) {
  CHECK(api.rgc_create(NULL, NULL) != NULL);
  size_t len;
  CHECK(api.rgc_codec_encode_key('t', 1, NULL, 0, &len, NULL) == NULL);
  rgc_t* gc = api.rgc_create(NULL, NULL);
  CHECK_EQ(api.rgc_advance_global_safe_point(gc, 0), 0);
  CHECK(api.rgc_filter_create(gc, 3, NULL, NULL) == NULL);
  api.rgc_destroy(gc);
}

int main(int argc, char** argv) {
  REQUIRE(argc == 3);
  api_load(argv[1]);
  int ends[2];
  if (strcmp(argv[2], "closed") == 0) close(STDERR_FILENO);
  if (strcmp(argv[2], "pipe") == 0) {
    /* A pipe that nobody reads: to write there raises SIGPIPE, which ends a process. */
    REQUIRE(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_DFL);
  }
  if (strchr(argv[2], '/') != NULL) {
    /* A file that gets the number of a closed standard error, as RocksDB's own files could. */
    close(STDERR_FILENO);
    REQUIRE(open(argv[2], O_CREAT | O_WRONLY | O_CLOEXEC, 0600) == STDERR_FILENO);
  }
  if (strcmp(argv[2], "silent") == 0) api.rgc_set_logger(NULL, NULL, RGC_LOG_OFF);
  go_wrong();
  sigset_t waiting;
  REQUIRE(sigpending(&waiting) == 0);
  CHECK(!sigismember(&waiting, SIGPIPE));
  printf("lives\n");
  return check_summary("standard_error") == 0 ? 0 : 1;
}
