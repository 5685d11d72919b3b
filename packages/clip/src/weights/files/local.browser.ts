/** Takes the place of local.node.ts in a browser, which has no paths. */
import { InputError } from '@mudpt/tensor';
import type { Located } from './located.ts';

/** Never finds anything: give files that the user picked, bytes, or an address. */
export async function localFiles(_path: string | URL): Promise<Located | undefined> {
  return undefined;
}

/** Always refuses. */
export async function makeFolder(path: string): Promise<void> {
  throw new InputError(
    'saveHuggingFace',
    `a browser has no folder ${JSON.stringify(path)}`,
    'use serializeHuggingFace and offer the files as downloads',
  );
}
