// pointwise: result = EXPRESSION of up to six operands x, y, z, w, o, g (one letter each), with broadcasting and conversion.
//
// Defines: NAMES letters of the operands; KINDS one letter for each: n a number (in params), 1 a single element, d dense (laid out like the
// result), s strided; TYPES storage types: f f32, h f16, i i32, u u32; TR type of the result; C type of the arithmetic (f32, i32, u32);
// EXPRESSION comes with the kernel, which appends the files whose functions it calls (math.wgsl, special.wgsl, integer.wgsl);
// LAYOUT "flat" or "strided"; DIMS 2, 4 or 8 (strided); INTO 1: the result is the strided operand o, written in place; HALF 1
// where f16 occurs.
// flat: every tensor is dense with an offset that is a multiple of 4, or one element. A workgroup of WG threads takes WG * PER
// neighbouring vectors of 4, each thread every WG-th of them.
// strided: a thread takes params.run neighbours along the last dimension, so that the index is divided once for all of them.
// GPUs want many short threads (WG 64, PER 4, run 4); on CPU adapters every thread and workgroup costs, so few long ones win
// (WG 8, PER 64, run 64). The bits are the same.
// Numerics: f16 is converted to f32 first and rounded once at the store.
// A vector at the end of a flat result writes past the last element: storage is a multiple of 16 bytes. In place that must not be.
// Compile: EXPRESSION=x NAMES=x KINDS=d TYPES=f COUNT=1 TR=f32 C=f32 LAYOUT=flat WG=64 PER=4 DIMS=0 INTO=0 HALF=0 | EXPRESSION=x NAMES=xy KINDS=sn TYPES=in COUNT=2 TR=i32 C=i32 LAYOUT=strided WG=8 PER=64 DIMS=8 INTO=1 HALF=0
#if HALF
enable f16;
#endif
alias C = ${C};

struct Params {
  count: u32,
  result_offset: u32,
  inner: u32,
  run: u32,
#if LAYOUT == "strided"
  shape: array<vec4<u32>, ${(DIMS + 3) / 4}>,
#if INTO
  result_strides: array<vec4<u32>, ${(DIMS + 3) / 4}>,
#endif
#endif
#for i in COUNT
#if KINDS[i] == "n"
  number_${NAMES[i]}: ${C},
#else
  offset_${NAMES[i]}: u32,
#endif
#endfor
#for i in COUNT
#if KINDS[i] == "s"
  strides_${NAMES[i]}: array<vec4<u32>, ${(DIMS + 3) / 4}>,
#endif
#endfor
}

#let FLAT = LAYOUT == "flat"
@group(0) @binding(0) var<storage, read_write> result: array<${FLAT ? "vec4<" + TR + ">" : TR}>;
#for i in COUNT
#let T = TYPES[i] == "f" ? "f32" : TYPES[i] == "h" ? "f16" : TYPES[i] == "i" ? "i32" : "u32"
#if KINDS[i] != "n"
@group(0) @binding(${i + 1}) var<storage, read> operand_${NAMES[i]}: array<${FLAT && KINDS[i] == "d" ? "vec4<" + T + ">" : T}>;
#endif
#endfor
@group(0) @binding(${COUNT + 1}) var<uniform> params: Params;

fn apply(
#for i in COUNT
#if KINDS[i] != "n"
  ${NAMES[i]}: C,
#endif
#endfor
#if INTO
  o: C,
#endif
) -> ${TR} {
#for i in COUNT
#if KINDS[i] == "n"
  let ${NAMES[i]} = params.number_${NAMES[i]};
#endif
#endfor
  return ${TR}(${EXPRESSION});
}

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let group = wid.x + wid.y * groups.x;
#if FLAT
#for i in COUNT
#if KINDS[i] == "1"
  let ${NAMES[i]} = C(operand_${NAMES[i]}[params.offset_${NAMES[i]}]);
#endif
#endfor
  let first = group * ${WG * PER}u;
  let end = min(first + ${WG * PER}u, (params.count + 3u) / 4u);
  for (var at = first + local; at < end; at += ${WG}u) {
#for i in COUNT
#if KINDS[i] == "d"
    let ${NAMES[i]} = vec4<C>(operand_${NAMES[i]}[params.offset_${NAMES[i]} / 4u + at]);
#endif
#endfor
#if INTO
    let o = vec4<C>(result[params.result_offset / 4u + at]);
#endif
    result[params.result_offset / 4u + at] = vec4<${TR}>(
#for part in 4
      apply(
#for i in COUNT
#if KINDS[i] == "d"
        ${NAMES[i]}.${"xyzw"[part]},
#elif KINDS[i] == "1"
        ${NAMES[i]},
#endif
#endfor
#if INTO
        o.${"xyzw"[part]},
#endif
      ),
#endfor
    );
  }
#else
  let thread = group * ${WG}u + local;
  let columns = (params.inner + params.run - 1u) / params.run;
  if (thread >= params.count) { return; }
  var rest = thread / columns;
  let first = (thread % columns) * params.run;
  let row = rest * params.inner;
#for i in COUNT
#if KINDS[i] == "s"
  var at_${NAMES[i]} = params.offset_${NAMES[i]};
#endif
#endfor
#if INTO
  var at_result = params.result_offset;
#endif
#for d in DIMS - 1
#let D = DIMS - 2 - d
  {
    let size = params.shape[${D / 4}].${"xyzw"[D % 4]};
    let index = rest % size;
    rest = rest / size;
#for i in COUNT
#if KINDS[i] == "s"
    at_${NAMES[i]} += index * params.strides_${NAMES[i]}[${D / 4}].${"xyzw"[D % 4]};
#endif
#endfor
#if INTO
    at_result += index * params.result_strides[${D / 4}].${"xyzw"[D % 4]};
#endif
  }
#endfor
#let L = (DIMS - 1) % 4
  let last = min(first + params.run, params.inner);
  for (var index = first; index < last; index++) {
#if INTO
    let place = at_result + index * params.result_strides[${(DIMS - 1) / 4}].${"xyzw"[L]};
#else
    let place = row + index;
#endif
    result[place] = apply(
#for i in COUNT
#if KINDS[i] == "s"
      C(operand_${NAMES[i]}[at_${NAMES[i]} + index * params.strides_${NAMES[i]}[${(DIMS - 1) / 4}].${"xyzw"[L]}]),
#elif KINDS[i] == "d"
      C(operand_${NAMES[i]}[params.offset_${NAMES[i]} + row + index]),
#elif KINDS[i] == "1"
      C(operand_${NAMES[i]}[params.offset_${NAMES[i]}]),
#endif
#endfor
#if INTO
      C(result[place]),
#endif
    );
  }
#endif
}
