import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSafetensors, writeSafetensors } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { BestState, scoreOf } from './best.ts';
import type { Learner } from './learner.ts';

const validation = (heldOut: number) => ({
  'zeroShot held-out concepts': heldOut,
  'zeroShot seen concepts, held-out style': 50,
  'zeroShot seen concepts': 99,
  'recall@5 held-out concepts': 7,
});

it('states are compared by zero-shot accuracy on what is held out', () => {
  expect(scoreOf(validation(40))).toBe(45);
  expect(() => scoreOf({ 'zeroShot seen concepts': 1 })).toThrow('no set of what is held out');
});

it('the best state is kept, the later of equal ones, also by a run that goes on', async () => {
  const out = await mkdtemp(join(tmpdir(), 'mudpt-best-'));
  try {
    const at = (step: number): Learner =>
      ({ save: (path: string) => writeSafetensors(path, {}, { metadata: { step: String(step) } }) }) as unknown as Learner;
    const show = async (best: BestState, step: number, heldOut: number): Promise<string | undefined> => {
      await appendFile(
        join(out, 'log.jsonl'),
        `${JSON.stringify({ step, ...validation(heldOut) })}\n{"step":${step + 1},"loss":1}\n`,
      );
      await best.show(at(step), validation(heldOut));
      const file = await openSafetensors(join(out, 'best.safetensors'));
      await file.close();
      return file.metadata['step'];
    };
    const first = await BestState.of(out, 0);
    expect([await show(first, 10, 40), await show(first, 20, 60), await show(first, 30, 50)]).toEqual(['10', '20', '20']);
    const resumed = await BestState.of(out, 30);
    expect([await show(resumed, 40, 59), await show(resumed, 50, 60)]).toEqual(['20', '50']);
    // A longer run that goes on from update 10 has not seen what came after.
    expect(await show(await BestState.of(out, 10), 20, 1)).toBe('20');
  } finally {
    await rm(out, { recursive: true });
  }
});
