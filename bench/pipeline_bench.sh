#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Frames a second through a whole pipeline: videotestsrc ! queue ! diffusionfilter ! queue ! fakesink, as fast as it goes. Prints one JSON line.
#
#   pipeline_bench.sh SIZE FRAMES [PROPERTY=VALUE ...]      properties of the element; GST_PLUGIN_PATH must know the plugin
#
# $ELEMENT: another element than diffusionfilter. $BEFORE: one in front of it, such as cudaupload, for pictures in CUDA memory.
# $FILM: an H.264 film (.h264) of that size and at least so many frames, read by nvh264dec instead of videotestsrc's pictures.
# $PACED=true: as fast as the film says, in place of as fast as it goes; the rate shows whether the element keeps up.
set -euo pipefail
size=${1:?usage: pipeline_bench.sh WIDTHxHEIGHT FRAMES [PROPERTY=VALUE ...]}
frames=${2:?usage: pipeline_bench.sh WIDTHxHEIGHT FRAMES [PROPERTY=VALUE ...]}
shift 2
before=${BEFORE:-identity}
element=${ELEMENT:-diffusionfilter}
paced=${PACED:-false}
width=${size%x*}
height=${size#*x}
if [ -n "${FILM:-}" ]; then
  source="filesrc location=$FILM ! h264parse ! nvh264dec ! identity eos-after=$((frames + 1))"
else
  source="videotestsrc num-buffers=$frames pattern=ball ! video/x-raw,format=RGBA,width=$width,height=$height,framerate=1000/1"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The time stamps of the first pictures hold loading and warm-up, so the rate is taken of the second half.
GST_DEBUG_NO_COLOR=1 GST_DEBUG='*:1,identity:1,GST_TRACER:0' gst-launch-1.0 -v \
  $source ! $before ! queue max-size-buffers=2 ! $element "$@" ! queue max-size-buffers=2 ! identity name=out silent=false sync=$paced ! fakesink sync=false 2>&1 |
  while IFS= read -r line; do
    case $line in
      *out:*last-message*chain*) printf '%s\n' "${EPOCHREALTIME/,/.}" >> "$log" ;;
      *ERROR* | *WARNING*) printf '%s\n' "$line" >&2 ;;
    esac
  done

awk -v size="$size" -v wanted="$frames" -v before="$before" -v element="$element" -v film="${FILM:+nvh264dec}" -v paced="$paced" '
  NR <= wanted { at[NR] = $1 }  # a decoder may give some more before it ends
  END {
    if (NR < wanted) { printf "%d of %d pictures came out\n", NR, wanted > "/dev/stderr"; exit 1 }
    first = int(wanted / 2)
    for (i = first + 1; i <= wanted; ++i) times[i - first] = 1000 * (at[i] - at[i - 1])
    count = asort_(times, wanted - first)
    printf "{\"who\": \"pipeline\", \"element\": \"%s\", \"source\": \"%s\", \"before\": \"%s\", \"paced\": %s, \"size\": \"%s\", \"frames\": %d, \"median_ms\": %.3f, \"p99_ms\": %.3f, \"fps\": %.2f}\n",
      element, film ? film : "videotestsrc", before, paced, size, count, times[int((count + 1) / 2)], times[int(count * 0.99 + 0.5)], count / (at[wanted] - at[first])
  }
  function asort_(values, count,   i, j, value) {
    for (i = 2; i <= count; ++i) {
      value = values[i]
      for (j = i - 1; j > 0 && values[j] > value; --j) values[j + 1] = values[j]
      values[j + 1] = value
    }
    return count
  }' "$log"
