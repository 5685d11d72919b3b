/** `pnpm bench:plot`: draws docs/memory.svg and docs/peers.svg from the results under bench/results. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { memoryPicture } from './memory.ts';
import { peersPicture } from './peers.ts';
import { readResults } from './results.ts';

const pictures = {
  'memory.svg': () => memoryPicture(readResults('lavapipe-memory.json'), readResults('lavapipe-curves.json')),
  'peers.svg': () => peersPicture(readResults('lavapipe.json')),
};
for (const [name, draw] of Object.entries(pictures)) {
  const path = fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
  writeFileSync(path, draw());
  console.log(`drawn: ${path}`);
}
