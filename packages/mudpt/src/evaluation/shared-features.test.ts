import { tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import type { Item } from '../data/index.ts';
import type { Features } from './image-features.ts';
import { SharedFeatures } from './shared-features.ts';

eachDevice('features that runs share', (ctx) => {
  const items = (count: number): Item[] =>
    Array.from({ length: count }, (_, index) => ({ id: `${index}`, image: `${index}.png`, label: index % 2 }));
  let made = 0;
  const make = (list: readonly Item[], first: number) => async (): Promise<Features> => {
    made += 1;
    const rows = Float32Array.from({ length: list.length * 2 }, (_, index) => first + index);
    return {
      features: tensor(rows, { shape: [list.length, 2], device: ctx.device }),
      items: list,
      labels: Int32Array.from(list, ({ label }) => label),
    };
  };

  it('are computed once for a key, and are for everybody to dispose', async () => {
    const shared = new SharedFeatures();
    const list = items(3);
    for (let time = 0; time < 3; time++) {
      const { features, labels } = await shared.get({ model: 'a', data: 1 }, list, ctx.device, make(list, 5));
      expect([...(await features.data())]).toEqual([5, 6, 7, 8, 9, 10]);
      expect([...labels]).toEqual([0, 1, 0]);
      features.dispose();
    }
    expect([made, shared.hits]).toEqual([1, 2]);
    // Keys are equal wherever their parts stand, and another key is another set.
    (await shared.get({ data: 1, model: 'a' }, list, ctx.device, make(list, 0))).features.dispose();
    const other = await shared.get({ data: 2, model: 'a' }, list, ctx.device, make(list, 0));
    expect([...(await other.features.data())].slice(0, 2)).toEqual([0, 1]);
    other.features.dispose();
    expect(made).toBe(2);
  });

  it('are not kept where an image could not be read, nor beyond the memory they may take', async () => {
    made = 0;
    const shared = new SharedFeatures({ mostBytes: 24 });
    const list = items(3);
    for (const key of ['cut', 'cut']) (await shared.get(key, list, ctx.device, make(list.slice(1), 0))).features.dispose();
    expect(made).toBe(2);
    for (const key of ['a', 'b', 'b', 'a', 'a']) (await shared.get(key, list, ctx.device, make(list, 0))).features.dispose();
    // Three images of two channels are 24 bytes: one set at a time.
    expect([made, shared.hits]).toEqual([5, 2]);
  });
});
