/** Whether pictures are the same as before. */
import { createHash } from 'node:crypto';
import type { Item } from './dataset.ts';

/** SHA-256 (hex) over ids and labels in their order: tells whether a resumed run sees the same pictures. Contents are not read. */
export function fingerprint(items: readonly Item[]): string {
  const hash = createHash('sha256');
  for (const { id, label } of items) hash.update(`${JSON.stringify(id)} ${label}\n`);
  return hash.digest('hex');
}
