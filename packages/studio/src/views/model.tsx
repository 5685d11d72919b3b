/** Which CLIP: the one of the page, files, or a name on the hub. */
import { signal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { FilePicker } from '../components/file-picker.tsx';
import { bytes, count } from '../components/format.ts';
import { Notice } from '../components/notice.tsx';
import { isBusy, model, openModel, part, telling } from '../state/session.ts';
import { engine } from '../state/workers.ts';
import { t } from '../strings/index.ts';
import type { HubOffer, ModelSource } from '../worker/protocol.ts';

const offer = signal<HubOffer | undefined>(undefined);
const isLooking = signal(false);
const hubName = signal('openai/clip-vit-base-patch16');

async function take(source: ModelSource): Promise<void> {
  await telling(() => openModel(source));
  part.value = undefined;
}

async function look(): Promise<void> {
  offer.value = undefined;
  isLooking.value = true;
  offer.value = await telling(() => engine.call('lookAtHub', hubName.value.trim()));
  isLooking.value = false;
}

function picked(input: HTMLInputElement): void {
  const files = [...(input.files ?? [])];
  // The same files may be picked again.
  input.value = '';
  const [first] = files;
  if (!first) return;
  const folder = first.webkitRelativePath.split('/')[0];
  void take({ kind: 'files', name: folder === undefined || folder === '' ? first.name : folder, files });
}

export const ModelView: FunctionComponent = () => {
  const words = t().model;
  const clip = model.value;
  return (
    <>
      <header class="lead">
        <h1>{words.title}</h1>
        <p>{words.lead}</p>
      </header>
      {clip && (
        <section class="panel">
          <h2>{words.now}</h2>
          <dl class="facts">
            <dt>{words.name}</dt>
            <dd>{clip.name}</dd>
            <dt>{words.parameters}</dt>
            <dd>{count(clip.parameters)}</dd>
            <dt>{words.imageSize}</dt>
            <dd>
              {clip.imageSize} × {clip.imageSize}
            </dd>
            <dt>{words.layers}</dt>
            <dd>
              {clip.layers.text} / {clip.layers.image}
            </dd>
            <dt>SHA-256</dt>
            <dd>
              <code>{clip.hash.slice(0, 16)}</code>
            </dd>
          </dl>
        </section>
      )}
      <fieldset class="choices" disabled={isBusy.value}>
        <section class="panel">
          <h2>{words.embedded}</h2>
          <p class="soft">{words.embeddedAbout}</p>
          <button type="button" disabled={clip?.kind === 'embedded'} onClick={() => void take({ kind: 'embedded' })}>
            {words.take}
          </button>
        </section>
        <section class="panel">
          <h2>{words.local}</h2>
          <p class="soft">{words.localAbout}</p>
          <div class="buttons">
            <FilePicker label={t().data.pickFolder} isFolder onPick={picked} />
            <FilePicker label={t().data.pickFiles} accept=".safetensors,.pt,.pth,.bin,.json,.txt" onPick={picked} />
          </div>
        </section>
        <section class="panel">
          <h2>{words.hub}</h2>
          <p class="soft">{words.hubAbout}</p>
          <form
            class="buttons"
            onSubmit={(event) => {
              event.preventDefault();
              void look();
            }}
          >
            <input
              type="text"
              aria-label={words.hub}
              spellcheck={false}
              value={hubName.value}
              onInput={({ currentTarget }) => (hubName.value = currentTarget.value)}
            />
            <button type="submit" disabled={isLooking.value}>
              {words.look}
            </button>
          </form>
          {offer.value && <Offer offer={offer.value} />}
        </section>
      </fieldset>
    </>
  );
};

const Offer: FunctionComponent<{ readonly offer: HubOffer }> = ({ offer: { name, bytes: size, deviceBytes, isTooLarge } }) => {
  const words = t().model;
  const work = part.value?.what === 'download' ? part.value : undefined;
  return (
    <div class="offer">
      <p>
        {words.size(bytes(size))}
        {deviceBytes !== undefined && ` ${words.memory(bytes(deviceBytes))}`}
      </p>
      {isTooLarge ? (
        <Notice tone="bad" text={words.tooLarge} />
      ) : (
        <button type="button" class="primary" disabled={work !== undefined} onClick={() => void take({ kind: 'hub', name })}>
          {work ? `${bytes(work.done)} / ${bytes(work.total)}` : words.fetch}
        </button>
      )}
    </div>
  );
};
