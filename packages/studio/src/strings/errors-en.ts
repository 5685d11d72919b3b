/** What the page itself tells when something cannot be done, in English; other languages have the same keys. */

export interface Said {
  readonly problem: string;
  /** What to do. */
  readonly fix?: string;
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
  notTried: (file: string, why: string): Said => ({ problem: `${file}: ${why}` }),
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
