/** The teacher of a run: the finished run, or the model, that its method's setting `teacher` names. */
import { InputError } from '@mudpt/tensor';
import { isEqual } from '@mudpt/tensor/internal';
import type { Clip } from '@mudpt/clip';
import { exists } from '../../data/files.ts';
import { type ClassContext, classContext } from '../../method/class-context.ts';
import type { Teacher } from '../../method/method.ts';
import { MethodError, methodContext, methodNamed, type PromptMethod } from '../../methods/index.ts';
import { frozenClip, teacherOf } from '../../prompts/frozen.ts';
import { type BaseModel, type Numerics, numericsOf, openModel } from './model.ts';
import { expectModel, loadPrompts, type PromptFacts, type PromptPaths, readPromptFacts } from '../files/prompt-file.ts';
import { RunFolder } from '../files/run-folder.ts';
import type { RunConfig } from '../settings/settings.ts';

/** Setting by which a configuration names it. */
const SETTING = 'teacher';

type Asked = Pick<RunConfig, 'method' | 'settings'> & Partial<Numerics>;

/** The teacher that the setting names; undefined where the method has none. @throws InputError where it names nothing that exists */
function namedTeacher({ method, settings }: Asked): string | undefined {
  if (!methodNamed(method).needsTeacher) return undefined;
  const named = settings[SETTING];
  if (typeof named === 'string' && named !== '') return named;
  throw new InputError(
    'teacher',
    `${methodNamed(method).title} learns from a second model, and none is named`,
    'give the folder of a finished run, or a model: --set teacher=runs/FOLDER',
  );
}

async function promptPathsOf(named: string): Promise<PromptPaths | undefined> {
  const folder = new RunFolder(named);
  const facts = folder.file('promptFacts');
  if (await exists(facts)) return { tensors: folder.file('prompts'), facts };
  if (await exists(folder.file('config')))
    throw new InputError('teacher', `the run in ${named} has not finished`, 'train it to its end, or name another one');
  return undefined;
}

/** What tells teachers apart: prompts and model by their contents, a model that teaches as it is by its name. Undefined where there is none. */
export async function teacherMark(config: Asked): Promise<string | undefined> {
  const named = namedTeacher(config);
  if (named === undefined) return undefined;
  const paths = await promptPathsOf(named);
  const facts = paths && (await readPromptFacts(paths));
  return facts ? `${facts.tensorsHash} ${facts.model.hash}` : named;
}

/**
 * Opens the teacher beside the student's model; undefined where the method needs none.
 * @throws InputError where there is none, it sees images of another kind, or it cannot teach; errors of its files
 */
export async function openTeacher(student: Clip, config: Asked, classes: ClassContext): Promise<Teacher | undefined> {
  const named = namedTeacher(config);
  if (named === undefined) return undefined;
  const { device } = student;
  const before = device.memory().totalBytes;
  const paths = await promptPathsOf(named);
  const facts = paths && (await readPromptFacts(paths));
  const model = paths ? (await new RunFolder(named).readConfig()).model : named;
  const base = await openModel({ model, ...numericsOf(config) }, device);
  let method: PromptMethod | undefined;
  try {
    expectSameImages(student, base);
    method = paths && facts ? await learntTeacher(base, paths, facts) : await plainTeacher(base, classes);
    const { embed } = base.clip.config;
    const bytes = device.memory().totalBytes - before;
    return teacherOf(facts ? `${methodNamed(facts.method).title} on ${base.name}` : base.name, method, {
      embed,
      bytes,
      release: () => base.close(),
    });
  } catch (error) {
    method?.dispose();
    base.close();
    throw error;
  }
}

async function plainTeacher({ clip }: BaseModel, classes: ClassContext): Promise<PromptMethod> {
  return frozenClip(await methodContext(clip, { ...classContext(classes), seed: 0 }));
}

async function learntTeacher({ clip, hash, name }: BaseModel, paths: PromptPaths, facts: PromptFacts): Promise<PromptMethod> {
  expectModel(paths, facts, hash, name);
  const definition = methodNamed(facts.method);
  if (definition.needsTeacher)
    throw new InputError(
      'teacher',
      `${definition.title} has a teacher itself`,
      "name that teacher, or a run that learnt from its images' labels",
    );
  const method = definition.create(await methodContext(clip, { ...classContext(facts), seed: facts.seed }), facts.settings);
  try {
    if (method.kind !== 'prompts')
      throw new MethodError(
        'teacher',
        `${definition.title} is fitted to features, and has no class vectors for other classes`,
        'name a run that learnt prompts',
      );
    await loadPrompts(paths, facts, method, clip.device);
    return method;
  } catch (error) {
    method.dispose();
    throw error;
  }
}

/** Both read the same tensor of images. */
function expectSameImages(student: Clip, { name, clip }: BaseModel): void {
  const [of, teacher] = [student.config, clip.config];
  if (of.image.size !== teacher.image.size)
    throw new InputError(
      'teacher',
      `${name} takes images of ${teacher.image.size} pixels, and the student's model of ${of.image.size}`,
      'name a teacher that takes images of the same size',
    );
  if (!isEqual(of.normalization ?? null, teacher.normalization ?? null))
    throw new InputError(
      'teacher',
      `${name} wants pixels normalised by another mean and deviation`,
      'name a teacher that was trained on the same pixels',
    );
}
