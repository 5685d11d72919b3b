// The function that built files call where the sources say `using`. The compiler's own weighs three times as much in a bundle, because it serves
// `await using` too, and every package has its copy.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a block holds: `u` notes a value, `e` is what the block threw, `d` disposes the values, the latest first, and throws the first error. */
export function usingCtx() {
  /** @type {Disposable[]} */
  const held = [];
  const none = {};
  return {
    e: /** @type {unknown} */ (none),
    /** @template {Disposable | null | undefined} T @param {T} value */
    u(value) {
      if (value) held.push(value);
      return value;
    },
    d() {
      for (const value of held.reverse()) {
        try {
          value[Symbol.dispose]();
        } catch (error) {
          if (this.e === none) this.e = error;
        }
      }
      if (this.e !== none) throw this.e;
    },
  };
}

/** Puts {@link usingCtx} in the place of the compiler's function. @param {string} folder of a built package without `await using` */
export function shortenUsing(folder) {
  const dist = join(folder, 'dist');
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
  const isOf = (/** @type {string} */ file) => /helpers[\\/]usingCtx\.js$/.test(file);
  const helper = files.find(isOf);
  if (!helper) throw new Error(`${folder}: the compiler's function for using is not where it was`);
  for (const file of files)
    if (!isOf(file) && /_usingCtx\w*(?:\$\d+)?\.a\(/.test(readFileSync(join(dist, file), 'utf8')))
      throw new Error(`${file}: await using does not fit the short function of tools/using.mjs`);
  writeFileSync(join(dist, helper), `${usingCtx}\nexport { usingCtx as _usingCtx };\n`);
}
