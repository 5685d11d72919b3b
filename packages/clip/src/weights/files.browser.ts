/** Takes the place of files.node.ts in a browser, which has no paths. */
import type { Located } from './files.ts';

/** Never finds anything: give files that the user picked, bytes, or an address. */
export async function localFiles(_path: string | URL): Promise<Located | undefined> {
  return undefined;
}
