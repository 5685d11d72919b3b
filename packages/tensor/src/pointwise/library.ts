/** Files of WGSL functions that expressions may call. Each is a value, so that a bundle has those that its operations name. */
import {
  integerWgsl,
  mathAngleWgsl,
  mathBaseWgsl,
  mathNormalWgsl,
  mathPowerWgsl,
  type Shader,
  specialWgsl,
} from '@mudpt/shaders';

/** A file of functions. */
export type FunctionFile = {
  readonly shader: Shader;
  /** Files whose functions its own call; expressions may call them too. */
  readonly needs?: readonly FunctionFile[];
  /** Functions whose code is too long to be inlined four times in the flat kernel: SwiftShader compiles that for minutes. */
  readonly long?: readonly string[];
};

export const mathFunctions: FunctionFile = { shader: mathBaseWgsl };
export const normalFunctions: FunctionFile = { shader: mathNormalWgsl, needs: [mathFunctions] };
export const angleFunctions: FunctionFile = { shader: mathAngleWgsl, needs: [mathFunctions], long: ['math_atan2'] };
export const powerFunctions: FunctionFile = {
  shader: mathPowerWgsl,
  needs: [mathFunctions],
  long: ['math_pow', 'math_floor_div', 'math_mod'],
};
export const specialFunctions: FunctionFile = {
  shader: specialWgsl,
  needs: [mathFunctions, angleFunctions, powerFunctions],
  // A plain list: webpack keeps a constant with a spread in it, used or not.
  long: [
    'special_trunc_div',
    'special_fmod',
    'special_asinh',
    'special_acosh',
    'special_lgamma',
    'special_digamma',
    'special_trigamma',
  ],
};
export const integerFunctions: FunctionFile = { shader: integerWgsl };

const calls = (expression: string): string[] => expression.match(/\w+(?=\()/g) ?? [];

/** `files` and those they need. */
function withNeeded(files: readonly FunctionFile[]): FunctionFile[] {
  return files.flatMap((file) => [file, ...withNeeded(file.needs ?? [])]);
}

/** The files of `library`, or needed by it, that `expression` calls functions of, and those these need, each once. */
export function filesCalled(expression: string, library: readonly FunctionFile[]): Shader[] {
  const names = calls(expression);
  const called = withNeeded(library).filter(({ shader }) => names.some((name) => shader.text.includes(`fn ${name}(`)));
  return [...new Set(withNeeded(called).map(({ shader }) => shader))];
}

/** Whether `expression` calls a long function of `library`. */
export function callsLong(expression: string, library: readonly FunctionFile[]): boolean {
  const names = calls(expression);
  return withNeeded(library).some(({ long = [] }) => long.some((name) => names.includes(name)));
}
