import type { Results } from '../results.ts';

/** Where and when, for the foot of a picture: of several results one after the other where they were not taken together. */
export function provenance(results: readonly Results[]): string {
  const places = results.map(
    ({ adapter, processor, cores }) => `${adapter.replace(/ 0\.0\.1$/, '')} · ${processor}, ${cores} cores`,
  );
  const runs = results.map(({ date, commit }) => `${date.slice(0, 10)} · commit ${commit.split(' ')[0]}`);
  return [...new Set(places), ...new Set(runs)].join(' · ');
}
