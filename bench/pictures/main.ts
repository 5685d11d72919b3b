/** `pnpm bench:plot`: draws docs/memory.svg and docs/peers.svg from the results under bench/results. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readResults } from '../results.ts';
import { memoryPicture } from './memory.ts';
import { PEER_SUITES, peersPicture } from './peers.ts';

const pictures = {
  'memory.svg': () => memoryPicture(readResults('lavapipe', ['memory']), readResults('lavapipe', ['curves'])),
  'peers.svg': () => peersPicture(readResults('lavapipe', PEER_SUITES)),
};
for (const [name, draw] of Object.entries(pictures)) {
  const path = fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
  writeFileSync(path, draw());
  console.log(`drawn: ${path}`);
}
