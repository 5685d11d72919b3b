/** Where all workers begin: by its name one computes, one looks at images, one measures the adapter. One program, so that what they share is loaded once. */
// oxlint-disable-next-line import/no-unassigned-import -- it must come before any schema
import './jitless.ts';

const early: MessageEvent[] = [];
const keep = (event: MessageEvent): void => {
  early.push(event);
};
addEventListener('message', keep);
const { name } = globalThis as unknown as { readonly name: string };
await (name === 'images' ? import('./images.ts') : name === 'bench' ? import('../bench/worker.ts') : import('./engine.ts'));
removeEventListener('message', keep);
// What was asked while the program was being loaded.
for (const { data } of early) dispatchEvent(new MessageEvent('message', { data }));
