/** Figures of the page on this machine, for its README: `pnpm studio:measure [first | many [COUNT] | screens FOLDER [readme]]`. */
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { measureFirst } from './first.ts';
import { measureMany } from './many.ts';
import { takeScreens } from './screens.ts';

const [what = 'first', argument, part] = process.argv.slice(2).filter((word) => word !== '--');
/** Where the command was given: pnpm runs it in the package's folder. */
const FROM = process.env['INIT_CWD'] ?? '.';
const load = (): string =>
  `${cpus().length} processors, load ${loadavg()
    .map((one) => one.toFixed(1))
    .join(', ')}`;

console.log(`before: ${load()}`);
if (what === 'first') await measureFirst();
else if (what === 'many') await measureMany(Number(argument ?? 3000));
else if (what === 'screens' && argument !== undefined) await takeScreens(resolve(FROM, argument), part === 'readme');
else throw new Error(`there is no ${what}: first, many [COUNT], screens FOLDER [readme]`);
console.log(`after: ${load()}`);
