/** Writes the data cards of the icon sets, and the attribution of the sets of the collection in NOTICE: tsx scripts/icon-cards.ts */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { withNotice } from '../src/datasets/icons/sources/notice.ts';
import { cardText, dataCard } from '../src/datasets/icons/card.ts';
import { readManifest } from '../src/datasets/icons/concepts/manifest.ts';
import { ICON_SETS } from '../src/datasets/icons/sets.ts';

const folder = new URL('../assets/cards/', import.meta.url);
mkdirSync(folder, { recursive: true });
const concepts = await readManifest();
for (const definition of ICON_SETS) {
  const card = dataCard(definition, concepts);
  writeFileSync(new URL(`${card.name}.json`, folder), `${JSON.stringify(card, undefined, 2)}\n`);
  writeFileSync(new URL(`${card.name}.md`, folder), cardText(card));
}

const notice = new URL('../../../NOTICE', import.meta.url);
writeFileSync(notice, withNotice(readFileSync(notice, 'utf8'), 'Copied into this repository:'));
