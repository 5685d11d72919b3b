/** Using what was learnt: trying it, taking it home. */
import type { FunctionComponent } from 'preact';
import { tunedClasses } from '../state/session.ts';
import { t } from '../strings/index.ts';
import { Take } from './take.tsx';
import { Try } from './try.tsx';

export const UseView: FunctionComponent = () => (
  <>
    <header class="lead">
      <h1>{t().use.title}</h1>
      {tunedClasses.value === undefined && <p>{t().use.need}</p>}
    </header>
    {tunedClasses.value && <Try names={tunedClasses.value} />}
    <Take />
  </>
);
