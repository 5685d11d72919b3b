/** What to do where the browser gives no device. */
import type { FunctionComponent } from 'preact';
import { Trouble } from '../components/trouble.tsx';
import { failure } from '../state/session.ts';
import { t } from '../strings/index.ts';

/** The part of the advice for this browser comes first. */
function order(): readonly ('chrome' | 'firefox' | 'safari')[] {
  const agent = navigator.userAgent;
  if (agent.includes('Firefox/')) return ['firefox', 'chrome', 'safari'];
  if (agent.includes('Safari/') && !agent.includes('Chrome/')) return ['safari', 'chrome', 'firefox'];
  return ['chrome', 'firefox', 'safari'];
}

export const NoGpu: FunctionComponent = () => {
  const words = t().noGpu;
  const found = failure.value;
  if (!found) return null;
  const { told } = found;
  if (found.of === 'model') return <Trouble title={t().trouble} told={told} />;
  return (
    <section class="panel narrow">
      <h1>{words.title}</h1>
      <p>{words.why}</p>
      <Trouble told={told} />
      <ul class="advice">
        {!globalThis.isSecureContext && <li>{words.insecure}</li>}
        {order().map((browser) => (
          <li key={browser}>{words[browser]}</li>
        ))}
        <li>{words.blocked}</li>
      </ul>
    </section>
  );
};
