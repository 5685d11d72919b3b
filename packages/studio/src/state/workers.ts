/** The page's two workers. */
import type { EngineCalls, EngineEvent } from '../worker/protocol.ts';
import { Client } from '../worker/rpc.ts';
import type { ImageCalls } from '../worker/images.ts';

const start = (name: 'images' | 'engine'): Worker =>
  new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module', name });

export const images = new Client<ImageCalls, never>(start('images'));

const listeners = new Set<(event: EngineEvent) => void>();

export function onEngineEvent(listener: (event: EngineEvent) => void): void {
  listeners.add(listener);
}

export const engine = new Client<EngineCalls, EngineEvent>(start('engine'), (event) => {
  for (const listener of listeners) listener(event);
});
