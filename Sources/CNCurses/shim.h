// The parts of C that the screen needs and Swift cannot import: ncurses' wide character interface behind macros,
// variadics and global variables.
#ifndef CNCURSES_SHIM_H
#define CNCURSES_SHIM_H

#ifndef NCURSES_WIDECHAR
#define NCURSES_WIDECHAR 1
#endif
#include <curses.h>
#include <locale.h>
#include <stdint.h>
#include <wchar.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

/// Fills `widths` with libc's `wcwidth` of the code points 0..<count, as a UTF-8 locale has it, whatever the locale of
/// the process is. Without any UTF-8 locale on the machine the current one is asked.
static inline void cncurses_fill_widths(int8_t *widths, uint32_t count) {
  static const char *const names[] = {"C.UTF-8", "en_US.UTF-8", "UTF-8"};
  locale_t utf8 = (locale_t)0;
  for (size_t i = 0; i < sizeof names / sizeof *names && !utf8; i++)
    utf8 = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
  locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
  for (uint32_t code = 0; code < count; code++) widths[code] = (int8_t)wcwidth((wchar_t)code);
  if (utf8) {
    uselocale(before);
    freelocale(utf8);
  }
}

#endif
