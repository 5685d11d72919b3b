/** An error in the language of the page; what the engine says of it stands below in its English. */
import type { FunctionComponent } from 'preact';
import type { Said } from '../strings/errors-en.ts';
import { t } from '../strings/index.ts';
import type { Told } from '../worker/rpc.ts';
import { Notice } from './notice.tsx';

/** A sentence, and the engine's words for what the sentence does not say. */
export function wordsOf(told: Told): Said & { readonly detail?: string } {
  const { errors, kinds } = t();
  if (told.said) {
    const say = errors[told.said.key] as (...words: readonly string[]) => Said;
    return say(...told.said.words);
  }
  const { name, problem, fix } = told;
  const kind = kinds[name] ?? kinds['Error'];
  if (kind === undefined) return { problem, ...(fix !== undefined && { fix }) };
  return { problem: kind, detail: fix === undefined ? problem : `${problem}. ${fix}` };
}

export const Trouble: FunctionComponent<{ readonly told: Told; readonly title?: string; readonly onClose?: () => void }> = ({
  told,
  title,
  onClose,
}) => {
  const { problem, fix, detail } = wordsOf(told);
  return (
    <Notice tone="bad" title={title} text={problem} fix={fix} {...(onClose && { onClose })}>
      {detail !== undefined && (
        <p class="detail" lang="en">
          {detail}
        </p>
      )}
    </Notice>
  );
};
