/** The page. */
/* oxlint-disable import/no-unassigned-import -- style sheets */
import { render } from 'preact';
import './style/base.css';
import './style/layout.css';
import './style/parts.css';
import { App } from './app.tsx';
import { loadWords } from './strings/index.ts';
import { becomeOnlyTab } from './state/only-tab.ts';
import { openProject } from './state/project.ts';
import { restoreLearnt } from './state/learning.ts';
import { openSession, telling } from './state/session.ts';

const root = document.getElementById('app');
if (!root) throw new Error('the page has no #app');
// Files dropped beside what takes them would be opened in the place of the page.
for (const kind of ['dragover', 'drop']) addEventListener(kind, (event) => event.preventDefault());
await loadWords();
render(<App />, root);
await becomeOnlyTab();
await openProject();
if (await openSession()) await telling(restoreLearnt);
if (import.meta.env.PROD && 'serviceWorker' in navigator) void navigator.serviceWorker.register('./offline.js');
