/** Which commit the page is built of: results of its bench name it. */
import type { Plugin } from 'vite';
import { commitOf } from '../../../bench/results.ts';

const NAME = 'virtual:commit';

export function commit(): Plugin {
  return {
    name: 'studio-commit',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load: (id) => (id === `\0${NAME}` ? `export default ${JSON.stringify(commitOf())};` : undefined),
  };
}
