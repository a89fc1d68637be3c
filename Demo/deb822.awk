# Debian's package index (deb822: "Field: value" lines, continuation lines that begin with a blank, an empty line after
# each package) to one JSON object a line. Streams: one package is in memory at a time.
#
#   apt-cache dumpavail | LC_ALL=C awk -f deb822.awk
#
#   Installed-Size, Size   integers
#   Tag                    an array of debtags; "works-with::{file,text}" is two of them
#   Description            lines joined by newlines, as it is read
#   everything else        a string, its lines joined by one blank
#
# LC_ALL=C: bytes pass through as they are, whatever the locale. Runs under mawk, gawk and busybox awk.

function escape(text,    out, i, c) {
  gsub(/\\/, "\\\\&", text)
  gsub(/"/, "\\\"", text)
  gsub(/\n/, "\\n", text)
  gsub(/\t/, "\\t", text)
  gsub(/\r/, "\\r", text)
  if (text !~ /[\001-\037\177]/) return text
  out = ""
  for (i = 1; i <= length(text); i++) {
    c = substr(text, i, 1)
    out = out ((c in control) ? control[c] : c)
  }
  return out
}

# "a::{b,c}" is "a::b" and "a::c".
function debtag(tag,    open, end, names, count, i, out) {
  open = index(tag, "{")
  end = index(tag, "}")
  if (open == 0 || end < open) return "\"" escape(tag) "\""
  count = split(substr(tag, open + 1, end - open - 1), names, / *, */)
  out = ""
  for (i = 1; i <= count; i++)
    out = out (i > 1 ? "," : "") "\"" escape(substr(tag, 1, open - 1) names[i] substr(tag, end + 1)) "\""
  return out
}

# Commas outside braces separate debtags.
function debtags(text,    parts, count, i, tag, out) {
  count = split(text, parts, ",")
  out = ""
  for (i = 1; i <= count; i++) {
    tag = parts[i]
    while (tag ~ /\{[^}]*$/ && i < count) tag = tag "," parts[++i]
    gsub(/^[ \t]+|[ \t]+$/, "", tag)
    if (tag != "") out = out (out == "" ? "" : ",") debtag(tag)
  }
  return "[" out "]"
}

function finish_field() {
  if (name == "") return
  if (name == "Tag") value = debtags(value)
  else if ((name == "Installed-Size" || name == "Size") && value ~ /^(0|[1-9][0-9]*)$/ && length(value) < 19) value = value
  else value = "\"" escape(value) "\""
  object = object (object == "" ? "" : ",") "\"" escape(name) "\":" value
  name = ""
}

function finish_package() {
  finish_field()
  if (object != "") print "{" object "}"
  object = ""
}

BEGIN {
  for (code = 1; code < 32; code++) control[sprintf("%c", code)] = sprintf("\\u%04x", code)
  control[sprintf("%c", 127)] = "\\u007f"
  name = object = ""
}

/^[ \t]*$/ { finish_package(); next }

/^[ \t]/ {
  sub(/^[ \t]/, "")
  sub(/[ \t]+$/, "")
  if (name == "Description") value = value "\n" ($0 == "." ? "" : $0)
  else { sub(/^[ \t]+/, ""); value = value (value == "" ? "" : " ") $0 }
  next
}

{
  colon = index($0, ":")
  if (colon < 2) next
  finish_field()
  name = substr($0, 1, colon - 1)
  value = substr($0, colon + 1)
  gsub(/^[ \t]+|[ \t]+$/, "", value)
}

END { finish_package() }
