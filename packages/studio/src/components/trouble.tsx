/** An error in the language of the page; where it has no words for it, what the engine says stands below in its English. */
import type { FunctionComponent } from 'preact';
import { t } from '../strings/index.ts';
import { wordsOf } from '../strings/told.ts';
import type { Told } from '../worker/rpc.ts';
import { Notice } from './notice.tsx';

export const Trouble: FunctionComponent<{ readonly told: Told; readonly title?: string; readonly onClose?: () => void }> = ({
  told,
  title,
  onClose,
}) => {
  const { problem, fix, detail } = wordsOf(told, t());
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
