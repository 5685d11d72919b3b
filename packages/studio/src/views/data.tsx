/** Images and classes. */
import { signal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import sampleAddress from 'virtual:sample';
import { CameraDialog, isCameraOpen } from './camera.tsx';
import { ClassList } from './class-list.tsx';
import { focusMain } from '../components/focus.ts';
import { FilePicker } from '../components/file-picker.tsx';
import { IntakeNotesView } from './intake-notes.tsx';
import { filesOfDrop, filesOfPicker } from '../project/intake.ts';
import { withClass } from '../project/edit.ts';
import { startOver } from '../state/archive.ts';
import { change, intake, isReady, project, sides, takeFiles } from '../state/project.ts';
import { telling } from '../state/session.ts';
import { t } from '../strings/index.ts';

const isOver = signal(false);

/** What fits the sample: a software adapter should be done with it in less than a minute. */
const SAMPLE = { name: 'sample', template: 'an icon of a {}.', testShare: 0.4 };
const SAMPLE_REQUEST = { training: { epochs: 8 } };

async function takeSample(): Promise<void> {
  await telling(async () => {
    const answer = await fetch(sampleAddress);
    const file = new File([await answer.blob()], 'sample.zip');
    change((present) => ({ ...present, ...SAMPLE, request: { ...present.request, ...SAMPLE_REQUEST } }));
    focusMain();
    await takeFiles([{ file, path: file.name }]);
  });
}

function drop(event: DragEvent): void {
  event.preventDefault();
  isOver.value = false;
  const { dataTransfer } = event;
  if (dataTransfer) void telling(async () => takeFiles(await filesOfDrop(dataTransfer)));
}

export const DataView: FunctionComponent = () => {
  const words = t().data;
  const isEmpty = project.value.classes.length === 0;
  return (
    <div
      class={`data ${isOver.value ? 'over' : ''}`}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes('Files')) return;
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={(event) => {
        if (event.target === event.currentTarget) isOver.value = false;
      }}
      onDrop={drop}
    >
      <header class="lead">
        <h1>{words.title}</h1>
        <p>{words.lead}</p>
      </header>
      {isReady.value && (
        <>
          <Intake isEmpty={isEmpty} />
          {intake.value && (
            <p class="looking">
              {words.looking(intake.value.done, intake.value.total)}
              <progress value={intake.value.done} max={intake.value.total} aria-label={words.title} />
            </p>
          )}
          <IntakeNotesView />
          {!isEmpty && (
            <>
              <Split />
              <ClassList />
            </>
          )}
        </>
      )}
      {isCameraOpen.value && <CameraDialog />}
    </div>
  );
};

const Intake: FunctionComponent<{ readonly isEmpty: boolean }> = ({ isEmpty }) => {
  const words = t().data;
  const pick = (input: HTMLInputElement): void => {
    const files = filesOfPicker(input.files);
    void telling(() => takeFiles(files)).finally(() => (input.value = ''));
  };
  return (
    <section class={`drop ${isEmpty ? 'large' : ''}`}>
      <p class="drop-words">{isOver.value ? words.dropNow : words.drop}</p>
      <div class="buttons">
        {isEmpty && (
          <button type="button" class="primary" onClick={() => void takeSample()}>
            {words.sample}
          </button>
        )}
        <FilePicker label={words.pickFolder} isFolder onPick={pick} />
        <FilePicker label={words.pickFiles} accept="image/*,.zip" onPick={pick} />
        <button type="button" onClick={() => (isCameraOpen.value = true)}>
          {words.camera}
        </button>
        <button
          type="button"
          onClick={() => change((present) => withClass(present, freshName(), () => crypto.randomUUID()).project)}
        >
          {words.newClass}
        </button>
      </div>
      {isEmpty && <p class="soft">{words.sampleAbout}</p>}
    </section>
  );
};

/** A name that no class has. */
function freshName(): string {
  const taken = new Set(project.value.classes.map(({ name }) => name));
  for (let number = 1; ; number += 1) {
    const name = `${t().data.newClass} ${number}`;
    if (!taken.has(name)) return name;
  }
}

const Split: FunctionComponent = () => {
  const words = t().data;
  const { testShare, images } = project.value;
  const tests = images.filter(({ id }) => sides.value.get(id) === 'test').length;
  return (
    <section class="split">
      <label>
        {words.split}
        <input
          type="range"
          min={0}
          max={0.8}
          step={0.05}
          value={testShare}
          onInput={({ currentTarget }) => change((present) => ({ ...present, testShare: Number(currentTarget.value) }))}
        />
        <output>{Math.round(100 * testShare)} %</output>
      </label>
      <span>{words.trainCount(images.length - tests)}</span>
      <span class="test-mark">{words.testCount(tests)}</span>
      <button type="button" class="plain danger" onClick={() => confirm(words.clearAsk) && void telling(startOver)}>
        {words.clear}
      </button>
    </section>
  );
};
