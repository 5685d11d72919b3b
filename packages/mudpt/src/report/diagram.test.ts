import { expect, it } from 'vitest';
import { promptDiagram } from './diagram.ts';

it('draws a branch beside the feature of its tower, by the names of what it learns, and says so', () => {
  const facts = { textLayers: 3, imageLayers: 4 };
  const place = { layer: 2, rows: 5, sources: ['tokens'] };
  const drawn = promptDiagram({
    ...facts,
    layout: { text: [place], image: [place], branches: { image: ['proj_rep'] }, example: '' },
  }).text;
  expect(drawn.match(/<title>proj_rep<\/title>/g)).toHaveLength(1);
  expect(drawn).toMatch(/blue: prompt tokens enter here, or a learnt branch beside the feature \(ring\)/);
  const plain = promptDiagram({ ...facts, layout: { text: [place], image: [], example: '' } }).text;
  expect(plain).not.toMatch(/ring|<title>/);
  const head = promptDiagram({
    ...facts,
    layout: { text: [], image: [], branches: { text: ['a'], image: ['b'] }, example: '' },
  }).text;
  expect(head.match(/<title>[ab]<\/title>/g)).toHaveLength(2);
  expect(head).not.toMatch(/prompt tokens enter/);
});
