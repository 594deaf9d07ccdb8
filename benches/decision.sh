#!/bin/sh
# Counts the instructions of a decision through rgc_filter_callback, without the caller:
#     benches/decision.sh LIBRARY OUT_DIR
set -eu
library=$1
out=$2
n=100000
mkdir -p "$out"
cc -std=gnu11 -O2 -Wall -Wextra -Werror -I "$(dirname "$0")/../include" "$(dirname "$0")/decision.c" -o "$out/decision" -ldl
for case in same_row new_row far_row; do
  valgrind --tool=callgrind --toggle-collect=rgc_filter_callback --callgrind-out-file="$out/callgrind.$case" \
    "$out/decision" "$library" "$case" "$n" 2>"$out/$case.log" || { cat "$out/$case.log" >&2; exit 1; }
  sed -n "s/.*Collected : //p" "$out/$case.log" | awk -v case="$case" -v n="$n" '{printf "%-9s %6.1f instructions a decision\n", case, $1 / n}'
done
