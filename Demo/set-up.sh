# Sourced by Demo/run, Demo/debian-packages and Tests/run: what they need besides a Swift toolchain.
#
#   require_swift
#   require_packages PACKAGE:CHECK…   installs PACKAGE where the command CHECK fails
#
# Installs with apt-get as root or through a sudo that asks no password; otherwise prints the one line to type and ends
# with 69 (service unavailable).

say() { printf '%s\n' "$*" >&2; }

require_swift() {
  if ! command -v swift > /dev/null 2>&1; then
    say "swift: not found; install a Swift 6.3 toolchain or later from https://www.swift.org/install and put it on PATH"
    exit 69
  fi
}

has_curses() {
  [ "$(uname)" = Darwin ] && return 0
  [ -e /usr/include/curses.h ] || return 1
  # The wide library must be there to link with, not only the header.
  local library
  for library in /usr/lib/libncursesw.so /usr/lib*/*/libncursesw.so; do
    if [ -e "$library" ]; then return 0; fi
  done
  return 1
}

has_libpq() {
  local directory
  for directory in /usr/include/postgresql /usr/include /usr/local/include /opt/homebrew/opt/libpq/include; do
    if [ -e "$directory/libpq-fe.h" ]; then return 0; fi
  done
  return 1
}

# The server's programs, which Debian keeps off the PATH.
has_postgres() { compgen -G "/usr/lib/postgresql/*/bin/initdb" > /dev/null || command -v initdb > /dev/null 2>&1; }

has_tmux() { command -v tmux > /dev/null 2>&1; }
has_python() { command -v python3 > /dev/null 2>&1; }
# Debian's Python, for a driver of Cassandra whose encodings ours are compared with.
has_cassandra_driver() { /usr/bin/python3 -c 'import cassandra.cqltypes' > /dev/null 2>&1; }

require_packages() {
  local missing=() pair
  for pair in "$@"; do
    "${pair#*:}" || missing+=("${pair%%:*}")
  done
  [ ${#missing[@]} -eq 0 ] && return 0

  local install="apt-get update && apt-get install -y ${missing[*]}"
  if ! command -v apt-get > /dev/null 2>&1; then
    say "missing: ${missing[*]} (Debian's names); please install them with this system's package manager"
    exit 69
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true > /dev/null 2>&1; then
      say "missing: ${missing[*]}; please type: sudo sh -c '$install'"
      exit 69
    fi
    as_root=(sudo -n)
  fi
  say "installing ${missing[*]} with apt-get"
  local log
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! { ${as_root[@]+"${as_root[@]}"} apt-get install -y --no-install-recommends "${missing[@]}" ||
    { ${as_root[@]+"${as_root[@]}"} apt-get update && ${as_root[@]+"${as_root[@]}"} apt-get install -y --no-install-recommends "${missing[@]}"; }; } \
    > "$log" 2>&1 < /dev/null; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    say "apt-get could not install ${missing[*]}"
    exit 69
  fi
  rm -f "$log"
}
