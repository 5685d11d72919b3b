/** What the commands of a sweep end with. */

/** Every cell that was asked for is done. */
export const EXIT_DONE = 0;
/** Some failed; the others are done. */
export const EXIT_FAILED = 1;
/** Asked to stop, and saved, or cells are with other processes: the same command goes on (EX_TEMPFAIL of sysexits.h). */
export const EXIT_AGAIN = 75;
