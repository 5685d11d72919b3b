/** `pnpm bench:plot`: draws docs/memory.svg and docs/peers.svg from the results under bench/results. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readResults } from '../results.ts';
import { memoryChart } from './memory.ts';
import { PEER_SUITES, peersChart } from './peers.ts';

const charts = {
  'memory.svg': () => memoryChart(readResults('lavapipe', ['memory']), readResults('lavapipe', ['curves'])),
  'peers.svg': () => peersChart(readResults('lavapipe', PEER_SUITES)),
};
for (const [name, draw] of Object.entries(charts)) {
  const path = fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
  writeFileSync(path, draw());
  console.log(`drawn: ${path}`);
}
