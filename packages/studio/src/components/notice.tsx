/** Something a person should know. */
import type { FunctionComponent } from 'preact';
import { t } from '../strings/index.ts';

export interface NoticeProps {
  readonly tone: 'warn' | 'bad' | 'good';
  readonly title?: string | undefined;
  readonly text: string;
  /** What to do. */
  readonly fix?: string | undefined;
  readonly onClose?: () => void;
}

export const Notice: FunctionComponent<NoticeProps> = ({ tone, title, text, fix, onClose, children }) => (
  <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
    <div>
      {title !== undefined && <b>{title}: </b>}
      {text}
      {fix !== undefined && t().sentence(fix)}
      {children}
    </div>
    {onClose && (
      <button type="button" class="plain" aria-label={t().close} onClick={onClose}>
        ×
      </button>
    )}
  </div>
);
