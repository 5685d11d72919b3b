/** A project: what a person made. Images themselves and thumbnails are kept beside it, by their ids. */
import type { TrainingRequest } from '../worker/protocol.ts';

export interface ClassEntry {
  readonly id: string;
  /** In words, as the prompt has it. */
  readonly name: string;
}

export interface ImageEntry {
  /** SHA-256 of the bytes: equal images have equal ids. */
  readonly id: string;
  /** Name of the file, for people. */
  readonly name: string;
  readonly classId: string;
  readonly width: number;
  readonly height: number;
}

export interface Project {
  readonly format: 1;
  readonly name: string;
  /** With {} for the class name. */
  readonly template: string;
  /** Share of the images of a class that are for testing. */
  readonly testShare: number;
  readonly classes: readonly ClassEntry[];
  readonly images: readonly ImageEntry[];
  readonly request: TrainingRequest;
}

export const DEFAULT_TEMPLATE = 'a photo of a {}.';

export const EMPTY_PROJECT: Project = {
  format: 1,
  name: 'my project',
  template: DEFAULT_TEMPLATE,
  testShare: 0.3,
  classes: [],
  images: [],
  request: { method: 'mudpt', shots: 16, seed: 1, settings: {}, training: {} },
};
