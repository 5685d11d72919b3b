/** Fixtures by address: a file URL in Node, an HTTP URL in a page. fixtures/README.md describes their contents and origin. */

// Vite would rewrite `new URL(..., import.meta.url)` to the address of an asset that it knows when it compiles.
const { url: here } = import.meta;

/** Address of a file or folder in fixtures/. */
export function fixtureUrl(name: string): URL {
  return new URL(`./fixtures/${name}`, here);
}
