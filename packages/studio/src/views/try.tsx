/** Trying what was learnt on pictures and on the camera, beside the frozen model. */
import { effect, signal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { FilePicker } from '../components/file-picker.tsx';
import { Probabilities } from '../components/guess.tsx';
import { Trouble } from '../components/trouble.tsx';
import { useCamera } from '../components/use-camera.ts';
import { csvOfTries } from '../project/csv.ts';
import { save } from '../project/save.ts';
import { expand, filesOfDrop, filesOfPicker } from '../project/intake.ts';
import { project } from '../state/project.ts';
import { isBusy, learnt, telling, tunedClasses } from '../state/session.ts';
import { engine } from '../state/workers.ts';
import { t } from '../strings/index.ts';
import type { Classified } from '../worker/protocol.ts';
import { StudioError } from '../worker/rpc.ts';

/** A picture that was tried. */
export interface Tried {
  readonly path: string;
  readonly address: string;
  readonly tuned: Classified;
  readonly frozen: Classified;
}

/** Images classified together, so that results come bit by bit. */
const AT_ONCE = 16;
/** Pictures shown with their probabilities; all are in the CSV. */
const MOST_SHOWN = 60;

/** Kept while the page is open, as long as what was learnt stays. */
const tried = signal<readonly Tried[]>([]);
effect(() => {
  if (tunedClasses.value === undefined || isBusy.value) forgetTried();
});

function forgetTried(): void {
  for (const { address } of tried.peek()) URL.revokeObjectURL(address);
  tried.value = [];
}

export const Try: FunctionComponent<{ readonly names: readonly string[] }> = ({ names }) => {
  const words = t().use;
  const [isLive, setLive] = useState(false);
  const take = async (given: readonly { readonly file: File; readonly path: string }[]): Promise<void> => {
    const { images, unreadable } = await expand(given);
    for (let from = 0; from < images.length; from += AT_ONCE) {
      const some = images.slice(from, from + AT_ONCE);
      const made = await classify(
        some.map(({ file }) => file),
        names,
      );
      const added = some.flatMap(({ file, path }, place): Tried[] => {
        const [tuned, frozen] = [made.tuned[place], made.frozen[place]];
        return tuned && frozen ? [{ path, address: URL.createObjectURL(file), tuned, frozen }] : [];
      });
      tried.value = [...added, ...tried.value];
    }
    const [bad] = unreadable;
    if (bad) throw new StudioError(bad.told);
  };
  const picked = (input: HTMLInputElement): void => {
    const files = filesOfPicker(input.files);
    // The same files may be picked again.
    input.value = '';
    void telling(() => take(files));
  };
  return (
    <section
      class="panel try"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const { dataTransfer } = event;
        if (dataTransfer && !isBusy.value) void telling(async () => take(await filesOfDrop(dataTransfer)));
      }}
    >
      <h2>{words.tryTitle}</h2>
      <p class="soft">{words.tryLead}</p>
      {learnt.value?.exif && <p class="soft">{words.upright}</p>}
      {isBusy.value && <p class="soft">{words.busy}</p>}
      <fieldset class="buttons" disabled={isBusy.value}>
        <FilePicker label={t().data.pickFiles} accept="image/*,.zip" isPrimary onPick={picked} />
        <FilePicker label={t().data.pickFolder} isFolder onPick={picked} />
        <button type="button" aria-pressed={isLive} onClick={() => setLive(!isLive)}>
          {isLive ? words.stopLive : words.live}
        </button>
        {tried.value.length > 0 && (
          <button
            type="button"
            onClick={() => save('predictions.csv', new Blob([csvOfTries(tried.value, names)], { type: 'text/csv' }))}
          >
            {words.csv}
          </button>
        )}
      </fieldset>
      {isLive && !isBusy.value && <Live names={names} />}
      <div class="tried">
        {tried.value.slice(0, MOST_SHOWN).map(({ path, address, tuned, frozen }) => (
          <article key={address}>
            <img class={learnt.value?.exif ? '' : 'as-stored'} src={address} alt={path} />
            <div>
              <h3>{path.split('/').at(-1)}</h3>
              {tuned.told === undefined ? <Sides names={names} tuned={tuned} frozen={frozen} /> : <Trouble told={tuned.told} />}
            </div>
          </article>
        ))}
      </div>
    </section>
  );
};

const Sides: FunctionComponent<{
  readonly names: readonly string[];
  readonly tuned: Classified;
  readonly frozen: Classified;
}> = ({ names, tuned, frozen }) => (
  <div class="sides">
    <div>
      <h4>{t().use.tuned}</h4>
      <Probabilities top={tuned.top} names={names} most={3} />
    </div>
    <div class="frozen">
      <h4>{t().use.zeroShot}</h4>
      <Probabilities top={frozen.top} names={names} most={3} />
    </div>
  </div>
);

async function classify(images: readonly Blob[], names: readonly string[]) {
  const classes = { classNames: names, template: project.value.template };
  const [tuned, frozen] = await Promise.all([
    engine.call('classify', images, 'tuned', classes),
    engine.call('classify', images, 'zero-shot', classes),
  ]);
  return { tuned, frozen };
}

/** The camera with probabilities per class, one frame after another. */
const Live: FunctionComponent<{ readonly names: readonly string[] }> = ({ names }) => {
  const { video, why, snap } = useCamera();
  const [seen, setSeen] = useState<{ readonly tuned: Classified; readonly frozen: Classified } | undefined>(undefined);
  useEffect(() => {
    const over = new AbortController();
    const look = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const frame = await snap();
        if (frame) {
          const { tuned, frozen } = await classify([frame], names);
          const [first, second] = [tuned[0], frozen[0]];
          if (!over.signal.aborted && first && second) setSeen({ tuned: first, frozen: second });
        }
        await new Promise((resume) => setTimeout(resume, 80));
      }
    };
    void telling(look);
    return () => over.abort();
  }, []);
  if (why !== undefined) return <Trouble title={t().camera.denied} told={why} />;
  return (
    <div class="live">
      <video ref={video} autoplay muted playsInline />
      {seen && <Sides names={names} tuned={seen.tuned} frozen={seen.frozen} />}
    </div>
  );
};
