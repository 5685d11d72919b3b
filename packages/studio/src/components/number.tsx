/** One large number with its words. */
import type { FunctionComponent } from 'preact';

export const Figure: FunctionComponent<{ readonly value: string; readonly label: string; readonly isMain?: boolean }> = ({
  value,
  label,
  isMain,
}) => (
  <div class={`number ${isMain ? 'main' : ''}`}>
    <b>{value}</b>
    <span>{label}</span>
  </div>
);
