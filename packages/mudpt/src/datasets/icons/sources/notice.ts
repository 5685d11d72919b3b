/** Attribution of the icon sets that pretraining draws from, for NOTICE and the model card. */
import { packageOf } from './styles.ts';
import { COLLECTION, type CollectionSet } from './collection.ts';

const BEGIN =
  'Further icon sets that the embedded model is trained on, fetched from npm only by `pnpm pretrain`, each under its own licence:';

/** A paragraph of NOTICE: every set with its version, author and licence. */
export function noticeText(sets: readonly CollectionSet[] = COLLECTION): string {
  return `${BEGIN}\n\n${sets.map(({ name, version, author, licence }) => `- ${packageOf(name)} ${version}: ${licence}, ${author}.`).join('\n')}\n`;
}

/** NOTICE with this paragraph in the place of an older one, or before `before`. */
export function withNotice(notice: string, before: string): string {
  const from = notice.indexOf(BEGIN);
  const rest = from < 0 ? notice : notice.slice(0, from) + notice.slice(notice.indexOf(before, from));
  return rest.replace(before, () => `${noticeText()}\n${before}`);
}

/** How many sets there are under each licence: "MIT 52, Apache-2.0 14". */
export function licenceCounts(sets: readonly Pick<CollectionSet, 'licence'>[] = COLLECTION): string {
  const counts = new Map<string, number>();
  for (const { licence } of sets) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([licence, count]) => `${licence} ${count}`)
    .join(', ');
}
