/* check.c - see check.h. */
#include "check.h"

#include <stdarg.h>
#include <stdatomic.h>

#include "api.h"

static atomic_int done;
static atomic_int failed;

int check_failed(void) { return failed; }

int check_summary(const char* program) {
  printf("%s: %d checks, %d failed\n", program, done, failed);
  return failed;
}

static void fail(const char* file, int line) {
  ++failed;
  fprintf(stderr, "%s:%d: ", file, line);
}

void check_that(int holds, const char* file, int line, const char* what) {
  ++done;
  if (!holds) {
    fail(file, line);
    fprintf(stderr, "does not hold: %s\n", what);
  }
}

void check_equal(uint64_t left, uint64_t right, const char* file, int line, const char* what) {
  ++done;
  if (left != right) {
    fail(file, line);
    fprintf(stderr, "does not hold: %s: %" PRIu64 " and %" PRIu64 "\n", what, left, right);
  }
}

void check_contains(const char* text, const char* part, const char* file, int line) {
  ++done;
  if (text == NULL || strstr(text, part) == NULL) {
    fail(file, line);
    fprintf(stderr, "\"%s\" is not in \"%s\"\n", part, text == NULL ? "(null)" : text);
  }
}

void check_no_error(char* error, const char* file, int line, const char* call) {
  ++done;
  if (error == NULL) return;
  fail(file, line);
  if (error == CHECK_GARBAGE) {
    fprintf(stderr, "errptr was not written: %s\n", call);
    return;
  }
  fprintf(stderr, "%s: %s\n", call, error);
  api.rgc_free(error);
}

void check_error(char* error, const char* file, int line, const char* call, ...) {
  ++done;
  if (error == NULL || error == CHECK_GARBAGE) {
    fail(file, line);
    fprintf(stderr, "%s: %s\n", error == NULL ? "no error" : "errptr was not written", call);
    return;
  }
  va_list parts;
  va_start(parts, call);
  const char* kind = va_arg(parts, const char*);
  if (strncmp(error, kind, strlen(kind)) != 0 || strncmp(error + strlen(kind), ": ", 2) != 0) {
    fail(file, line);
    fprintf(stderr, "the error is not of kind %s: %s\n", kind, error);
  }
  for (const char* part = va_arg(parts, const char*); part != NULL; part = va_arg(parts, const char*)) {
    if (strstr(error, part) == NULL) {
      fail(file, line);
      fprintf(stderr, "the error does not say \"%s\": %s\n", part, error);
    }
  }
  va_end(parts);
  api.rgc_free(error);
}
