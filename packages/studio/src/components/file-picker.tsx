/** A button that lets a person pick files, or a folder. */
import type { FunctionComponent } from 'preact';

export interface FilePickerProps {
  readonly label: string;
  /** As of `<input>`; default: any file. */
  readonly accept?: string;
  readonly isFolder?: boolean;
  readonly isPrimary?: boolean;
  readonly onPick: (input: HTMLInputElement) => void;
}

export const FilePicker: FunctionComponent<FilePickerProps> = ({ label, accept, isFolder, isPrimary, onPick }) => (
  <label class={isPrimary ? 'button primary' : 'button'}>
    {label}
    <input
      type="file"
      multiple
      {...(accept !== undefined && { accept })}
      {...(isFolder && { webkitdirectory: true })}
      onChange={({ currentTarget }) => onPick(currentTarget)}
    />
  </label>
);
