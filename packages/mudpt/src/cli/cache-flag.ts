/** `--cache`, for every command that computes features of the frozen model. */
export const CACHE_FLAG = '--cache <folder>';
export const CACHE_HELP =
  'where features of the frozen model are kept for other runs; "off": nowhere; default: MUDPT_CACHE_DIR, else ~/.cache/mudpt/content, up to MUDPT_CACHE_SIZE (10GiB)';
