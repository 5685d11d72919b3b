/** One setting of a method, as its schema describes it. */
import type { FunctionComponent } from 'preact';
import { setSetting } from '../state/project.ts';
import { t } from '../strings/index.ts';
import type { SettingField } from '../worker/protocol.ts';

export const SettingInput: FunctionComponent<{ readonly field: SettingField; readonly given: unknown }> = ({ field, given }) => {
  const { section, name, description, takes, type, choices, value } = field;
  const shown = given ?? value;
  const set = (next: unknown): void => setSetting(section, name, next === value ? undefined : next);
  const about = `${description}${takes === '' ? '' : `: ${takes}`}`;
  return (
    <label title={about} class={given === undefined ? '' : 'changed'}>
      <span>{t().train.fields[name] ?? name}</span>
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
