/** How to use the exported prompts in a shell, in Node and in a page. */
import type { FunctionComponent } from 'preact';
import { useState } from 'preact/hooks';
import { model, tunedClasses } from '../state/session.ts';
import { t } from '../strings/index.ts';

export const Snippets: FunctionComponent<{ readonly folder: string }> = ({ folder }) => {
  const words = t().use;
  const clip = model.value;
  if (!clip || !tunedClasses.value) return null;
  const flag = clip.kind === 'files' ? ` --model ${clip.name}` : '';
  const load = clip.kind === 'embedded' ? 'the folder assets/clip of the package mudpt' : clip.name;
  const programs = [
    { title: words.shell, code: `unzip ${folder}.zip\nnpx mudpt predict ${folder} my-pictures --top 3${flag}` },
    {
      title: words.node,
      code: `import { Device } from '@mudpt/tensor';
import { openRun, predictFiles } from 'mudpt';

const device = await Device.open();
const run = await openRun('${folder}', { device${clip.kind === 'files' ? `, model: '${clip.name}'` : ''} });
for (const { file, top } of await predictFiles(run, ['a.jpg', 'b.jpg'], 3)) console.log(file, top);
await run.close();`,
    },
    {
      title: words.page,
      code: `import { Device, tensor } from '@mudpt/tensor';
import { createImageLoader, loadClip, normalize } from '@mudpt/clip';
import { methodContext, methodNamed, openPromptFacts, restorePromptBytes } from 'mudpt/core';

const device = await Device.open();
const clip = await loadClip(modelFiles, { device }); // ${load}
const facts = await openPromptFacts(await (await fetch('${folder}/prompts.json')).text());
const method = methodNamed(facts.method).create(await methodContext(clip, facts), facts.settings);
await restorePromptBytes(await (await fetch('${folder}/prompts.safetensors')).blob(), facts, method, device);

const { size } = clip.config.image;
const pixels = await createImageLoader({ size }).load(file); // a File of an <input>
const images = tensor(normalize([pixels], size, clip.config.normalization), { shape: [1, 3, size, size] });
console.log(await method.evaluate(images).softmax().array()); // one number for each of facts.classNames`,
    },
  ];
  return (
    <section class="panel">
      <h2>{words.code}</h2>
      {programs.map(({ title, code }) => (
        <Program key={title} title={title} code={code} />
      ))}
    </section>
  );
};

const Program: FunctionComponent<{ readonly title: string; readonly code: string }> = ({ title, code }) => {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(code);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <details open={title === t().use.shell}>
      <summary>{title}</summary>
      <div class="code">
        <pre>
          <code>{code}</code>
        </pre>
        <button type="button" class="small" onClick={() => void copy()}>
          {isCopied ? t().use.copied : t().use.copy}
        </button>
      </div>
    </details>
  );
};
