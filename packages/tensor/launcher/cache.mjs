// Where the launcher keeps what should survive between runs: the unpacked software adapter, Mesa's compiled shaders.
import { accessSync, constants, lstatSync, mkdirSync, mkdtempSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/**
 * The cache folder of this user: `$XDG_CACHE_HOME/mudpt`, else `~/.cache/mudpt` (macOS: `~/Library/Caches/mudpt`, Windows:
 * `%LOCALAPPDATA%\mudpt`), else a private folder below the system's temporary one. It exists and is writable on return.
 *
 * @param {NodeJS.ProcessEnv} environment
 * @param {NodeJS.Platform} platform
 * @returns {string}
 */
export function cacheFolder(environment = process.env, platform = process.platform) {
  for (const candidate of candidates(environment, platform)) {
    try {
      mkdirSync(candidate, { recursive: true });
      accessSync(candidate, constants.W_OK);
      return candidate;
    } catch {
      // A read-only or absent home is ordinary in containers; the next candidate is tried.
    }
  }
  return privateTemporaryFolder();
}

/** @param {NodeJS.ProcessEnv} environment @param {NodeJS.Platform} platform @returns {string[]} */
function candidates(environment, platform) {
  const home = environment.HOME || homedir();
  const found = [];
  if (environment.XDG_CACHE_HOME) found.push(join(environment.XDG_CACHE_HOME, 'mudpt'));
  if (platform === 'win32' && environment.LOCALAPPDATA) found.push(join(environment.LOCALAPPDATA, 'mudpt'));
  else if (platform === 'darwin') found.push(join(home, 'Library', 'Caches', 'mudpt'));
  else if (home) found.push(join(home, '.cache', 'mudpt'));
  return found;
}

/**
 * A shared library is loaded from the cache, so a folder that another user could have prepared in the shared temporary
 * folder must not be trusted: the predictable name is used only when it is ours and closed to others.
 * @returns {string}
 */
function privateTemporaryFolder() {
  const { uid } = userInfo();
  const folder = join(tmpdir(), `mudpt-${uid}`);
  try {
    mkdirSync(folder, { mode: 0o700 });
    return folder;
  } catch {
    const found = lstatSync(folder, { throwIfNoEntry: false });
    const ours = found?.isDirectory() && (uid < 0 || (found.uid === uid && (found.mode & 0o022) === 0));
    return ours ? folder : mkdtempSync(join(tmpdir(), 'mudpt-'));
  }
}
