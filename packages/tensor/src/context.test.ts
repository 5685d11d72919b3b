/** The ambient context across `await`: followed in Node; refused in a page, which cannot follow it. */
import { expect, it } from 'vitest';
import { createAsyncContext } from '#gpu';
import { eachDevice } from '@mudpt/testing/support';
import { Ambient, expectSynchronous } from './context.ts';
import { defineOp } from './kernels.ts';
import { installHook, withHook } from './internal.ts';
import { scope, tensor } from './index.ts';

const follows = createAsyncContext() !== undefined;
const later = (): Promise<void> => new Promise((done) => void setTimeout(done, 1));
const name = new Ambient<string>();

it('a value is seen inside of its body, and two variables do not disturb each other', () => {
  const other = new Ambient<number>();
  const seen = name.run('a', 'outer', () =>
    other.run('b', 7, () => [name.get(), other.get(), name.run('c', 'inner', () => name.get()), name.get()]),
  );
  expect(seen).toEqual(['outer', 7, 'inner', 'outer']);
  expect(() =>
    name.run('a', 'thrown', () => {
      throw new Error('boom');
    }),
  ).toThrow('boom');
  expect([name.get(), other.get()]).toEqual([undefined, undefined]);
});

it('a value set from here on ends with the body', () => {
  const seen = name.run('a', 'outer', () => {
    name.enter('entered');
    return name.get();
  });
  expect([seen, name.get()]).toEqual(['entered', undefined]);
});

it.runIf(follows)('asynchronous bodies that overlap see their values', async () => {
  const body = async (): Promise<string | undefined> => {
    await later();
    return name.get();
  };
  expect(await Promise.all([name.run('a', 'one', body), name.run('a', 'two', body)])).toEqual(['one', 'two']);
  expect(name.get()).toBeUndefined();
});

it.runIf(!follows)('a page refuses an asynchronous body by name', async () => {
  const body = async (): Promise<never> => {
    await later();
    throw new Error('dropped: the error takes its place');
  };
  expect(() => name.run('noGrad', 'value', body)).toThrow(/^noGrad: its body is asynchronous. A page cannot follow it/);
  expect(name.get()).toBeUndefined();
  await later();
});

/* oxlint-disable-next-line unicorn/no-thenable -- what is tested is such an object */
const withThen = (value: unknown): unknown => ({ then: value });

it('a promise of any kind is no synchronous result', () => {
  expect(() => expectSynchronous('op', Promise.reject(new Error('dropped')), 'await before')).toThrow(/^op: .*Await before/);
  expect(() =>
    expectSynchronous(
      'op',
      withThen(() => undefined),
      'await before',
    ),
  ).toThrow(/asynchronous/);
  for (const value of [undefined, null, 1, {}, withThen(1)]) expectSynchronous('op', value, '');
});

it('hooks may be closed in any order: none that is closed listens', () => {
  const op = defineOp('op', () => 'plain');
  const first = installHook(() => 'first');
  const second = installHook(() => 'second');
  expect(op()).toBe('second');
  first[Symbol.dispose]();
  expect(op()).toBe('second');
  second[Symbol.dispose]();
  expect(op()).toBe('plain');
  const [a, b] = [installHook(() => 'a'), installHook(() => 'b')];
  b[Symbol.dispose]();
  expect([op(), withHook(undefined, () => op())]).toEqual(['a', 'plain']);
  a[Symbol.dispose]();
  expect(op()).toBe('plain');
});

eachDevice('scopes', (ctx) => {
  it('hold their tensors and the hooks opened inside until an asynchronous body has settled', async () => {
    const op = defineOp('op', () => 'plain');
    const seen = await scope(async () => {
      using hook = installHook(() => 'heard');
      await later();
      tensor([1], { device: ctx.device });
      expect(hook).toBeDefined();
      return op();
    });
    expect([seen, op()]).toEqual(['heard', 'plain']);
  });

  it.runIf(!follows)('that overlap in a page are refused, and release what they hold', async () => {
    const body = async (time: number): Promise<void> => {
      tensor([1], { device: ctx.device });
      await new Promise((done) => void setTimeout(done, time));
    };
    const [first, second] = [scope(() => body(5)), scope(() => body(20))];
    await expect(first).rejects.toThrow(/two asynchronous scopes overlapped/);
    await second;
  });
});
