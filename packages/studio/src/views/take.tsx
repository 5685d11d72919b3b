/** Exports, imports, and the snippet. */
import type { FunctionComponent } from 'preact';
import { exportProject, importProject } from '../state/archive.ts';
import { promptFolder, readPromptFiles } from '../project/prompt-folder.ts';
import { csvOfGuesses } from '../project/csv.ts';
import { cleanName } from '../project/edit.ts';
import { fileName, save } from '../project/save.ts';
import { change, project } from '../state/project.ts';
import { importPrompts } from '../state/learning.ts';
import { comparableClasses, outcome, telling, tuned, tunedClasses } from '../state/session.ts';
import { makeReport } from '../state/report.ts';
import { engine } from '../state/workers.ts';
import { t } from '../strings/index.ts';
import { Snippets } from './snippets.tsx';

export const Take: FunctionComponent = () => {
  const words = t().use;
  const isTuned = tunedClasses.value !== undefined;
  const title = fileName(project.value.name);
  const exportPrompts = async (): Promise<void> => {
    save(`${title}-prompts.zip`, await promptFolder(await engine.call('exportPrompts'), `${title}-prompts`));
  };
  const exportReport = async (): Promise<void> =>
    save(`${title}-report.html`, new Blob([await makeReport()], { type: 'text/html' }));
  const exportPredictions = (): void => {
    if (!tuned.value) return;
    const images = new Map(project.value.images.map((image) => [image.id, image]));
    const csv = csvOfGuesses(tuned.value.guesses, images, tunedClasses.value ?? []);
    save(`${title}-predictions.csv`, new Blob([csv], { type: 'text/csv' }));
  };
  const take = async (list: FileList | null): Promise<void> => {
    await importPrompts(await readPromptFiles([...(list ?? [])]));
  };
  return (
    <>
      <section class="panel take">
        <h2>{words.take}</h2>
        <label class="named">
          {words.name}
          <input
            type="text"
            value={project.value.name}
            maxLength={100}
            onChange={({ currentTarget }) => {
              const name = cleanName(currentTarget.value);
              if (name !== '') change((present) => ({ ...present, name }));
              currentTarget.value = project.value.name;
            }}
          />
        </label>
        <div class="cards">
          <button type="button" class="card" disabled={!isTuned} onClick={() => void telling(exportPrompts)}>
            <b>{words.prompts}</b>
            <span>{words.promptsAbout}</span>
          </button>
          <button type="button" class="card" disabled={!tuned.value} onClick={exportPredictions}>
            <b>{words.predictions}</b>
            <span>{words.predictionsAbout}</span>
          </button>
          <button
            type="button"
            class="card"
            disabled={!outcome.value?.tuned || !outcome.value.before || !comparableClasses.value}
            onClick={() => void telling(exportReport)}
          >
            <b>{words.report}</b>
            <span>{words.reportAbout}</span>
          </button>
          <button
            type="button"
            class="card"
            disabled={project.value.images.length === 0}
            onClick={() => void telling(async () => save(`${title}.zip`, await exportProject()))}
          >
            <b>{words.project}</b>
            <span>{words.projectAbout}</span>
          </button>
          <label class="card">
            <b>{words.importProject}</b>
            <span>{words.importProjectAbout}</span>
            <input
              type="file"
              accept=".zip"
              onChange={({ currentTarget }) => {
                const [file] = currentTarget.files ?? [];
                if (file) void telling(() => importProject(file)).finally(() => (currentTarget.value = ''));
              }}
            />
          </label>
          <label class="card">
            <b>{words.importPrompts}</b>
            <span>{words.importPromptsAbout}</span>
            <input
              type="file"
              multiple
              accept=".zip,.safetensors,.json,.yaml"
              onChange={({ currentTarget }) =>
                void telling(() => take(currentTarget.files)).finally(() => (currentTarget.value = ''))
              }
            />
          </label>
        </div>
      </section>
      {isTuned && <Snippets folder={`${title}-prompts`} />}
    </>
  );
};
