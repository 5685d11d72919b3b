import { keep, tensor, zeros } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { expectFinite, NotFiniteError, notFinite } from './finite.ts';

eachDevice('notFinite', (ctx) => {
  it('names what holds a NaN or an infinity anywhere, and nothing else', async () => {
    const { device } = ctx;
    const filled = (place: number, value: number) => {
      const data = new Float32Array(5000).fill(3e38);
      data[place] = value;
      return keep(tensor(data, { shape: [50, 100], device }));
    };
    const tensors = {
      large: filled(0, -3.4e38),
      'NaN at the end': filled(4999, Number.NaN),
      infinite: filled(17, -Infinity),
      integers: keep(tensor([1, 2], { dtype: 'i32', device })),
      empty: keep(zeros([0, 4], { device })),
    };
    try {
      expect(await notFinite(Object.entries(tensors), device)).toEqual(['NaN at the end', 'infinite']);
      expect(await notFinite([], device)).toEqual([]);
      const asked = expectFinite('op', 'it', Object.entries(tensors), device, 'mend it');
      await expect(asked).rejects.toThrow(/it holds numbers that are NaN or infinite \(NaN at the end, infinite\)/);
      await expect(asked).rejects.toBeInstanceOf(NotFiniteError);
    } finally {
      for (const one of Object.values(tensors)) one.dispose();
    }
  });
});
