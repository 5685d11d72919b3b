/** Fixtures by address: a file URL in Node, an HTTP URL in a page. fixtures/README.md tells what they hold and who made them. */

/** Address of a file or folder in fixtures/. */
export function fixtureUrl(name: string): URL {
  return new URL(`./fixtures/${name}`, import.meta.url);
}
