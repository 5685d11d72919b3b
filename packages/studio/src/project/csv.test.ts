import { expect, it } from 'vitest';
import { csvOfGuesses, csvOfTries } from './csv.ts';

it('each image is a line of its own, and what a table program would run or split is quoted', () => {
  const guesses = [{ id: '1', label: 0, top: [[1, 0.75]], loss: 1.5 } as const];
  const images = new Map([['1', { id: '1', name: 'a, b.png', classId: 'c', width: 1, height: 1 }]]);
  expect(csvOfGuesses(guesses, images, ['cat', 'dog "x"'])).toBe(
    'file,class,prediction,probability,loss\n"a, b.png",cat,"dog ""x""",0.750000,1.500000\n',
  );
  const tried = [
    { path: 'x.png', tuned: { top: [[0, 1]] as const }, frozen: { top: [], told: { name: 'FormatError', problem: 'is empty' } } },
  ];
  expect(csvOfTries(tried, ['cat'])).toBe(
    'file,prediction,probability,zero-shot,zero-shot probability\nx.png,cat,1.000000,is empty,\n',
  );
});
