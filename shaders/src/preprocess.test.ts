import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { generate, shaderName, withoutBlanks, withoutComments } from './generate.ts';
import { preprocess } from './preprocess.ts';
import type { Shader } from './shader.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const shader = (file: string, text: string, includes: readonly Shader[] = []): Shader => ({ file, text, includes });
const expand = (text: string, defines = {}) => preprocess(shader('test.wgsl', text), defines);

describe('shader preprocessor', () => {
  it('substitutes expressions', () => {
    expect(expand('a ${i * 8 + 3} ${T} ${"xyzw"[i]} ${7 / 2} ${-7 % 4} ${min(i, 9)}', { i: 2, T: 'f32' })).toBe(
      'a 19 f32 z 3 -3 2',
    );
    expect(expand('${a == 1 && !b ? "yes" : "no"} ${T + "x"}', { a: 1, b: 0, T: 'f' })).toBe('yes fx');
    expect(expand('${2 + 3 * 4 - 1} ${(2 + 3) * 4} ${1 < 2} ${0 || 3 >= 3}')).toBe('13 20 1 1');
  });

  it('unrolls nested loops and takes one branch', () => {
    const text = '#for i in 2\n#for j in i..3\n#if j == 1\none\n#elif j == 2\ntwo ${i}\n#else\nelse\n#endif\n#endfor\n#endfor';
    expect(expand(text)).toBe(['else', 'one', 'two 0', 'one', 'two 1'].join('\n'));
  });

  it('skips what is not taken, unknown names included', () => {
    expect(expand('#if 0\n${nothing}\n#for q in nothing\n#endfor\n#endif\nok')).toBe('ok');
  });

  it('defines and includes', () => {
    const b = shader('b.wgsl', '#let N = A + 1\nfn b${N}');
    const places: string[] = [];
    const a = shader('a.wgsl', '#let A = 3\n#include "b.wgsl"\n#for i in 2\nend ${N}\n#endfor', [b]);
    expect(preprocess(a, {}, places)).toBe('fn b4\nend 4\nend 4');
    expect(places).toEqual(['b.wgsl:2', 'a.wgsl:4', 'a.wgsl:4']);
  });

  it.each([
    ['#if 1\nx', /test.wgsl:1: no #endif/],
    ['#endfor', /test.wgsl:1: #endfor without/],
    ['x\n${a}', /test.wgsl:2: .*"a" is not defined/],
    ['${1 / 0}', /division by zero/],
    ['${"ab"[2]}', /index 2 is outside "ab"/],
    ['#include "x.wgsl"', /no such file/],
    ['#let 3', /#let needs/],
    ['${(1}', /expected "\)"/],
    ['${1 @ 2}', /unexpected "@"/],
  ])('names file and line of %j', (text, message) => {
    expect(() => expand(text)).toThrow(message);
  });

  it('generated.ts carries the files of wgsl/', () => {
    expect(readFileSync(path('./generated.ts'), 'utf8')).toBe(generate(path('../wgsl')));
  });

  it('a file is a constant, whose lines are those of the file without comments', () => {
    expect(shaderName('attention/flash.dkv.wgsl')).toBe('attentionFlashDkvWgsl');
    expect(withoutComments('// head\n\nlet a = b / c; // why\n  // more\n#endif\n')).toBe('\n\nlet a = b / c;\n\n#endif\n');
  });

  it('leaves out the blanks that tell no token from another', () => {
    expect(withoutBlanks('  #let A = B + "x y"\n\n  fn f(x: array<vec4<f32>, 2>) -> f32 { return (x[0] + y) * z; }')).toBe(
      '#let A=B+"x y"\n\nfn f(x:array<vec4<f32>,2>)->f32{return(x[0]+y)*z;}',
    );
    const shorter = {
      '#if A == "f16" && ! B': '#if A=="f16"&& !B',
      '${C ? "x + y" : z} u': '${C?"x + y":z} u',
      'i + ${2 * j}u': 'i+${2*j}u',
    };
    expect(Object.keys(shorter).map(withoutBlanks)).toEqual(Object.values(shorter));
    // A sign after an operator or out of an expression, a type before an assignment, and what an expression gives beside a word.
    const kept = ['a- -b', 'x= -1', 'a- ${B}', 'let v:vec2<f32> =w', 'let ${V} =w', 'return ${V}', '#include "a b.wgsl"'];
    expect(kept.map(withoutBlanks)).toEqual(kept);
  });
});
