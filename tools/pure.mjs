// Marks what may be dropped from bundles. Functions that say `@__NO_SIDE_EFFECTS__` where they are defined only make things: a constant that one of
// them makes may go where nobody uses it. Rollup sees that across modules; for esbuild and webpack each such call is marked at its place, here.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGES = fileURLToPath(new URL('../packages', import.meta.url));

/** @param {string} text @returns {string[]} names of its functions without side effects */
export function pureNames(text) {
  return [...text.matchAll(/@__NO_SIDE_EFFECTS__ \*\/\n\s*(?:export )?(?:const|function) (\w+)/g)].map(([, name = '']) => name);
}

/** @returns {Set<string>} those of the packages */
function findPure() {
  /** @type {Set<string>} */
  const names = new Set();
  for (const folder of ['tensor', 'autograd'])
    for (const file of readdirSync(join(PACKAGES, folder, 'src'), { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.ts') && !file.endsWith('.test.ts'))
        for (const name of pureNames(readFileSync(join(PACKAGES, folder, 'src', file), 'utf8'))) names.add(name);
  return names;
}

/** @type {Set<string> | undefined} */
let known;

/**
 * @param {string} text a module
 * @param {ReadonlySet<string>} pure names of functions without side effects; default: those of the packages
 * @returns {string} the same lines, in which calls that make its constants are marked
 */
export function markPure(text, pure = (known ??= findPure())) {
  const imported = [...text.matchAll(/^import \{([^}]*)\} from/gm)].flatMap(([, names = '']) =>
    names.split(',').map((name) => name.trim()),
  );
  const here = [...imported, ...pureNames(text)].filter((name) => pure.has(name));
  if (here.length === 0) return text;
  const calls = new RegExp(`(?<![\\w.$])(?=(?:${[...new Set(here)].join('|')})[(<])`, 'g');
  // A constant of the module, to the line that ends it.
  return text.replace(/^(?:export )?const \w+[^=\n]* =(?:.*;$|[^]*?^\S?.*;$)/gm, (constant) => {
    const start = constant.indexOf(' =') + 2;
    return constant.slice(0, start) + constant.slice(start).replace(calls, '/* @__PURE__ */ ');
  });
}
