# Sourced by Demo/run and Demo/debian-packages: builds the release and sets `darkbird` to the program. `root` is set.
# Standard output stays clean for what darkbird prints.

darkbird="$root/.build/release/darkbird"
[ -x "$darkbird" ] || say "building darkbird for release; the first time takes a few minutes"
quiet=()
[ -t 2 ] || quiet=(--quiet)
swift build --package-path "$root" -c release --product darkbird ${quiet[@]+"${quiet[@]}"} >&2
