// TypeScript: a plain strict program, libraries checked too, at the oldest version that is promised, the last of the old compiler, and the newest.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TYPED } from '../project.mjs';
import { ROOT, run } from '../shell.mjs';

/** Methods come by augmenting a module, which a bundler of declarations would lose. */
const METHODS = `import type { Tensor } from '@mudpt/tensor';
export const chained = (x: Tensor): Tensor => x.mul(2).sum(-1, { keepdim: true });
// @ts-expect-error -- an axis is a number
export const refused = (x: Tensor): Tensor => x.sum('last');
`;

/** The entries for small bundles know no methods. */
const SMALL = `import { mul, type Tensor } from '@mudpt/tensor/functions';
import { Linear } from '@mudpt/autograd/functions';
export const layer = (x: Tensor): Tensor => new Linear(2, 2).forward(mul(x, 2));
// @ts-expect-error -- a method
export const refused = (x: Tensor): Tensor => x.mul(2);
`;

/** Packages of tools/. */
const COMPILERS = ['typescript-5.7', 'typescript-5.9', 'typescript'];

/** The versions that are checked with. @returns {string[]} */
export const compilerVersions = () => COMPILERS.map((name) => manifestOf(name).version);

/** @param {string} name */
const manifestOf = (name) => JSON.parse(readFileSync(join(ROOT, 'tools', 'node_modules', name, 'package.json'), 'utf8'));

/** Every entry that is published, so that the declarations of all of them are read. @param {readonly import('../pack.mjs').Packed[]} packed */
function everyEntry(packed) {
  const names = packed.flatMap(({ name, folder }) => {
    const { publishConfig } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return Object.entries(publishConfig.exports).flatMap(([entry, target]) =>
      typeof target === 'object' && 'types' in target ? [join(name, entry)] : [],
    );
  });
  return names.map((name, index) => `export * as entry${index} from '${name}';\n`).join('');
}

/** @type {import('../ways.mjs').Check} */
export async function checkTypes(context) {
  const project = await context.project();
  writeFileSync(join(project, 'methods.ts'), METHODS);
  writeFileSync(join(project, 'small.ts'), SMALL);
  writeFileSync(join(project, 'entries.ts'), everyEntry(await context.packed()));
  const programs = { all: [...TYPED, 'methods.ts', 'entries.ts'], small: ['small.ts'] };
  for (const compiler of COMPILERS)
    for (const resolution of ['bundler', 'nodenext']) {
      // What `tsc --init` gives, and libraries are checked too: no `lib`, no `types` of the reader's own.
      const options = {
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        target: 'es2023',
        module: resolution === 'bundler' ? 'esnext' : 'nodenext',
        moduleResolution: resolution,
        types: [],
      };
      const { bin, version } = manifestOf(compiler);
      const tsc = join(ROOT, 'tools', 'node_modules', compiler, bin.tsc);
      for (const [name, files] of Object.entries(programs)) {
        const config = join(project, `tsconfig.${name}.${compiler}.${resolution}.json`);
        writeFileSync(config, JSON.stringify({ compilerOptions: options, files }));
        await run(process.execPath, [tsc, '-p', config], project);
      }
      console.log(`ok    declarations under TypeScript ${version}, moduleResolution ${resolution}, libraries checked too`);
    }
}
