// The parts of C that the screen needs and Swift cannot import: ncurses' wide character interface behind macros,
// variadics and global variables.
#ifndef CNCURSES_SHIM_H
#define CNCURSES_SHIM_H

#ifndef NCURSES_WIDECHAR
#define NCURSES_WIDECHAR 1
#endif
#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#if defined(__APPLE__)
#include <xlocale.h>
#endif

// No <term.h>, <sys/ioctl.h> or <termios.h> here: on Linux their types would belong to this module, and every file that
// uses them would have to import it.
int tgetent(char *buffer, const char *type);

// The system ncurses of macOS is older than extended pairs.
#if defined(NCURSES_EXT_COLORS) && NCURSES_EXT_COLORS && NCURSES_VERSION_PATCH >= 20170401
#define CNCURSES_EXTENDED_PAIRS 1
#else
#define CNCURSES_EXTENDED_PAIRS 0
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

/// Makes the characters of the process UTF-8 if the environment or the machine allows it. Only LC_CTYPE changes: an
/// embedding program's numbers and dates stay as they are.
static inline bool cncurses_use_utf8(void) {
  static const char *const names[] = {"", "C.UTF-8", "en_US.UTF-8", "UTF-8"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (setlocale(LC_CTYPE, names[i]) && strcmp(nl_langinfo(CODESET), "UTF-8") == 0) return true;
  setlocale(LC_CTYPE, "C");
  return false;
}

enum cncurses_terminal { CNCURSES_USABLE, CNCURSES_UNKNOWN, CNCURSES_DUMB };

/// Whether terminfo knows the terminal and it can place the cursor.
static inline enum cncurses_terminal cncurses_look_up(const char *type) {
  char buffer[4096];  // for a termcap of old; ncurses does not use it
  if (tgetent(buffer, type) != 1) return CNCURSES_UNKNOWN;
  const char *place = tigetstr((char *)"cup");
  return !place || place == (char *)-1 ? CNCURSES_DUMB : CNCURSES_USABLE;
}

/// A terminal on standard input and output, or NULL. Its size comes from the terminal, not from LINES and COLUMNS.
static inline SCREEN *cncurses_open(const char *type) {
  fflush(stdout);
  use_env(FALSE);
#if CNCURSES_EXTENDED_PAIRS
  use_tioctl(TRUE);
#endif
  return newterm((char *)type, stdout, stdin);
}

static inline WINDOW *cncurses_window(void) { return stdscr; }
static inline int cncurses_width(void) { return getmaxx(stdscr); }
static inline int cncurses_height(void) { return getmaxy(stdscr); }
static inline int cncurses_colors(void) { return COLORS; }
static inline int cncurses_pairs(void) { return COLOR_PAIRS; }

/// Colours: the foreground and background of pair 0 are the terminal's own where it has any (`*own`).
static inline bool cncurses_start_color(bool *own) {
  if (!has_colors() || start_color() == ERR) return false;
  *own = use_default_colors() != ERR;
  return true;
}

/// -1 is the terminal's own colour.
static inline bool cncurses_define_pair(int pair, int foreground, int background) {
#if CNCURSES_EXTENDED_PAIRS
  return init_extended_pair(pair, foreground, background) != ERR;
#else
  return pair < 32768 && init_pair((short)pair, (short)foreground, (short)background) != ERR;
#endif
}

/// The raw values of `Style.Attributes`.
enum { CNCURSES_BOLD = 1, CNCURSES_DIM = 2, CNCURSES_UNDERLINE = 4, CNCURSES_REVERSE = 8 };

/// Makes one cell of a base and its marks; at most five scalars.
static inline void cncurses_set_cell(cchar_t *cell, const uint32_t *scalars, int count, int attributes, int pair) {
  wchar_t text[CCHARW_MAX + 1];
  if (count > CCHARW_MAX) count = CCHARW_MAX;
  for (int i = 0; i < count; i++) text[i] = (wchar_t)scalars[i];
  text[count] = 0;
  attr_t drawn = A_NORMAL;
  if (attributes & CNCURSES_BOLD) drawn |= A_BOLD;
  if (attributes & CNCURSES_DIM) drawn |= A_DIM;
  if (attributes & CNCURSES_UNDERLINE) drawn |= A_UNDERLINE;
  if (attributes & CNCURSES_REVERSE) drawn |= A_REVERSE;
#if CNCURSES_EXTENDED_PAIRS
  setcchar(cell, text, drawn, 0, &pair);
#else
  setcchar(cell, text, drawn, (short)pair, NULL);
#endif
}

/// Puts cells into the window's memory: clips at the edge, neither wraps nor moves the cursor, and has no error at the
/// bottom right corner.
static inline void cncurses_put_cells(int y, int x, const cchar_t *cells, int count) {
  if (wmove(stdscr, y, x) != ERR) wadd_wchnstr(stdscr, cells, count);
}

/// Where the next update leaves the cursor, and whether it can be seen.
static inline void cncurses_place_cursor(int x, int y, bool visible) {
  leaveok(stdscr, !visible || wmove(stdscr, y, x) == ERR);
  curs_set(visible ? 1 : 0);
}

/// Everything is sent again by the next update.
static inline void cncurses_repaint(void) { clearok(curscr, TRUE); }

/// Sends what changed; the buffer of ncurses is empty afterwards.
static inline void cncurses_update(void) {
  wnoutrefresh(stdscr);
  doupdate();
}

/// A capability of the open terminal, or NULL.
static inline const char *cncurses_capability(const char *name) {
  const char *value = tigetstr((char *)name);
  return value == (char *)-1 ? NULL : value;
}

#endif
