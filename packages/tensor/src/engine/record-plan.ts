/** Recording of a body as a plan. */
import { Capture, type PlanCost } from './capture.ts';
import type { Engine } from './engine.ts';
import { Plan } from './plan.ts';

/** Runs `body`; what it does goes to `capturing` and does not run. */
function runCapturing<T>(engine: Engine, capturing: Capture, body: () => T): T {
  engine.expectNoCapture('capture');
  engine.recorder.flush();
  engine.capturing = capturing;
  try {
    return body();
  } catch (error) {
    capturing.abandon((buffer) => engine.pool.release(buffer));
    throw error;
  } finally {
    engine.capturing = undefined;
  }
}

/** Records what `body` does without running it, and plans its memory. {@link capture} is the friendly form. */
export function recordPlan<T>(engine: Engine, body: () => T): { readonly result: T; readonly plan: Plan } {
  const { gpu, pool, recorder } = engine;
  const capturing = new Capture();
  const result = runCapturing(engine, capturing, body);
  const memory = capturing.finish({
    acquire: (bytes) => pool.acquirePlanned(bytes),
    group: (command, page) => recorder.groups.get(command, page, 0, { cached: false }),
    uniform: (bytes, words) => {
      const page = gpu.createBuffer({ size: bytes, usage: 0x40 | 0x08 }); // UNIFORM | COPY_DST
      gpu.queue.writeBuffer(page, 0, words);
      return page;
    },
  });
  return { result, plan: new Plan(memory, recorder, pool) };
}

/** What {@link recordPlan} would take: `body` is recorded, and forgotten. The caller disposes the result, which has no memory. */
export function measurePlan<T>(engine: Engine, body: () => T): { readonly result: T; readonly cost: PlanCost } {
  const capturing = new Capture();
  const result = runCapturing(engine, capturing, body);
  return { result, cost: capturing.measure((buffer) => engine.pool.release(buffer)) };
}
