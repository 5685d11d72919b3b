import { expect, it, vi } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { prove, proveChosen } from './check.ts';
import { traitsOf } from './problem/traits.ts';
import { GEMM_VARIANTS, type GemmVariant } from './variants/index.ts';
import { MATRIX_VARIANTS } from './variants/matrix.ts';
import { plain } from './variants/plain.ts';

/** Adds a variant to the list that planner and tuner read until the returned object is disposed. */
function listed(variant: GemmVariant): Disposable {
  const list = GEMM_VARIANTS as GemmVariant[];
  list.push(variant);
  return { [Symbol.dispose]: () => void list.splice(list.indexOf(variant), 1) };
}

/** The plain variant under another name, as something that has yet to prove its sums. */
const experimental = (name: string, changes: Partial<GemmVariant> = {}): GemmVariant => ({
  ...plain,
  name,
  provenBy: { m: 16, n: 16, k: 32, layouts: ['NT', 'TN'], dtypes: () => ['f32'], tolerance: 1e-4 },
  ...changes,
});

eachDevice('a numeric gate', (ctx) => {
  it('opens on equal sums', async () => {
    const variant = experimental('equal');
    using _ = listed(variant);
    expect(traitsOf(ctx.device).proven.has('equal')).toBe(false);
    expect(await prove(ctx.device, variant)).toBe(true);
    expect(traitsOf(ctx.device).proven.has('equal')).toBe(true);
  });

  it('shuts on other sums, on a device that does not run the variant, and on one that offers no dtype', async () => {
    const twice: GemmVariant['dispatch'] = (step, c) => plain.dispatch({ ...step, params: { ...step.params, alpha: 2 } }, c);
    for (const variant of [
      experimental('other sums', { dispatch: twice }),
      experimental('nowhere', { runsOn: () => false }),
      experimental('no dtype', { provenBy: { m: 16, n: 16, k: 32, layouts: ['NT', 'TN'], dtypes: () => [], tolerance: 1e-4 } }),
    ]) {
      using _ = listed(variant);
      expect(await prove(ctx.device, variant), variant.name).toBe(false);
      expect(traitsOf(ctx.device).proven.has(variant.name)).toBe(false);
    }
  });

  it('is tried when a device is opened for what measured choices name, and for nothing else', async () => {
    const { device } = ctx;
    const variant = MATRIX_VARIANTS[0]!;
    const tried = vi.spyOn(variant.provenBy!, 'dtypes').mockReturnValue([]);
    await proveChosen(device);
    expect(tried).not.toHaveBeenCalled();
    using _ = vi.spyOn(device.tuner, 'export').mockReturnValue({ gemm: { 'a class': variant.name, another: 'no such variant' } });
    await proveChosen(device);
    expect(tried).toHaveBeenCalledOnce();
    tried.mockRestore();
  });

  it('is no obstacle where there is none', async () => {
    expect(await prove(ctx.device, plain)).toBe(true);
  });
});
