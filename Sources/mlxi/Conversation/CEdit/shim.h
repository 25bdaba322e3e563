#include <stdio.h>
#include <stdlib.h>

#include <editline/readline.h>

// Signals are the program's business; the variable is out of reach for Swift.
static inline void edit_leave_signals_alone(void) { rl_catch_signals = 0; }
