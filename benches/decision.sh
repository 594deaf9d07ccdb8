#!/bin/sh
# Counts the instructions of a decision through rgc_filter_callback, and of reads of a safe point,
# without the caller. Then it measures the CPU time of these reads:
#     benches/decision.sh LIBRARY OUT_DIR
set -eu
library=$1
out=$2
n=100000
mkdir -p "$out"
for bench in decision safe_point; do
  cc -std=gnu11 -O2 -Wall -Wextra -Werror -I "$(dirname "$0")/../include" "$(dirname "$0")/$bench.c" -o "$out/$bench" -ldl
done

# count FUNCTION CALLS LABEL COMMAND: prints the instructions of FUNCTION, of which COMMAND makes CALLS calls.
count() {
  function=$1 calls=$2 label=$3
  shift 3
  valgrind --tool=callgrind --toggle-collect="$function" --callgrind-out-file="$out/callgrind.out" "$@" >"$out/callgrind.log" 2>&1 || {
    cat "$out/callgrind.log" >&2
    exit 1
  }
  sed -n "s/.*Collected : //p" "$out/callgrind.log" | awk -v label="$label" -v calls="$calls" '{printf "%-41s %6.1f instructions\n", label, $1 / calls}'
}

for case in same_row new_row far_row; do
  count rgc_filter_callback "$n" "$case" "$out/decision" "$library" "$case" "$n"
done
for keyspaces in 1 10000; do
  for function in rgc_safe_point_for_key rgc_keyspace_safe_point; do
    count "$function" $((31 * n)) "$function, $keyspaces keyspaces" "$out/safe_point" "$library" "$keyspaces" "$n"
  done
done
for keyspaces in 1 10000; do
  "$out/safe_point" "$library" "$keyspaces" 1000000
done
