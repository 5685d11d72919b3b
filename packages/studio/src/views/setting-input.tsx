/** One setting of a method, as its schema describes it. */
import type { FunctionComponent } from 'preact';
import { setSetting } from '../state/project.ts';
import { t } from '../strings/index.ts';
import type { SettingField } from '../worker/protocol.ts';

export const SettingInput: FunctionComponent<{ readonly field: SettingField; readonly given: unknown }> = ({ field, given }) => {
  const { section, name, description, range, takes, type, choices, value } = field;
  const shown = given ?? value;
  const set = (next: unknown): void => setSetting(section, name, next === value ? undefined : next);
  const { range: inWords, fields } = t().train;
  const [least, above, most] = [range?.least, range?.above, range?.most].map((end) => String(end ?? '')) as [
    string,
    string,
    string,
  ];
  const values = range
    ? inWords({ isWhole: range.isWhole, least, above, most })
    : choices.length > 0
      ? choices.join(', ')
      : takes;
  // Where the page has words for a setting, they say what it is.
  const about = [fields[name] === undefined ? description : '', values].filter((part) => part !== '').join(': ');
  return (
    <label title={about} class={given === undefined ? '' : 'changed'}>
      <span>{fields[name] ?? name}</span>
      {type === 'choice' && (
        <select value={String(shown)} onChange={({ currentTarget }) => set(currentTarget.value)}>
          {choices.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      )}
      {type === 'switch' && (
        <input type="checkbox" checked={shown === true} onChange={({ currentTarget }) => set(currentTarget.checked)} />
      )}
      {type === 'text' && <input type="text" value={String(shown)} onChange={({ currentTarget }) => set(currentTarget.value)} />}
      {(type === 'whole' || type === 'number') && (
        <input
          type="number"
          step={type === 'whole' ? 1 : 'any'}
          value={String(shown)}
          onChange={({ currentTarget }) => {
            const { valueAsNumber } = currentTarget;
            if (Number.isFinite(valueAsNumber)) set(valueAsNumber);
            else currentTarget.value = String(shown);
          }}
        />
      )}
    </label>
  );
};
