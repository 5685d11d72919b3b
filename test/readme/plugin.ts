/** Serves README examples to a page as workers that send what they print: `readme-example:NAME`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vitest/config';
import { exampleOf, examples } from './examples.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PREFIX = 'readme-example:';
/** Where the examples seem to stand, so that they import packages as a file of the repository does. */
const FOLDER = join(ROOT, '.cache', 'readme');

// vitest calls a function of the page's test runner in place of import(...): a worker has no runner.
const BEFORE = `
globalThis.__vitest_browser_runner__ ??= { wrapDynamicImport: (load) => load() };
const show = (value) => typeof value === 'string' ? value : JSON.stringify(ArrayBuffer.isView(value) ? [...value] : value);
console.log = (...values) => postMessage({ line: values.map(show).join(' ') });
addEventListener('unhandledrejection', (event) => postMessage({ error: String(event.reason?.stack ?? event.reason) }));
`;
const AFTER = '\npostMessage({ done: true });\n';

export function readmeExamples(): Plugin {
  return {
    name: 'readme-examples',
    enforce: 'pre',
    resolveId: (id) => (id.startsWith(PREFIX) ? join(FOLDER, id.slice(PREFIX.length)) : undefined),
    load(id) {
      const [path = ''] = id.split('?');
      const found = examples.find(({ name }) => path === join(FOLDER, name));
      return found && BEFORE + exampleOf(readFileSync(join(ROOT, found.page), 'utf8'), found.name) + AFTER;
    },
  };
}
