/** What the page itself tells when something cannot be done, in English; other languages have the same keys. */

export interface Said {
  readonly problem: string;
  /** What to do. */
  readonly fix?: string;
}

/** The words of an engine's error in another language; `{name}` is what the error says by that name. */
export interface EngineSentence {
  readonly problem: string;
  readonly fix: string;
}

/** What a number may be; '' where an end is open. */
export interface NumberWords {
  readonly isWhole: boolean;
  readonly least: string;
  /** The lower end, where it is out itself. */
  readonly above?: string;
  readonly most: string;
}

/** Numbers between two ends, the lower one in or out. */
export function rangeEn({ isWhole, least, above = '', most }: NumberWords): string {
  const from = `${least === '' ? '' : ` from ${least}`}${above === '' ? '' : ` above ${above}`}`;
  const end = most !== '' ? ` to ${most}` : least !== '' ? ' up' : '';
  return `${isWhole ? 'a whole number' : 'a number'}${from}${end}`;
}

export const errorsEn = {
  trainingRuns: (): Said => ({ problem: 'training is running', fix: 'pause it, or wait until it is done' }),
  noModel: (): Said => ({ problem: 'no model is loaded', fix: 'load one first' }),
  nothingLearnt: (): Said => ({ problem: 'nothing is learnt yet', fix: 'train first, or import prompts' }),
  paused: (): Said => ({ problem: 'training was paused', fix: 'go on' }),
  otherClasses: (): Said => ({ problem: 'the classes have changed since the training', fix: 'train again' }),
  template: (sentence: string): Said => ({
    problem: `the sentence “${sentence}” has no {}`,
    fix: 'write {} where the class goes',
  }),
  otherModel: (theirs: string, loaded: string): Said => ({
    problem: `the prompts were learnt on ${theirs}, and ${loaded} is another model`,
    fix: `load ${theirs} first`,
  }),
  setting: (name: string, value: string, takes: string): Said => ({
    problem: `${name} is ${value}`,
    fix: `give ${takes}`,
  }),
  settingWhole: (name: string, value: string, least: string, most: string): Said => ({
    problem: `${name} is ${value}`,
    fix: `give ${rangeEn({ isWhole: true, least, most })}`,
  }),
  settingNumber: (name: string, value: string, least: string, above: string, most: string): Said => ({
    problem: `${name} is ${value}`,
    fix: `give ${rangeEn({ isWhole: false, least, above, most })}`,
  }),
  settingChoice: (name: string, value: string, choices: string): Said => ({
    problem: `${name} is ${value}`,
    fix: `give one of ${choices}`,
  }),
  settingDecided: (name: string, value: string, by: string, words: string): Said => ({
    problem: `${name} would have no effect: ${by} is “${words}” and decides that it is ${value}`,
    fix: `leave ${name} as it was, or change ${by}; left empty, it decides nothing`,
  }),
  noPrompts: (missing: string, given: string): Said => ({
    problem: `there is no ${missing} among ${given}`,
    fix: 'give the zip that this page wrote, the zipped folder of a run, or prompts.safetensors and prompts.json of a run',
  }),
  severalRuns: (given: string): Said => ({
    problem: `there are the prompts of several runs among ${given}`,
    fix: 'give those of one run',
  }),
  noProject: (file: string, what: string): Said => ({
    problem: `${file} is no project of this page: ${what}`,
    fix: 'give a zip that this page wrote',
  }),
  projectLacks: (file: string, path: string): Said => ({
    problem: `${file} lacks ${path}`,
    fix: 'give the whole zip that this page wrote',
  }),
  zipUnreadable: (file: string, why: string): Said => ({
    problem: `${file} cannot be read (${why})`,
    fix: 'save it again as a plain zip',
  }),
  zipEncrypted: (file: string, path: string): Said => ({
    problem: `${file}: ${path} is encrypted`,
    fix: 'unpack it, and drop the folder',
  }),
  zipTooLarge: (file: string): Said => ({
    problem: `${file} holds more than a page can keep`,
    fix: 'unpack it, and drop a part of it',
  }),
  workerEnded: (why: string): Said => ({ problem: why, fix: 'reload the page' }),
  hubName: (name: string): Said => ({
    problem: `${name} is no name of a model`,
    fix: 'give one such as openai/clip-vit-base-patch16',
  }),
  hubUnknown: (name: string): Said => ({
    problem: `the hub has no open model ${name}`,
    fix: 'check the name; private models are fetched in Node',
  }),
  hubAnswers: (status: string): Said => ({ problem: `the hub answers ${status}`, fix: 'try again later' }),
  hubNoCommit: (name: string): Said => ({ problem: `the hub names no commit of ${name}`, fix: 'try again later' }),
  hubBroken: (path: string, done: string, size: string, why: string): Said => ({
    problem: `${path}: the connection broke off after ${done} of ${size} bytes${why === '' ? '' : ` (${why})`}`,
    fix: 'try again: it goes on where it stopped',
  }),
  hubFile: (path: string, status: string): Said => ({
    problem: `${path}: the hub answers ${status}`,
    fix: 'try again: it goes on where it stopped',
  }),
  hubOtherSize: (path: string, bytes: string, said: string): Said => ({
    problem: `${path} has ${bytes} bytes, and the hub said ${said}`,
    fix: 'try again later',
  }),
  otherTraining: (what: string): Said => ({
    problem: `the state that was kept is of another training: ${what}`,
    fix: 'train from the beginning',
  }),
  pageFile: (file: string, status: string): Said => ({
    problem: `${file} of this page cannot be fetched (${status})`,
    fix: 'reload the page',
  }),
  peerAbsent: (): Said => ({ problem: 'it is not built into this page', fix: '“pnpm studio:build --peers” builds it in' }),
  peerFailed: (why: string): Said => ({ problem: `it did not open or broke off (${why})` }),
  peerLacks: (): Said => ({ problem: 'it has no such operation' }),
  peerSilent: (seconds: string): Said => ({ problem: `it said nothing for ${seconds} seconds` }),
  cameraInsecure: (): Said => ({
    problem: 'the browser shows cameras to secure pages alone',
    fix: 'open this page by https, or from localhost',
  }),
  hubUnreachable: (why: string): Said => ({
    problem: `the hub cannot be reached (${why})`,
    fix: 'check the network, and try again',
  }),
  tooLarge: (model: string, weight: string): Said => ({
    problem: `${model} is too large for this adapter, which does not bind its ${weight}`,
    fix: 'take a smaller model',
  }),
};

/** By key: what every language says. */
export type Errors = typeof errorsEn;
export type ErrorKey = keyof Errors;
