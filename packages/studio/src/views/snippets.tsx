/** How to use the exported prompts in a shell, in Node and in a page. */
import type { FunctionComponent } from 'preact';
import { useState } from 'preact/hooks';
import { learnt, methods, model, tunedClasses } from '../state/session.ts';
import { t } from '../strings/index.ts';
import { nodeProgram, pageProgram, type ProgramFacts, shellProgram } from './programs.ts';

export const Snippets: FunctionComponent<{ readonly folder: string }> = ({ folder }) => {
  const words = t().use;
  const clip = model.value;
  if (!clip || !tunedClasses.value) return null;
  const facts: ProgramFacts = {
    folder,
    model: clip.kind === 'embedded' ? 'the folder assets/clip of the package mudpt' : clip.name,
    modelPath: clip.kind === 'files' ? clip.name : undefined,
    isFitted: methods.value.find(({ name }) => name === learnt.value?.method)?.isFitted ?? false,
    exif: learnt.value?.exif,
  };
  const programs = [
    { title: words.shell, code: shellProgram(facts) },
    { title: words.node, code: nodeProgram(facts) },
    { title: words.page, code: pageProgram(facts) },
  ];
  return (
    <section class="panel">
      <h2>{words.code}</h2>
      {facts.exif && <p class="soft">{words.upright}</p>}
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
