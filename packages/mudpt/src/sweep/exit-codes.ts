/** Exit codes of the commands of a sweep. */

/** Every requested cell is done. */
export const EXIT_DONE = 0;
/** Some failed; the others are done. */
export const EXIT_FAILED = 1;
/** Stopped and saved, or cells are with other processes: the same command continues (EX_TEMPFAIL of sysexits.h). */
export const EXIT_AGAIN = 75;
