import { describe, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { cat, ones } from './index.ts';
import { COPY, expectThisCopy, THIS_COPY } from './copies.ts';

/** As a second copy makes them: its tensors answer to the same symbol with another place. */
const stranger = { [COPY]: 'file:///elsewhere/@mudpt/tensor' } as never;

describe('two copies of the engine', () => {
  it('tells where this one is', () => {
    expect(THIS_COPY).toMatch(/packages\/tensor$/);
  });

  it('passes what no copy made', () => {
    for (const value of [undefined, null, 3, 'x', {}, [1, 2], { [COPY]: THIS_COPY }])
      expect(() => expectThisCopy('add', 'b', value)).not.toThrow();
  });

  it('names both', () => {
    expect(() => expectThisCopy('add', 'b', [1, stranger])).toThrow(
      `add: b is a tensor of another copy of @mudpt/tensor, file:///elsewhere/@mudpt/tensor; this one is ${THIS_COPY}`,
    );
  });
});

eachDevice('two copies of the engine', (ctx) => {
  it('an op refuses the tensors of the other one by its name', () => {
    using x = ones([2], { device: ctx.device });
    expect(x[COPY]).toBe(THIS_COPY);
    expect(() => x.add(stranger)).toThrow(/add: .* is a tensor of another copy of @mudpt\/tensor.*npm ls/);
    expect(() => cat([x, stranger], 0)).toThrow(/another copy of @mudpt\/tensor/);
  });
});
