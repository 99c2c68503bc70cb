#!/bin/bash
# Completes words in a real bash with the script that iptctl prints.
set -eu
iptctl=$1
source <("$iptctl" completion bash)

expect() {  # wanted-line words...
  local wanted=$1
  shift
  COMP_WORDS=("$iptctl" "$@")
  COMP_CWORD=$#
  _iptctl
  if [[ " ${COMPREPLY[*]} " != *" $wanted "* ]]; then
    echo "after '$*' expected $wanted among: ${COMPREPLY[*]}" >&2
    exit 1
  fi
}

expect course cou
expect pause course pa
expect --cancel-sessions course pause clinics/a/courses/b --can
expect patient session cancel clinics/a/courses/b/sessions/c --cancelled-by pat
expect json course get clinics/a/courses/b --output j
complete -p iptctl | grep -q -- '-F _iptctl' || { echo "not registered" >&2; exit 1; }
